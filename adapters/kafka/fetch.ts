/**
 * Fetch and ListOffsets as requests of our own (versions 11 and 2), and the loop that keeps partitions fed.
 *
 * Own requests because kafkajs decodes a whole answer or none of it: one batch that doesn't unfold would stop every
 * partition of its broker. The loop runs once for each broker that leads a wanted partition, asks for all that want
 * data, and hands what comes to its Feed; a partition that is being handled is read ahead of, and holds back no other.
 */
import type { TopicPartition } from '../../core/ports/bus.ts'
import type { KafkaLog, Link } from './client.ts'
import { decodeRecords, type AbortedTransaction, type DecodedRecords } from './decode.ts'
import { rawRequest, type RawRequest } from './internals.ts'
import { backoffMs, isPassing, isStaleLeader, pause, ProtocolFault } from './retry.ts'
import { WireReader, WireWriter } from './wire.ts'

const fetchApi = { key: 1, version: 11, name: 'Fetch' } as const
const listOffsetsApi = { key: 2, version: 2, name: 'ListOffsets' } as const

export interface FetchPosition extends TopicPartition {
  readonly from: number
}

export interface FetchedPartition extends TopicPartition {
  readonly errorCode: number
  /** One past the last record that all replicas have, and up to where every transaction has ended. */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStart: number
  readonly aborted: readonly AbortedTransaction[]
  readonly records: Buffer
}

export interface FetchLimits {
  readonly waitMs: number
  readonly bytesMax: number
  readonly partitionBytesMax: number
  readonly committed: boolean
}

export function fetchRequest(
  positions: readonly FetchPosition[],
  limits: FetchLimits,
): RawRequest<{ readonly throttledMs: number; readonly partitions: readonly FetchedPartition[] }> {
  const byTopic = Map.groupBy(positions, (each) => each.topic)
  let size = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4 + 4 + 2
  for (const [topic, ofTopic] of byTopic) size += 2 + Buffer.byteLength(topic) + 4 + ofTopic.length * 28
  const writer = new WireWriter(size)
  writer.int32(-1)
  writer.int32(limits.waitMs)
  writer.int32(1)
  writer.int32(limits.bytesMax)
  writer.int8(limits.committed ? 1 : 0)
  writer.int32(0)
  writer.int32(-1)
  writer.int32(byTopic.size)
  for (const [topic, ofTopic] of byTopic) {
    writer.string(topic)
    writer.int32(ofTopic.length)
    for (const { partition, from } of ofTopic) {
      writer.int32(partition)
      writer.int32(-1)
      writer.int64(from)
      writer.int64(-1)
      writer.int32(limits.partitionBytesMax)
    }
  }
  writer.int32(0)
  writer.string('')
  return rawRequest(fetchApi, writer.done(), decodeFetchResponse)
}

function decodeFetchResponse(payload: Buffer): {
  readonly throttledMs: number
  readonly partitions: readonly FetchedPartition[]
} {
  const reader = new WireReader(payload)
  const throttledMs = reader.int32()
  const errorCode = reader.int16()
  if (errorCode !== 0) throw new ProtocolFault(errorCode)
  reader.skip(4)
  const partitions: FetchedPartition[] = []
  for (let topics = reader.count(); topics > 0; topics -= 1) {
    const topic = reader.string()
    for (let left = reader.count(); left > 0; left -= 1) partitions.push(readPartition(reader, topic))
  }
  return { throttledMs, partitions }
}

function readPartition(reader: WireReader, topic: string): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  const logStart = reader.int64()
  const aborted: AbortedTransaction[] = []
  for (let count = reader.count(); count > 0; count -= 1) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() })
  }
  reader.skip(4)
  const length = reader.int32()
  const records = reader.bytes(Math.max(0, length))
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStart, aborted, records }
}

/** First offset, or the one after the last: of what is committed, or of everything. */
export async function listOffset(
  link: Link,
  at: TopicPartition,
  which: 'first' | 'end',
  committed: boolean,
): Promise<number> {
  const writer = new WireWriter(4 + 1 + 4 + 2 + Buffer.byteLength(at.topic) + 4 + 12)
  writer.int32(-1)
  writer.int8(committed ? 1 : 0)
  writer.int32(1)
  writer.string(at.topic)
  writer.int32(1)
  writer.int32(at.partition)
  writer.int64(which === 'first' ? -2 : -1)
  const request = rawRequest(listOffsetsApi, writer.done(), (payload) => {
    const reader = new WireReader(payload, 4)
    reader.count()
    reader.string()
    reader.count()
    reader.skip(4)
    const errorCode = reader.int16()
    reader.skip(8)
    return { errorCode, offset: reader.int64() }
  })
  try {
    const { errorCode, offset } = await link.send(await link.leader(at), request)
    if (errorCode !== 0) throw new ProtocolFault(errorCode)
    return offset
  } catch (error) {
    if (isStaleLeader(error)) link.forget(at.topic)
    else if (isPassing(error)) link.forgetAll()
    throw error
  }
}

