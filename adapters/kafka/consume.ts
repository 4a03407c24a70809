/**
 * A member of a consumer group at work: membership (group.ts), fetching (fetch.ts) and one lane a partition (lane.ts).
 */
import type { ConsumeOptions, Consumption, TopicPartition } from '../../core/ports/bus.ts'
import type { KafkaLog, Link } from './client.ts'
import type { DecodedRecords } from './decode.ts'
import { FetchLoop, listOffset, type Feed, type FetchedPartition, type FetchPosition } from './fetch.ts'
import { GroupMember } from './group.ts'
import { Lane, Slots, type LaneOptions } from './lane.ts'
import { asBusError, faultType, isPassing, pause, backoffMs, withRetries } from './retry.ts'
import { committedOffsets } from './offsets.ts'

const concurrencyDefault = 4
const batchRecordsMaxDefault = 2_000
const commitWithinMs = 5_000
const outTypes: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

/** Connections of its own, so that nobody waits behind a fetch or a join; and the shared one for short questions. */
export interface ConsumeLinks {
  readonly fetches: Link
  readonly joins: Link
  readonly heartbeats: Link
  readonly shared: Link
}

export class KafkaConsumption implements Consumption, Feed {
  readonly #links: ConsumeLinks
  readonly #options: ConsumeOptions
  readonly #log: KafkaLog
  readonly #lanes = new Map<string, Lane>()
  readonly #laneOptions: LaneOptions
  readonly #loop: FetchLoop
  readonly #member: GroupMember
  readonly #onClosed: () => void
  #closed: Promise<void> | undefined

  constructor(links: ConsumeLinks, options: ConsumeOptions, log: KafkaLog, onClosed: () => void) {
    this.#links = links
    this.#options = options
    this.#log = log
    this.#onClosed = onClosed
    this.#loop = new FetchLoop(links.fetches, this, options.isolation !== 'uncommitted', log)
    this.#laneOptions = {
      handler: options.handler,
      slots: new Slots(options.concurrency ?? concurrencyDefault),
      batchRecordsMax: options.batchRecordsMax ?? batchRecordsMaxDefault,
      readAheadBytesMax: links.fetches.settings.readAheadBytesMax,
      log,
      startOf: (at, signal) => this.#startOf(at, signal),
      hungry: () => {
        this.#loop.kick()
      },
    }
    const group = {
      group: options.group,
      topics: options.topics,
      held: () => [...this.#lanes.values()].map((lane) => lane.at),
      gained: (partitions: readonly TopicPartition[]) => {
        this.#gained(partitions)
      },
      lost: (partitions: readonly TopicPartition[]) => this.#lost(partitions),
    }
    this.#member = new GroupMember(links.joins, links.heartbeats, group, log)
  }

  start(): void {
    this.#member.start()
  }

  assignment(): readonly TopicPartition[] {
    return [...this.#lanes.values()].filter((lane) => lane.isHeld).map((lane) => lane.at)
  }

  pause(at: TopicPartition): void {
    this.#lanes.get(keyOf(at))?.pause()
  }

  resume(at: TopicPartition): void {
    this.#lanes.get(keyOf(at))?.resume()
  }

  async commit(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    const { group } = this.#options
    const { shared } = this.#links
    const held = offsets.filter((at) => this.#lanes.has(keyOf(at)))
    if (held.length === 0) return
    const topics = [...Map.groupBy(held, (at) => at.topic)].map(([topic, ofTopic]) => ({
      topic,
      partitions: ofTopic.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }))
    const commit = async () => {
      const { memberId, generation } = this.#member.membership
      const node = await shared.coordinator('group', group)
      await node.offsetCommit({ groupId: group, groupGenerationId: generation, memberId, topics })
    }
    try {
      await withRetries(commit, {
        doing: `commit offsets of ${group}`,
        withinMs: commitWithinMs,
        passing: (error) => isPassing(error) || faultType(error) === 'REBALANCE_IN_PROGRESS',
        onRetry: () => {
          shared.forgetCoordinator('group', group)
        },
      })
    } catch (error) {
      // The group has put this member out: its word doesn't count, and it is about to hear so.
      if (!outTypes.has(faultType(error) ?? '')) throw error
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#member.close()
    await this.#loop.stop()
    await this.#links.heartbeats.close()
    this.#onClosed()
  }

  wanted(): readonly FetchPosition[] {
    const positions: FetchPosition[] = []
    for (const lane of this.#lanes.values()) {
      const from = lane.wants
      if (from !== undefined) positions.push({ ...lane.at, from })
    }
    return positions
  }

  heldBack(): boolean {
    for (const lane of this.#lanes.values()) if (lane.isHeldBack) return true
    return false
  }

  take(at: FetchPosition, decoded: DecodedRecords, _fetched: FetchedPartition): void {
    this.#lanes.get(keyOf(at))?.take(at.from, decoded)
  }

  outOfRange(at: FetchPosition): void {
    const lane = this.#lanes.get(keyOf(at))
    if (lane?.wants === at.from) void this.#backIntoRange(lane, at)
  }

  /** Retention was faster than this reader, or the log was cut or made anew. */
  async #backIntoRange(lane: Lane, at: FetchPosition): Promise<void> {
    try {
      const first = await listOffset(this.#links.shared, lane.at, 'first', true)
      if (lane.wants !== at.from) return
      if (at.from < first) {
        this.#log.error('Records expired before they were read.', {
          ...lane.at,
          from: at.from,
          first,
          lost: first - at.from,
        })
      } else {
        this.#log.error('The log ends before the place to read on from; it is read from its start.', {
          ...lane.at,
          from: at.from,
        })
      }
      lane.seek(first)
    } catch (error) {
      this.#log.debug('The range of a partition is not known yet.', { ...lane.at, error: String(error) })
    }
  }

  #gained(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      if (!this.#lanes.has(keyOf(at))) this.#lanes.set(keyOf(at), new Lane(at, this.#laneOptions))
    }
  }

  async #lost(partitions: readonly TopicPartition[]): Promise<void> {
    await Promise.all(
      partitions.map(async (at) => {
        await this.#lanes.get(keyOf(at))?.stop()
        this.#lanes.delete(keyOf(at))
      }),
    )
  }

  /** The group's committed offset, or the start of the log. */
  async #startOf(at: TopicPartition, signal: AbortSignal): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const [committed] = await committedOffsets(this.#links.shared, this.#options.group, at.topic, [at.partition])
        if (committed !== undefined && committed.offset >= 0) return committed.offset
        return await listOffset(this.#links.shared, at, 'first', true)
      } catch (error) {
        if (signal.aborted || !isPassing(error)) throw asBusError(error, `start of ${at.topic}/${at.partition}`)
        await pause(backoffMs(attempt), signal)
      }
    }
  }
}

function keyOf(at: TopicPartition): string {
  return `${at.topic} ${at.partition}`
}
