/**
 * The bus on Kafka.
 *
 * Stands under every service when `bus.kind` is `kafka`. Made by the composition root; nothing connects before it is used.
 * Kafka 2.5 or later.
 */
import type { Admin } from 'kafkajs'
import { BusRefusedError, BusUnavailableError } from '../../core/errors.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import type {
  Bus,
  BusExpectations,
  BusRecord,
  ConsumeOptions,
  Consumption,
  FencedProducer,
  OutgoingRecord,
  TopicPartition,
} from '../../core/ports/bus.ts'
import { systemClock, type Clock } from '../../core/ports/clock.ts'
import type { TopicSpec } from '../../core/topics.ts'
import { Link, makeAdmin, type KafkaLog } from './client.ts'
import { KafkaBusSchema, type KafkaBusOptions, type KafkaSettings } from './config.ts'
import { KafkaConsumption } from './consume.ts'
import { diagnoseKafka } from './diagnose.ts'
import { KafkaFencedProducer } from './fenced.ts'
import { committedOffsets, logRanges, type LogRange } from './offsets.ts'
import { Producer } from './produce.ts'
import { Follower, readToEnd, type OnBatch } from './read.ts'
import { SharedIdentity } from './shared-identity.ts'
import { topicRequest } from './topics.ts'
import { asBusError, closed, isPassing, isUnknownTopic, withRetries } from './retry.ts'

/** Fenced producers share so many connections: a broker answers one request of a connection at a time. */
const fencedLinksMax = 4
const questionWithinMs = 30_000
const pingWithinMs = 5_000

/** Throws ZodError where the options are not valid. */
export function createKafkaBus(options: KafkaBusOptions, log: KafkaLog, clock: Clock = systemClock): Bus {
  return new KafkaBus(KafkaBusSchema.parse(options), log, clock)
}

class KafkaBus implements Bus {
  readonly kind = 'kafka'
  readonly #settings: KafkaSettings
  readonly #log: KafkaLog
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #links = new Set<Link>()
  readonly #shared: Link
  readonly #reads: Link
  readonly #producer: Producer
  readonly #fencedLinks: Link[] = []
  readonly #fencedProducers = new Set<KafkaFencedProducer>()
  readonly #consumptions = new Set<KafkaConsumption>()
  readonly #followers = new Set<Follower>()
  #fencedCount = 0
  #closed: Promise<void> | undefined

  constructor(settings: KafkaSettings, log: KafkaLog, clock: Clock) {
    this.#settings = settings
    this.#log = log
    this.#clock = clock
    this.#shared = this.#link()
    this.#reads = this.#link()
    const produces = this.#link()
    this.#producer = new Producer(produces, new SharedIdentity(produces), log, clock)
  }

