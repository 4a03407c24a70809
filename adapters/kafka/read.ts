/**
 * Reads partitions without a consumer group: to their end (restoring state), or on and on (broadcast topics).
 *
 * A group costs seconds to join and would split what every reader needs whole. The end is the last stable offset when
 * asked; positions follow whole batches, so the holes that transactions leave don't matter.
 */
import type { BusRecord, TopicPartition } from '../../core/ports/bus.ts'
import type { KafkaLog, Link } from './client.ts'
import { decodeRecords, type DecodedRecords } from './decode.ts'
import { FetchLoop, fetchRequest, listOffset, type Feed, type FetchedPartition, type FetchPosition } from './fetch.ts'
import { closed, faultType, isStaleLeader, ProtocolFault, withRetries } from './retry.ts'

const emptyAnswersMax = 3
const readWaitMs = 20
const outOfRange = 'OFFSET_OUT_OF_RANGE'

export type OnBatch = (batch: readonly BusRecord[]) => Promise<void> | void

export async function readToEnd(
  link: Link,
  at: TopicPartition,
  from: number | 'start',
  onBatch: OnBatch,
  signal: AbortSignal,
): Promise<void> {
  const retry = { doing: `read ${at.topic}/${at.partition}`, withinMs: link.settings.deliveryTimeoutMs, signal }
  const end = await withRetries(() => listOffset(link, at, 'end', true), retry)
  let position = from === 'start' ? await withRetries(() => listOffset(link, at, 'first', true), retry) : from
  for (let empty = 0; position < end && empty < emptyAnswersMax;) {
    const answer = await withRetries(() => fetchOnce(link, { ...at, from: position }), retry)
    if (answer === outOfRange) {
      // Retention took the beginning away; what is left begins here.
      const first = await withRetries(() => listOffset(link, at, 'first', true), retry)
      if (first <= position) return
      position = first
      continue
    }
    const { decoded, throttled } = answer
    // Compaction may have left nothing up to the end: then the broker has nothing to give, again and again.
    if (decoded.nextOffset === position && !throttled) empty += 1
    else empty = 0
    position = decoded.nextOffset
    const within = decoded.records.at(-1)?.offset ?? 0
    const batch = within < end ? decoded.records : decoded.records.filter(({ offset }) => offset < end)
    if (batch.length > 0) await onBatch(batch)
  }
}

async function fetchOnce(
  link: Link,
  at: FetchPosition,
): Promise<{ readonly decoded: DecodedRecords; readonly throttled: boolean } | typeof outOfRange> {
  const { fetchBytesMax, inflatedBytesMax } = link.settings
  const limits = { waitMs: readWaitMs, bytesMax: fetchBytesMax, partitionBytesMax: fetchBytesMax, committed: true }
  try {
    const { throttledMs, partitions } = await link.send(await link.leader(at), fetchRequest([at], limits))
    const fetched = partitions[0]
    if (fetched === undefined) throw new ProtocolFault(3)
    if (fetched.errorCode !== 0) throw new ProtocolFault(fetched.errorCode)
    const options = { ...at, aborted: fetched.aborted, committed: true, inflatedBytesMax }
    return { decoded: decodeRecords(fetched.records, options), throttled: throttledMs > 0 }
  } catch (error) {
    if (faultType(error) === outOfRange) return outOfRange
    if (isStaleLeader(error)) link.forget(at.topic)
    else link.forgetAll()
    throw error
  }
}

/** All partitions of a topic, from their start on. */
export class Follower implements Feed {
  readonly #link: Link
  readonly #topic: string
  readonly #onBatch: (batch: readonly BusRecord[]) => void
  readonly #log: KafkaLog
  readonly #loop: FetchLoop
  readonly #positions = new Map<number, number>()
  readonly #ends = new Map<number, number>()
  readonly #stopping = new AbortController()
  #caughtUp: () => void = () => undefined
  #gaveUp: (error: Error) => void = () => undefined

  constructor(link: Link, topic: string, onBatch: (batch: readonly BusRecord[]) => void, log: KafkaLog) {
    this.#link = link
    this.#topic = topic
    this.#onBatch = onBatch
    this.#log = log
    this.#loop = new FetchLoop(link, this, true, log)
  }

  /** Resolves when everything that was there has been delivered. */
  async start(): Promise<void> {
    const { signal } = this.#stopping
    const retry = { doing: `follow ${this.#topic}`, withinMs: this.#link.settings.deliveryTimeoutMs, signal }
    const leaders = await withRetries(() => this.#link.leaders(this.#topic), retry)
    await Promise.all(
      leaders.map(async (_leader, partition) => {
        const at = { topic: this.#topic, partition }
        this.#ends.set(partition, await withRetries(() => listOffset(this.#link, at, 'end', true), retry))
        this.#positions.set(partition, await withRetries(() => listOffset(this.#link, at, 'first', true), retry))
      }),
    )
    await new Promise<void>((resolve, reject) => {
      this.#caughtUp = resolve
      this.#gaveUp = reject
      this.#tellIfCaughtUp()
      this.#loop.kick()
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop.stop()
    this.#gaveUp(closed(`follow ${this.#topic}`))
  }

  wanted(): readonly FetchPosition[] {
    return [...this.#positions].map(([partition, from]) => ({ topic: this.#topic, partition, from }))
  }

  heldBack(): boolean {
    // Until caught up nothing waits: a partition that ends in a compacted hole answers with nothing.
    return this.#ends.size > 0
  }

  take(at: FetchPosition, decoded: DecodedRecords, fetched: FetchedPartition): void {
    if (this.#stopping.signal.aborted || this.#positions.get(at.partition) !== at.from) return
    this.#positions.set(at.partition, decoded.nextOffset)
    const end = this.#ends.get(at.partition)
    if (end !== undefined && decoded.nextOffset === at.from && fetched.lastStableOffset >= end)
      this.#ends.delete(at.partition)
    if (decoded.records.length > 0) this.#deliver(decoded.records)
    this.#tellIfCaughtUp()
  }

  outOfRange(at: FetchPosition): void {
    const partition = { topic: this.#topic, partition: at.partition }
    listOffset(this.#link, partition, 'first', true).then(
      (first) => this.#positions.set(at.partition, first),
      (error: unknown) => {
        this.#log.debug('The range of a partition is not known yet.', { ...partition, error: String(error) })
      },
    )
  }

  #deliver(records: readonly BusRecord[]): void {
    try {
      this.#onBatch(records)
    } catch (error) {
      this.#log.error('A follower threw at a record; it goes on behind it.', {
        topic: this.#topic,
        error: String(error),
      })
    }
  }

  #tellIfCaughtUp(): void {
    for (const [partition, end] of this.#ends) {
      if ((this.#positions.get(partition) ?? 0) >= end) this.#ends.delete(partition)
    }
    if (this.#ends.size === 0) this.#caughtUp()
  }
}
