/**
 * The outputs of one task on their way: marked, gathered, and published behind one another.
 *
 * Stands between a task's steps (task-steps.ts) and the bus. Promises: outputs leave in order; each carries the mark by which
 * a redelivery is told, in its headers or in its pack (packs.ts); what is too large for the bus becomes a dead letter of the
 * record, or of the one of a pack, that it was made of; a bus that is down is tried again until the task stops.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { DeadLetterCode } from '../../core/dead-letter.ts'
import { describeError } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import type { BusRecord, OutgoingRecord, TopicPartition } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'
import { buildDeadLetter } from '../dead-letters.ts'
import { partitionOf } from '../../core/partition.ts'
import { marked, originOf } from './marks.ts'
import { aloneFrom, Pack, packCharsMax, type Unpacked } from './packs.ts'
import type { ServiceContext } from '../service.ts'
import type { DeadLetterOptions, StageOutput } from './stage.ts'

const publishPauseMsMax = 5_000
/** Reckoned for a record's key and headers. */
const overheadBytes = 200
const nothing: readonly Pack[] = []

/** Which outputs may travel together, and how many partitions their topics have. */
export interface Packing {
  readonly topics: readonly string[]
  readonly partitionsOf: (topic: string) => number
}

type Serialized = Omit<StageOutput, 'value'> & { readonly value: string | Uint8Array | null }

export class TaskOutputs {
  readonly #stage: string
  readonly #at: TopicPartition
  readonly #deps: Pick<ServiceContext, 'bus' | 'log' | 'telemetry'>
  readonly #signal: AbortSignal
  readonly #origin: string
  /** Of each topic that is packed, by partition. */
  readonly #packs: ReadonlyMap<string, readonly Pack[]>
  #gathered: OutgoingRecord[] = []
  /** Outputs among what is gathered, by topic: more than records where some travel together. */
  #counts = new Map<string, number>()
  #bytes = 0
  #index = 0
  #arrivedMs = NaN
  #arrived = ''
  #published: Promise<void> = Promise.resolve()
  #abandoned = false
  #failing = false

