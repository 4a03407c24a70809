/**
 * One member of a consumer group, as its owner sees it.
 */
import type { ConsumeOptions, Consumption, TopicPartition } from '../../core/ports/bus.ts'
import { busLimits, type EmbeddedLog } from './config.ts'
import { Lane, Permits, type Group, type Member } from './group.ts'
import type { PartitionLog, PartitionReader } from './partition-log.ts'

export interface ConsumptionContext {
  readonly log: EmbeddedLog
  committed(log: PartitionLog): number | undefined
  readerFrom(log: PartitionLog, from: number): PartitionReader
  commit(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void>
  closed(): void
}

export class EmbeddedConsumption implements Consumption, Member {
  readonly topics: ReadonlySet<string>
  readonly #options: ConsumeOptions
  readonly #group: Group
  readonly #context: ConsumptionContext
  readonly #permits: Permits
  readonly #lanes = new Map<PartitionLog, Lane>()
  /** Lanes that were given away and still finish their batch. */
  readonly #ending = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(options: ConsumeOptions, group: Group, context: ConsumptionContext) {
    this.topics = new Set(options.topics)
    this.#options = options
    this.#group = group
    this.#context = context
    this.#permits = new Permits(options.concurrency ?? 4)
  }

  take(log: PartitionLog, before: Promise<void>): void {
    const { group, handler, batchRecordsMax = busLimits.batchRecordsMax } = this.#options
    const lane = new Lane(
      {
        log,
        group,
        handler,
        batchRecordsMax,
        permits: this.#permits,
        committed: () => this.#context.committed(log),
        readerFrom: (from) => this.#context.readerFrom(log, from),
        report: this.#context.log,
      },
      before,
    )
    this.#lanes.set(log, lane)
  }

  give(log: PartitionLog): Promise<void> {
    const lane = this.#lanes.get(log)
    if (lane === undefined) return Promise.resolve()
    this.#lanes.delete(log)
    const ended = lane.stop()
    this.#ending.add(ended)
    void ended.then(() => this.#ending.delete(ended))
    return ended
  }

  async commit(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    await this.#context.commit(offsets)
  }

  assignment(): readonly TopicPartition[] {
    return [...this.#lanes.values()].filter((lane) => lane.held).map((lane) => lane.at)
  }

  pause(at: TopicPartition): void {
    this.#laneOf(at)?.pause()
  }

  resume(at: TopicPartition): void {
    this.#laneOf(at)?.resume()
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    await this.#group.leave(this)
    await Promise.all(this.#ending)
    this.#context.closed()
  }

  #laneOf({ topic, partition }: TopicPartition): Lane | undefined {
    for (const [log, lane] of this.#lanes) if (log.topic === topic && log.partition === partition) return lane
    return undefined
  }
}