/** What a fetch loop feeds. */
export interface Feed {
  /** Partitions that can take more, and from where. */
  wanted(): readonly FetchPosition[]
  /** Whether others will want data as soon as they are done with what they have: then no fetch waits long. */
  heldBack(): boolean
  /** `from` is where was asked: what was sought elsewhere meanwhile is to be ignored. */
  take(at: FetchPosition, decoded: DecodedRecords, fetched: FetchedPartition): void
  /** The log no longer has (or not yet) what was asked for. */
  outOfRange(at: FetchPosition): void
}

const heldBackWaitMs = 10
const errorWaitMsMax = 1_000

export class FetchLoop {
  readonly #link: Link
  readonly #feed: Feed
  readonly #committed: boolean
  readonly #log: KafkaLog
  readonly #running = new Map<number, Promise<void>>()
  readonly #stopping = new AbortController()
  #finding: Promise<void> | undefined
  #findAgain = false

  constructor(link: Link, feed: Feed, committed: boolean, log: KafkaLog) {
    this.#link = link
    this.#feed = feed
    this.#committed = committed
    this.#log = log
  }

  /** Something changed: partitions that want data and are not being asked for will be. */
  kick(): void {
    if (this.#stopping.signal.aborted) return
    this.#findAgain = true
    this.#finding ??= this.#find().finally(() => (this.#finding = undefined))
  }

  /** Ends the loop and the link that it reads by. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#link.close()
    await this.#finding
    await Promise.all(this.#running.values())
  }

  /** Starts a loop for each broker that leads something wanted and has none yet. */
  async #find(): Promise<void> {
    const { signal } = this.#stopping
    for (let attempt = 1; this.#findAgain && !signal.aborted;) {
      this.#findAgain = false
      try {
        for (const at of this.#feed.wanted()) {
          const node = await this.#link.leader(at)
          if (!this.#running.has(node)) this.#start(node)
        }
        attempt = 1
      } catch (error) {
        this.#log.debug('The leaders of partitions are not known.', { error: String(error) })
        await pause(backoffMs(attempt++, 50, errorWaitMsMax), signal)
        this.#findAgain = true
      }
    }
  }

  #start(node: number): void {
    const loop = this.#feedFrom(node).finally(() => {
      this.#running.delete(node)
      if (this.#feed.wanted().length > 0) this.kick()
    })
    this.#running.set(node, loop)
  }

  async #feedFrom(node: number): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted;) {
      try {
        const positions = await this.#wantedFrom(node)
        if (positions.length === 0) return
        await this.#fetchOnce(node, positions)
        failures = 0
      } catch (error) {
        failures += 1
        this.#link.forgetAll()
        this.#log.debug('A fetch failed; it is tried again.', { error: String(error), failures })
        await pause(backoffMs(failures, 20, errorWaitMsMax), signal)
      }
    }
  }

  async #wantedFrom(node: number): Promise<readonly FetchPosition[]> {
    const positions: FetchPosition[] = []
    for (const at of this.#feed.wanted()) {
      const leader = await this.#link.leader(at)
      if (leader === node) positions.push(at)
      else if (!this.#running.has(leader)) this.kick()
    }
    return positions
  }

  async #fetchOnce(node: number, positions: readonly FetchPosition[]): Promise<void> {
    const { settings } = this.#link
    const limits: FetchLimits = {
      waitMs: this.#feed.heldBack() ? heldBackWaitMs : settings.fetchWaitMs,
      bytesMax: settings.fetchBytesMax,
      partitionBytesMax: settings.fetchPartitionBytesMax,
      committed: this.#committed,
    }
    // Who stands first gets the bytes: turn the order.
    const turned = this.#turn++ % positions.length
    const order = [...positions.slice(turned), ...positions.slice(0, turned)]
    const { throttledMs, partitions } = await this.#link.send(node, fetchRequest(order, limits))
    const asked = new Map(positions.map((each) => [`${each.topic} ${each.partition}`, each]))
    let stale = false
    for (const fetched of partitions) {
      const at = asked.get(`${fetched.topic} ${fetched.partition}`)
      if (at !== undefined) stale = this.#hand(at, fetched) || stale
    }
    if (stale) await pause(100, this.#stopping.signal)
    if (throttledMs > 0) await pause(throttledMs, this.#stopping.signal)
  }
  #turn = 0

  /** Returns whether the partition has another leader now. */
  #hand(at: FetchPosition, fetched: FetchedPartition): boolean {
    if (fetched.errorCode === 0) {
      const { inflatedBytesMax } = this.#link.settings
      const options = { ...at, aborted: fetched.aborted, committed: this.#committed, inflatedBytesMax }
      this.#feed.take(at, decodeRecords(fetched.records, options), fetched)
      return false
    }
    const fault = new ProtocolFault(fetched.errorCode)
    if (fault.type === 'OFFSET_OUT_OF_RANGE') {
      this.#feed.outOfRange(at)
      return false
    }
    this.#log.debug('A partition could not be fetched.', { ...at, error: fault.type })
    this.#link.forget(at.topic)
    return true
  }
}