  constructor(
    stage: string,
    at: TopicPartition,
    deps: Pick<ServiceContext, 'bus' | 'log' | 'telemetry'>,
    signal: AbortSignal,
    packing: Packing = { topics: [], partitionsOf: () => 0 },
  ) {
    this.#stage = stage
    this.#at = at
    this.#deps = deps
    this.#signal = signal
    this.#origin = originOf(stage, at.topic, at.partition)
    const packsOf = (topic: string): Pack[] =>
      Array.from({ length: packing.partitionsOf(topic) }, (_, partition) => new Pack(this.#origin, topic, partition))
    this.#packs = new Map(packing.topics.map((topic) => [topic, packsOf(topic)]))
  }

  /** Bytes gathered and not sent, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** The task was stopped before some outputs were acknowledged. */
  get abandoned(): boolean {
    return this.#abandoned
  }

  /** The bus has not taken the last of them, and is asked again. */
  get failing(): boolean {
    return this.#failing
  }

  /** Resolves when everything flushed so far is acknowledged, or abandoned; never rejects. */
  get published(): Promise<void> {
    return this.#published
  }

  /** What is put out from here on is made of another record. */
  nextRecord(): void {
    this.#index = 0
  }

  /** `item`: the one of a pack that it was made of. */
  emit(record: BusRecord, output: StageOutput, arrivedMs: number, item?: Unpacked): void {
    const arrived = this.#spellArrived(arrivedMs)
    const packs = this.#packs.get(output.topic)
    if (packs !== undefined && this.#pack(packs, record, output, arrived)) return
    const value = serialize(output.value)
    if (value !== null && value.length > limits.recordBytesMax && Buffer.byteLength(value) > limits.recordBytesMax) {
      const message = `What ${this.#stage} made of this record for ${output.topic} is over ${limits.recordBytesMax} bytes.`
      this.deadLetter(record, 'TOO_LARGE', message, { index: this.#index }, item)
      return
    }
    const own =
      output.headers === undefined ? { [headers.arrived]: arrived } : { [headers.arrived]: arrived, ...output.headers }
    this.#gather(record, output, value, own)
  }

  /** `item`: the one of a pack that is refused; the others are not. */
  deadLetter(
    record: BusRecord,
    code: DeadLetterCode,
    message: string,
    options: DeadLetterOptions = {},
    item?: Unpacked,
  ): void {
    this.#deps.telemetry.deadLettered(this.#stage, code, 1)
    const from = item === undefined ? record : { ...aloneFrom(record, item), item: item.place }
    const letter = buildDeadLetter({ ...from, ...options, stage: this.#stage, code, message, atMs: record.appendedMs })
    this.send(record, { ...letter, value: letter.value })
  }

  send(record: BusRecord, output: Serialized): void {
    this.#gather(record, output, output.value, { ...output.headers })
  }

  /** False where it has to go alone: it has a place or headers of its own, is large, or is no object (text need not be JSON). */
  #pack(packs: readonly Pack[], { offset }: BusRecord, output: StageOutput, arrived: string): boolean {
    const { topic, key, partition, value: whole, shared, headers: own } = output
    const isPlain = key !== undefined && partition === undefined && own === undefined
    if (!isPlain || typeof whole !== 'object') return false
    const json = shared === undefined ? serialize(whole) : JSON.stringify(shared.of)
    if (typeof json !== 'string' || json.length > packCharsMax) return false
    const pack = packs[partitionOf(key, packs.length)]!
    const packed = { key, json, head: shared?.head, whole, offset, index: this.#index++, arrived }
    if (!pack.add(packed)) {
      this.#close(pack)
      pack.add(packed)
    }
    this.#bytes += json.length
    this.#count(topic)
    return true
  }

  #close(pack: Pack): void {
    const record = pack.take()
    if (record === undefined) return
    this.#gathered.push(record)
    this.#bytes += overheadBytes
  }

  #gather(
    { offset }: BusRecord,
    { topic, key, partition }: Omit<StageOutput, 'value'>,
    value: Serialized['value'],
    own: Record<string, string>,
  ): void {
    // What was put out before it stays before it.
    for (const pack of this.#packs.get(topic) ?? nothing) this.#close(pack)
    this.#gathered.push({ topic, key, partition, value, headers: marked(own, this.#origin, offset, this.#index++) })
    this.#count(topic)
    this.#bytes += (value?.length ?? 0) + overheadBytes
  }

  /** What came in one request has arrived at one time. */
  #spellArrived(arrivedMs: number): string {
    if (arrivedMs !== this.#arrivedMs) {
      this.#arrivedMs = arrivedMs
      this.#arrived = String(arrivedMs)
    }
    return this.#arrived
  }

  /** Sends what was gathered, behind what was sent before; resolves when what was sent before is acknowledged. */
  async flush(): Promise<void> {
    for (const packs of this.#packs.values()) for (const pack of packs) this.#close(pack)
    if (this.#gathered.length === 0) return
    const outputs = this.#gathered
    const counts = this.#counts
    this.#gathered = []
    this.#counts = new Map()
    this.#bytes = 0
    const before = this.#published
    this.#published = before.then(() => this.#publishUntilDone(outputs, counts))
    await before
  }

  /** A bus that is down holds this stage back, and no other; nothing is given up but by stopping. */
  async #publishUntilDone(outputs: readonly OutgoingRecord[], counts: ReadonlyMap<string, number>): Promise<void> {
    for (let pauseMs = 100; !this.#signal.aborted; pauseMs = Math.min(pauseMs * 2, publishPauseMsMax)) {
      try {
        await this.#deps.bus.publish(outputs)
        this.#failing = false
        for (const [topic, count] of counts) this.#deps.telemetry.emitted(this.#stage, topic, count)
        return
      } catch (error) {
        this.#failing = true
        this.#deps.telemetry.retried(this.#stage, 'publish')
        const { topic, partition } = this.#at
        this.#deps.log.warn('outputs could not be published; trying again', {
          stage: this.#stage,
          topic,
          partition,
          pauseMs,
          error: describeError(error),
        })
        await pause(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined)
      }
    }
    this.#abandoned = true
  }

  #count(topic: string): void {
    this.#counts.set(topic, (this.#counts.get(topic) ?? 0) + 1)
  }
}

function serialize(value: unknown): string | Uint8Array | null {
  return typeof value === 'string' || value === null || value instanceof Uint8Array ? value : JSON.stringify(value)
}
