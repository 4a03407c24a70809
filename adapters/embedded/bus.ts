/**
 * The Bus on SQLite, for one process.
 *
 * Promises those of core/ports/bus.ts. An acknowledged record outlives the process, kill -9 included. Consumers hear of new
 * records in the same turn of the event loop in which their publisher does; nothing polls. A full disk rejects `publish`
 * with BusUnavailableError until there is room again.
 */
import { BusRefusedError, BusUnavailableError, describeError, FencedError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type {
  Bus,
  BusRecord,
  ConsumeOptions,
  Consumption,
  FencedProducer,
  OutgoingRecord,
  TopicPartition,
} from '../../core/ports/bus.ts'
import type { TopicSpec } from '../../core/topics.ts'
import type { StoredTopic } from './bus-store.ts'
import type { Maintained, MaintainBody, OpenedBus } from './bus-worker.ts'
import { WorkerClient } from './client.ts'
import { busLimits, type EmbeddedBusOptions, type EmbeddedLog } from './config.ts'
import type { OpenFile } from './database.ts'
import { Follower } from './follower.ts'
import { Group } from './group.ts'
import { EmbeddedConsumption } from './consumption.ts'
import { PartitionReader, TailBudget, type PartitionLog } from './partition-log.ts'
import { Publisher } from './publisher.ts'
import { checkSpec, Topics } from './topics.ts'

const dayMs = 86_400_000

export interface OpenBus extends EmbeddedBusOptions {
  readonly log: EmbeddedLog
  readonly clock: Clock
}

export async function openBus(open: OpenFile, options: OpenBus): Promise<EmbeddedBus> {
  const worker = new WorkerClient('bus', open.file, new URL('./bus-worker.ts', import.meta.url), options.log)
  try {
    return new EmbeddedBus(worker, await worker.ask<OpenedBus>('open', open), options)
  } catch (error) {
    await worker.close()
    throw error
  }
}

export class EmbeddedBus implements Bus {
  readonly kind = 'embedded'
  readonly #worker: WorkerClient
  readonly #options: OpenBus
  readonly #topics = new Topics()
  readonly #groups = new Map<string, Group>()
  /** Committed offsets: group -> partition id -> offset. */
  readonly #offsets = new Map<string, Map<number, number>>()
  readonly #epochs = new Map<string, number>()
  readonly #publisher: Publisher
  readonly #consumptions = new Set<EmbeddedConsumption>()
  readonly #maintenance: NodeJS.Timeout
  #creating: Promise<void> = Promise.resolve()
  #maintaining: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #refusing = false

  constructor(worker: WorkerClient, opened: OpenedBus, options: OpenBus) {
    this.#worker = worker
    this.#options = options
    this.#publisher = new Publisher(worker, new TailBudget(), () => options.clock.nowMs())
    this.#topics.adopt(opened.topics)
    for (const { group, partition, offset } of opened.offsets) this.#offsetsOf(group).set(partition, offset)
    this.#maintenance = setInterval(() => void this.maintain(), options.maintenanceMs ?? 30_000)
    this.#maintenance.unref()
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#refuseClosed()
    for (const spec of specs) checkSpec(spec)
    // One call after the other, so that two that name the same topic make it once.
    const created = this.#creating.then(() => this.#create(specs))
    this.#creating = created.catch(() => undefined)
    await created
  }

  async partitionCount(topic: string): Promise<number> {
    return this.#topics.topic(topic).logs.length
  }

  async offsets(topic: string): Promise<readonly { partition: number; low: number; high: number }[]> {
    return this.#topics.topic(topic).logs.map(({ partition, low, high }) => ({ partition, low, high }))
  }

  async groupOffsets(group: string, topic: string): Promise<readonly { partition: number; offset: number }[]> {
    const committed = this.#offsets.get(group)
    return this.#topics
      .topic(topic)
      .logs.map((log) => ({ partition: log.partition, offset: committed?.get(log.id) ?? -1 }))
  }

  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    this.#refuseClosed()
    if (records.length === 0) return
    await this.#publisher.publish(records.map((record) => this.#topics.outbound(record)))
  }

  async fenced(name: string): Promise<FencedProducer> {
    this.#refuseClosed()
    const epoch = (this.#epochs.get(name) ?? 0) + 1
    this.#epochs.set(name, epoch)
    let closed = false
    const allowed = (): boolean => this.#epochs.get(name) === epoch
    // What the holder before has sent already may still land; after this, nothing of it can.
    await this.#publisher.sent()
    return {
      commit: async (records) => {
        this.#refuseClosed()
        if (closed) throw new BusRefusedError(`The producer ${name} is closed.`)
        if (!allowed()) throw new FencedError(`Another holder took the name ${name}.`)
        if (records.length === 0) return
        const outbound = records.map((record) => this.#topics.outbound(record))
        let bytes = 0
        for (const { frame } of outbound) bytes += frame.bytes
        if (bytes > busLimits.commitBytesMax) {
          throw new BusRefusedError(`A transaction of ${bytes} bytes is over the limit of ${busLimits.commitBytesMax}.`)
        }
        await this.#publisher.publish(outbound, allowed)
      },
      close: async () => {
        closed = true
      },
    }
  }

  async consume(options: ConsumeOptions): Promise<Consumption> {
    if (this.#closed !== undefined) throw new BusUnavailableError('The embedded bus is closing.')
    const logs = options.topics.flatMap((topic) => this.#topics.topic(topic).logs)
    let group = this.#groups.get(options.group)
    if (group === undefined) this.#groups.set(options.group, (group = new Group()))
    const consumption = new EmbeddedConsumption(options, group, {
      log: this.#options.log,
      committed: (log) => this.#offsets.get(options.group)?.get(log.id),
      readerFrom: (log, from) => new PartitionReader(log, this.#worker, from),
      commit: (offsets) => this.#commit(options.group, offsets),
      closed: () => this.#consumptions.delete(consumption),
    })
    this.#consumptions.add(consumption)
    group.join(consumption, logs)
    return consumption
  }

  async read(
    at: TopicPartition,
    from: number | 'start',
    onBatch: (batch: readonly BusRecord[]) => Promise<void> | void,
  ): Promise<void> {
    this.#refuseClosed()
    const log = this.#topics.log(at)
    const end = log.high
    const reader = new PartitionReader(log, this.#worker, from === 'start' ? log.low : from)
    while (reader.position < end) {
      const batch = await reader.next(busLimits.batchRecordsMax)
      const wanted = (batch.at(-1)?.offset ?? end) < end ? batch : batch.filter(({ offset }) => offset < end)
      if (wanted.length > 0) await onBatch(wanted)
    }
  }

  async follow(topic: string, onBatch: (batch: readonly BusRecord[]) => void): Promise<{ stop(): Promise<void> }> {
    this.#refuseClosed()
    const followers = this.#topics.topic(topic).logs.map((log) => {
      const reader = new PartitionReader(log, this.#worker, log.low)
      return new Follower(log, reader, onBatch, this.#options.log)
    })
    const stop = async (): Promise<void> => {
      await Promise.all(followers.map((each) => each.stop()))
    }
    try {
      await Promise.all(followers.map((each) => each.caughtUp))
    } catch (error) {
      await stop()
      throw error
    }
    return { stop }
  }

  async ping(): Promise<void> {
    await this.#worker.ask('ping')
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  /** A round of retention and compaction: runs by itself every `maintenanceMs`. */
  async maintain(): Promise<void> {
    this.#maintaining ??= this.#maintain()
      .catch((error: unknown) => {
        this.#options.log.warn('Old records could not be removed; trying again later.', { error: describeError(error) })
      })
      .finally(() => (this.#maintaining = undefined))
    await this.#maintaining
  }

  async #close(): Promise<void> {
    clearInterval(this.#maintenance)
    // Batches under way may still publish and commit.
    await Promise.all([...this.#consumptions].map((each) => each.close()))
    this.#refusing = true
    await this.#publisher.drained()
    await this.#maintaining
    await this.#worker.close()
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const missing = this.#topics.missing(specs)
    if (missing.length > 0) this.#topics.adopt(await this.#worker.ask<readonly StoredTopic[]>('createTopics', missing))
  }

  #offsetsOf(group: string): Map<number, number> {
    let offsets = this.#offsets.get(group)
    if (offsets === undefined) this.#offsets.set(group, (offsets = new Map<number, number>()))
    return offsets
  }

  async #commit(group: string, offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    this.#refuseClosed()
    const stored = offsets.map(({ offset, ...at }) => ({ group, partition: this.#topics.log(at).id, offset }))
    await this.#publisher.commitOffsets(stored)
    const known = this.#offsetsOf(group)
    for (const { partition, offset } of stored) known.set(partition, offset)
  }

  async #maintain(): Promise<void> {
    const nowMs = this.#options.clock.nowMs()
    const { retentionMsDefault = 7 * dayMs, compactionLagMs = 10_000, tombstoneMs = dayMs } = this.#options
    const expire: MaintainBody['expire'][number][] = []
    const compact: MaintainBody['compact'][number][] = []
    const logs: PartitionLog[] = []
    for (const topic of this.#topics.all()) {
      for (const log of topic.logs) {
        if (log.low === log.high) continue
        logs.push(log)
        const cutoffMs = nowMs - (topic.retentionMs ?? retentionMsDefault)
        if (topic.cleanup === 'delete') expire.push({ partition: log.id, cutoffMs })
        else
          compact.push({
            partition: log.id,
            beforeMs: nowMs - compactionLagMs,
            tombstonesBeforeMs: nowMs - tombstoneMs,
          })
      }
    }
    const { lows } = await this.#worker.ask<Maintained>('maintain', { expire, compact } satisfies MaintainBody)
    const byId = new Map(logs.map((log) => [log.id, log]))
    for (const { partition, low } of lows) byId.get(partition)!.low = low
  }

  #refuseClosed(): void {
    if (this.#refusing) throw new BusUnavailableError('The embedded bus is closed.')
  }
}
