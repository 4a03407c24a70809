/**
 * What waits to be published to one partition, and the batch of it that is under way.
 *
 * A batch, once numbered, keeps its bytes until the broker has answered: so Kafka recognizes what it already has. Where
 * the fate of a batch stays unknown, the partition begins anew under a fresh producer id.
 */
import type { WardenError } from '../../core/errors.ts'
import { batchHeaderBytes, encodeBatch, type CountedRecord } from './encode.ts'

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** One call of `publish`: done when all its records are. */
export interface Call {
  left: number
  failed: boolean
  readonly until: number
  resolve(): void
  reject(error: WardenError): void
}

export interface Waiting {
  readonly record: CountedRecord
  readonly call: Call
}

export interface Batch {
  readonly bytes: Buffer
  readonly waiting: readonly Waiting[]
  /** Whether a broker may have it although no answer came. */
  unsure: boolean
}

/** Sequence numbers are 32 bits, without the sign. */
const sequencesMax = 2 ** 31

export class Outbox {
  readonly topic: string
  readonly partition: number
  readonly #settled: (waiting: readonly Waiting[], error?: WardenError) => void
  #queue: Waiting[] = []
  #sequence = 0
  #batchBytesMax: number
  batch: Batch | undefined
  identity: ProducerIdentity | undefined
  /** The identity it had is of no use any more, here. */
  renew = false
  sending = false
  failures = 0
  /** Not to be tried before, on the monotonic clock. */
  notBefore = 0

  constructor(
    topic: string,
    partition: number,
    batchBytesMax: number,
    settled: (waiting: readonly Waiting[], error?: WardenError) => void,
  ) {
    this.topic = topic
    this.partition = partition
    this.#batchBytesMax = batchBytesMax
    this.#settled = settled
  }

  get isEmpty(): boolean {
    return this.batch === undefined && this.#queue.length === 0
  }

  get place(): { readonly topic: string; readonly partition: number } {
    return { topic: this.topic, partition: this.partition }
  }

  push(waiting: Waiting): void {
    this.#queue.push(waiting)
  }

  /** Cuts the next batch from the queue and numbers it, unless one is under way. */
  seal(options: {
    readonly compression: 'none' | 'gzip' | 'zstd'
    readonly transactional: boolean
    readonly nowMs: number
  }): Batch | undefined {
    if (this.batch !== undefined) return this.batch
    this.#dropFailed()
    let bytes = batchHeaderBytes
    let count = 0
    for (const { record } of this.#queue) {
      bytes += record.bytes
      if (count > 0 && bytes > this.#batchBytesMax) break
      count += 1
    }
    if (count === 0) return undefined
    const waiting = this.#queue.splice(0, count)
    const identity = { ...this.identity!, baseSequence: this.#sequence, transactional: options.transactional }
    const records = waiting.map((each) => each.record)
    this.batch = {
      bytes: encodeBatch(records, identity, options.compression, options.nowMs),
      waiting,
      unsure: false,
    }
    return this.batch
  }

  acknowledged(): void {
    const { waiting } = this.batch!
    this.batch = undefined
    this.failures = 0
    this.#sequence = (this.#sequence + waiting.length) % sequencesMax
    this.#settled(waiting)
  }

  /** The broker doesn't know this producer any more: all that waits is numbered again, from 0. */
  beginAnew(): void {
    this.#takeBack()
    this.#forgetIdentity()
  }

  /** The batch was too large for the topic: it is cut again. `false` where a single record was. */
  cutSmaller(): boolean {
    const { bytes, waiting } = this.batch!
    if (waiting.length === 1) return false
    this.#batchBytesMax = Math.ceil(bytes.length / 2)
    this.#takeBack()
    return true
  }

  /** Fails the calls that `which` names. A batch fails as a whole: nobody knows how much of it the broker has. */
  giveUp(error: WardenError, which: (call: Call) => boolean): void {
    const { batch } = this
    if (batch?.waiting.some(({ call }) => which(call)) === true) {
      this.batch = undefined
      if (batch.unsure) this.#forgetIdentity()
      this.#settled(batch.waiting, error)
    }
    const [goes, stays] = split(this.#queue, ({ call }) => which(call))
    this.#queue = stays
    this.#settled(goes, error)
    this.#dropFailed()
  }

  #takeBack(): void {
    this.#queue.unshift(...this.batch!.waiting)
    this.batch = undefined
  }

  #forgetIdentity(): void {
    this.#sequence = 0
    this.identity = undefined
    this.renew = true
  }

  /** Of a call that failed elsewhere the rest is not sent. */
  #dropFailed(): void {
    if (!this.#queue.some(({ call }) => call.failed)) return
    const [goes, stays] = split(this.#queue, ({ call }) => call.failed)
    this.#queue = stays
    this.#settled(goes)
  }
}

function split<T>(list: readonly T[], which: (each: T) => boolean): [goes: T[], stays: T[]] {
  const goes: T[] = []
  const stays: T[] = []
  for (const each of list) (which(each) ? goes : stays).push(each)
  return [goes, stays]
}
