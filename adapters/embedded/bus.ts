/**
 * The Bus on SQLite, for one process.
 *
 * Promises those of core/ports/bus.ts. An acknowledged record outlives the process, kill -9 included. Consumers hear of new
 * records in the same turn of the event loop in which their publisher does; nothing polls. A full disk rejects `publish`
 * with BusUnavailableError until there is room again.
 */
import { BusRefusedError, BusUnavailableError, describeError, FencedError } from '../../core/errors.ts'
import { partitionOf } from '../../core/partition.ts'
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
import { frameHeadBytes, frameOf } from './encode.ts'
import { Group } from './group.ts'
import { EmbeddedConsumption } from './consumption.ts'
import { PartitionLog, PartitionReader, TailBudget } from './partition-log.ts'
import { Publisher, type Outbound } from './publisher.ts'

const dayMs = 86_400_000

interface Follower {
  readonly caughtUp: Promise<void>
  stop(): Promise<void>
}

interface Topic {
  readonly name: string
  readonly cleanup: 'delete' | 'compact'
  readonly retentionMs: number | undefined
  readonly logs: readonly PartitionLog[]
  /** Of the next record without a key. */
  next: number
}

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
  readonly #topics = new Map<string, Topic>()
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
    this.#adopt(opened.topics)
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
    return this.#topic(topic).logs.length
  }

  async offsets(topic: string): Promise<readonly { partition: number; low: number; high: number }[]> {
    return this.#topic(topic).logs.map(({ partition, low, high }) => ({ partition, low, high }))
  }

  async groupOffsets(group: string, topic: string): Promise<readonly { partition: number; offset: number }[]> {
    const committed = this.#offsets.get(group)
    return this.#topic(topic).logs.map((log) => ({ partition: log.partition, offset: committed?.get(log.id) ?? -1 }))
  }

  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    this.#refuseClosed()
    if (records.length === 0) return
    await this.#publisher.publish(records.map((record) => this.#outbound(record)))
  }

  async fenced(name: string): Promise<FencedProducer> {
    this.#refuseClosed()
    const epoch = (this.#epochs.get(name) ?? 0) + 1
    this.#epochs.set(name, epoch)
    let closed = false
    const allowed = (): boolean => this.#epochs.get(name) === epoch
    // What the holder before has sent already may still land; after this, nothing of it can.
    await this.#publisher.settled()
    return {
      commit: async (records) => {
        this.#refuseClosed()
        if (closed) throw new BusRefusedError(`The producer ${name} is closed.`)
        if (!allowed()) throw new FencedError(`Another holder took the name ${name}.`)
        if (records.length === 0) return
        const outbound = records.map((record) => this.#outbound(record))
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
    const logs = options.topics.flatMap((topic) => this.#topic(topic).logs)
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
    const log = this.#log(at)
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
    const followers = this.#topic(topic).logs.map((log) => this.#followOne(log, onBatch))
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
    await this.#publisher.settled()
    await this.#maintaining
    await this.#worker.close()
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const missing = new Map(specs.filter(({ name }) => !this.#topics.has(name)).map((spec) => [spec.name, spec]))
    if (missing.size === 0) return
    let partitions = 0
    for (const { logs } of this.#topics.values()) partitions += logs.length
    for (const spec of missing.values()) partitions += spec.partitions
    if (partitions > busLimits.partitionsMax) {
      throw new BusRefusedError(
        `All topics together may have ${busLimits.partitionsMax} partitions, not ${partitions}.`,
      )
    }
    const body = [...missing.values()].map(({ name, cleanup, retentionMs, partitions }) => ({
      name,
      cleanup,
      retentionMs: retentionMs ?? null,
      partitions,
    }))
    this.#adopt(await this.#worker.ask<readonly StoredTopic[]>('createTopics', body))
  }

  #adopt(stored: readonly StoredTopic[]): void {
    for (const { name, cleanup, retentionMs, partitions } of stored) {
      if (this.#topics.has(name)) continue
      const logs = partitions.map(({ id, number, low, high }) => new PartitionLog(id, name, number, low, high))
      this.#topics.set(name, { name, cleanup, retentionMs: retentionMs ?? undefined, logs, next: 0 })
    }
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw new BusRefusedError(`There is no topic ${JSON.stringify(name)}.`)
    return topic
  }

  #log({ topic, partition }: TopicPartition): PartitionLog {
    const log = this.#topic(topic).logs[partition]
    if (log === undefined) throw new BusRefusedError(`The topic ${topic} has no partition ${partition}.`)
    return log
  }

  #outbound(record: OutgoingRecord): Outbound {
    const topic = this.#topic(record.topic)
    const count = topic.logs.length
    const { key } = record
    const partition = record.partition ?? (key === undefined ? topic.next++ % count : partitionOf(key, count))
    const log = this.#log({ topic: record.topic, partition })
    const compacted = topic.cleanup === 'compact'
    if (compacted && key === undefined) {
      throw new BusRefusedError(`The topic ${topic.name} is compacted: its records need a key.`)
    }
    const frame = frameOf(record)
    if (frame.bytes - frameHeadBytes > busLimits.recordBytesMax) {
      throw new BusRefusedError(
        `A record of ${frame.bytes - frameHeadBytes} bytes for ${topic.name} is over the limit of ${busLimits.recordBytesMax}.`,
      )
    }
    return { log, frame, compacted }
  }

  #offsetsOf(group: string): Map<number, number> {
    let offsets = this.#offsets.get(group)
    if (offsets === undefined) this.#offsets.set(group, (offsets = new Map()))
    return offsets
  }

  async #commit(group: string, offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    this.#refuseClosed()
    const stored = offsets.map(({ offset, ...at }) => ({ group, partition: this.#log(at).id, offset }))
    await this.#publisher.commitOffsets(stored)
    const known = this.#offsetsOf(group)
    for (const { partition, offset } of stored) known.set(partition, offset)
  }

  #followOne(log: PartitionLog, onBatch: (batch: readonly BusRecord[]) => void): Follower {
    const end = log.high
    const reader = new PartitionReader(log, this.#worker, log.low)
    let stopped = false
    const drain = async (until: () => boolean): Promise<void> => {
      while (!stopped && !until()) {
        const batch = await reader.next(busLimits.batchRecordsMax)
        // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- `stop` may be called while it reads
        if (!stopped && batch.length > 0) onBatch(batch)
      }
    }
    const caughtUp = drain(() => reader.position >= end)
    let running: Promise<void> | undefined = caughtUp.catch(() => undefined)
    const wake = (): void => {
      if (stopped || running !== undefined || reader.atEnd) return
      running = drain(() => reader.atEnd)
        .catch((error: unknown) => {
          this.#options.log.error('A follower of a topic failed; it goes on with the next records.', {
            topic: log.topic,
            partition: log.partition,
            error: describeError(error),
          })
        })
        .finally(() => {
          running = undefined
          wake()
        })
    }
    void running.then(() => {
      running = undefined
      wake()
    })
    const stopListening = log.onGrowth(wake)
    return {
      caughtUp,
      async stop() {
        stopped = true
        stopListening()
        await running
      },
    }
  }

  async #maintain(): Promise<void> {
    const nowMs = this.#options.clock.nowMs()
    const { retentionMsDefault = 7 * dayMs, compactionLagMs = 10_000, tombstoneMs = dayMs } = this.#options
    const expire: MaintainBody['expire'][number][] = []
    const compact: MaintainBody['compact'][number][] = []
    const logs: PartitionLog[] = []
    for (const topic of this.#topics.values()) {
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

function checkSpec({ name, partitions }: TopicSpec): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new BusRefusedError(`${JSON.stringify(name)} can't be the name of a topic.`, {
      hint: 'Letters, digits, ".", "_" and "-", at most 249.',
    })
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > busLimits.topicPartitionsMax) {
    throw new BusRefusedError(
      `The topic ${name} can't have ${partitions} partitions: 1 to ${busLimits.topicPartitionsMax} are allowed.`,
    )
  }
}