  #link(): Link {
    const link = new Link(this.#settings, this.#log)
    this.#links.add(link)
    return link
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#administrate('create topics', async (admin) => {
      const existing = new Set(await admin.listTopics())
      const missing = specs.filter(({ name }) => !existing.has(name))
      if (missing.length > 0) {
        const topics = missing.map((spec) => topicRequest(spec, this.#settings))
        // Where another copy was faster this answers false, for the topics that it has made.
        await admin.createTopics({ topics, waitForLeaders: false })
        this.#log.info('Topics were made.', { topics: missing.map(({ name }) => name) })
      }
      await Promise.all(specs.map(({ name }) => this.#untilLed(name)))
    })
  }

  async addPartitions(topics: readonly { readonly name: string; readonly partitions: number }[]): Promise<void> {
    // What is remembered of them may be older than somebody else's adding.
    for (const link of this.#links) link.forgetAll()
    const counts = await Promise.all(topics.map(({ name }) => this.partitionCount(name)))
    const topicPartitions = topics.flatMap(({ name, partitions }, at) =>
      counts[at]! < partitions ? [{ topic: name, count: partitions }] : [],
    )
    if (topicPartitions.length === 0) return
    await this.#administrate('add partitions', async (admin) => {
      await admin.createPartitions({ topicPartitions })
    })
    for (const { topic, count } of topicPartitions) {
      await withRetries(
        async () => {
          for (const link of this.#links) link.forgetAll()
          if ((await this.#shared.leaders(topic)).length < count) throw new BusUnavailableError(`${topic} grows`)
        },
        { doing: `add partitions to ${topic}`, withinMs: questionWithinMs, signal: this.#closing.signal },
      )
    }
  }

  async groupMembers(groups: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const described = await this.#administrate('describe groups', (admin) => admin.describeGroups([...groups]))
    return new Map(described.groups.map(({ groupId, members }) => [groupId, members.length]))
  }

  async #administrate<T>(doing: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    this.#mustBeOpen(doing)
    const admin = makeAdmin(this.#settings, this.#log)
    try {
      await admin.connect()
      return await work(admin)
    } catch (error) {
      throw asBusError(error, doing)
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }

  /** A topic that was just made is not known to every broker at once. */
  async #untilLed(topic: string): Promise<void> {
    await withRetries(() => this.#shared.leaders(topic), {
      doing: `create topic ${topic}`,
      withinMs: questionWithinMs,
      signal: this.#closing.signal,
      passing: (error) => isPassing(error) || isUnknownTopic(error),
    })
  }

  async partitionCount(topic: string): Promise<number> {
    return await this.#ask(`partitions of ${topic}`, async () => (await this.#shared.leaders(topic)).length)
  }

  async offsets(topic: string): Promise<readonly LogRange[]> {
    return await this.#ask(`offsets of ${topic}`, () => logRanges(this.#shared, topic))
  }

  async groupOffsets(group: string, topic: string): Promise<readonly { partition: number; offset: number }[]> {
    return await this.#ask(`offsets of group ${group}`, async () => {
      const leaders = await this.#shared.leaders(topic)
      return await committedOffsets(this.#shared, group, topic, [...leaders.keys()])
    })
  }

  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    this.#mustBeOpen('publish')
    await this.#producer.publish(records)
  }

  async fenced(name: string, commitMsMax = this.#settings.transactionTimeoutMs): Promise<FencedProducer> {
    this.#mustBeOpen(`take ${name}`)
    const turn = this.#fencedCount++ % fencedLinksMax
    const link = (this.#fencedLinks[turn] ??= this.#link())
    const producer = await KafkaFencedProducer.take({ link, name, commitMsMax }, this.#log, this.#clock)
    this.#fencedProducers.add(producer)
    return {
      commit: (records, until) => producer.commit(records, until),
      close: async () => {
        this.#fencedProducers.delete(producer)
        await producer.close()
      },
    }
  }

  async consume(options: ConsumeOptions): Promise<Consumption> {
    const doing = `consume as ${options.group}`
    this.#mustBeOpen(doing)
    if (options.topics.length === 0) throw new BusRefusedError(`${doing}: no topics`)
    await this.#ask(doing, async () => {
      for (const topic of options.topics) await this.#shared.leaders(topic)
      await this.#shared.coordinator('group', options.group)
    })
    this.#mustBeOpen(doing)
    const own = { fetches: this.#link(), joins: this.#link(), heartbeats: this.#link() }
    const consumption = new KafkaConsumption({ ...own, shared: this.#shared }, options, this.#log, () => {
      this.#consumptions.delete(consumption)
      for (const link of Object.values(own)) this.#links.delete(link)
    })
    this.#consumptions.add(consumption)
    consumption.start()
    return consumption
  }

  async read(at: TopicPartition, from: number | 'start', onBatch: OnBatch): Promise<void> {
    this.#mustBeOpen('read')
    await readToEnd(this.#reads, at, from, onBatch, this.#closing.signal)
  }

  async follow(topic: string, onBatch: (batch: readonly BusRecord[]) => void): Promise<{ stop(): Promise<void> }> {
    this.#mustBeOpen(`follow ${topic}`)
    const link = this.#link()
    const follower = new Follower(link, topic, onBatch, this.#log)
    this.#followers.add(follower)
    const stop = async () => {
      this.#followers.delete(follower)
      this.#links.delete(link)
      await follower.stop()
    }
    try {
      await follower.start()
    } catch (error) {
      await stop()
      throw error
    }
    return { stop }
  }

  async ping(): Promise<void> {
    this.#mustBeOpen('ping')
    await this.#ask('ping', async () => (await this.#shared.any()).apiVersions(), pingWithinMs)
  }

  async diagnose(expected: BusExpectations): Promise<readonly Diagnosis[]> {
    return await this.#administrate('look at the brokers', (admin) =>
      diagnoseKafka(admin, this.#settings, expected, this.#clock.nowMs()),
    )
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumptions].map((consumption) => consumption.close()))
    await Promise.all([...this.#followers].map((follower) => follower.stop()))
    await Promise.all([...this.#fencedProducers].map((producer) => producer.close()))
    await this.#producer.close()
    this.#closing.abort()
    await Promise.all([...this.#links].map((link) => link.close()))
  }

  /** A question that passing faults don't fail. */
  async #ask<T>(doing: string, task: () => Promise<T>, withinMs = questionWithinMs): Promise<T> {
    this.#mustBeOpen(doing)
    return await withRetries(task, {
      doing,
      withinMs,
      signal: this.#closing.signal,
      onRetry: () => {
        this.#shared.forgetAll()
      },
    })
  }

  #mustBeOpen(doing: string): void {
    if (this.#closed !== undefined) throw closed(doing)
  }
}
