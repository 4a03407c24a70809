/**
 * A connection to the cluster: who leads which partition, who coordinates which group, and requests to them.
 *
 * Each user that may block its connection for long (a consumer's fetches, a group's join) has a Link of its own, because
 * a broker answers the requests of one connection one after the other.
 *
 * Promises: no secret in a log line; kafkajs' own lines go to our log, one level down (we say ourselves what matters).
 */
import { Kafka, type Admin, type KafkaConfig } from 'kafkajs'
import type { ConnectionOptions } from 'node:tls'
import { BusRefusedError } from '../../core/errors.ts'
import type { TopicPartition } from '../../core/ports/bus.ts'
import type { KafkaSettings } from './config.ts'
import {
  kafkaSocketFactory,
  endCluster,
  makeCluster,
  type BrokerNode,
  type ClusterInside,
  type LogCreator,
  type RawRequest,
} from './internals.ts'
import { closed, isUnknownTopic, ProtocolFault } from './retry.ts'

/** As much of a log as the adapter needs; the runtime's Log fits. */
export interface KafkaLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

const warnLevel = 2

/** Fields of kafkajs' log entries that say something and never carry content or credentials. */
const loggedFields = ['broker', 'clientId', 'groupId', 'memberId', 'retryCount', 'error'] as const

function logCreatorFor(log: KafkaLog): LogCreator {
  return () =>
    ({ namespace, log: entry }) => {
      const fields: Record<string, unknown> = { part: `kafkajs/${namespace}` }
      for (const name of loggedFields) if (typeof entry[name] === 'string') fields[name] = entry[name]
      log.debug(entry.message, fields)
    }
}

function tlsOptions(settings: KafkaSettings): ConnectionOptions | undefined {
  const { tls } = settings
  if (tls === undefined) return undefined
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  }
}

/** The public client's admin, for what it does well: making topics. */
export function makeAdmin(settings: KafkaSettings, log: KafkaLog): Admin {
  const ssl = tlsOptions(settings)
  const config = {
    brokers: settings.brokers,
    clientId: settings.clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    connectionTimeout: settings.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
    socketFactory: kafkaSocketFactory,
    logLevel: warnLevel,
    logCreator: logCreatorFor(log),
  }
  return new Kafka(config as unknown as KafkaConfig).admin()
}

export const coordinatorOf = { group: 0, transaction: 1 } as const

export class Link {
  readonly settings: KafkaSettings
  readonly #cluster: ClusterInside
  /** Leaders by topic; index: partition. */
  readonly #leaders = new Map<string, readonly number[]>()
  readonly #coordinators = new Map<string, number>()
  #lookups: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(settings: KafkaSettings, log: KafkaLog) {
    this.settings = settings
    this.#cluster = makeCluster({
      brokers: settings.brokers,
      clientId: settings.clientId,
      ssl: tlsOptions(settings),
      sasl: settings.sasl,
      connectionTimeoutMs: settings.connectionTimeoutMs,
      requestTimeoutMs: settings.requestTimeoutMs,
      logLevel: warnLevel,
      logCreator: logCreatorFor(log),
    })
  }

  /** The leader of each partition, by partition. Asked once, until `forget`. */
  async leaders(topic: string): Promise<readonly number[]> {
    const known = this.#leaders.get(topic)
    if (known !== undefined) return known
    return await this.#alone(async () => {
      const meanwhile = this.#leaders.get(topic)
      if (meanwhile !== undefined) return meanwhile
      await this.#refresh(topic)
      const found = this.#cluster.brokerPool.metadata?.topicMetadata.find((each) => each.topic === topic)
      if (found === undefined || found.partitionMetadata.length === 0) throw unknownTopic(topic, new ProtocolFault(3))
      const leaders: number[] = []
      for (const { partitionId, leader } of found.partitionMetadata) leaders[partitionId] = leader
      this.#leaders.set(topic, leaders)
      return leaders
    })
  }

  async #refresh(topic: string): Promise<void> {
    this.#mustBeOpen()
    try {
      await this.#cluster.brokerPool.refreshMetadata([topic])
    } catch (error) {
      if (isUnknownTopic(error)) throw unknownTopic(topic, error)
      throw error
    }
  }

  /** What was known of the topic's leaders has proven wrong. */
  forget(topic: string): void {
    this.#leaders.delete(topic)
  }

  /** A broker is gone: nothing known is sure any more. */
  forgetAll(): void {
    this.#leaders.clear()
    this.#coordinators.clear()
  }

  async leader(at: TopicPartition): Promise<number> {
    const leaders = await this.leaders(at.topic)
    const leader = leaders[at.partition]
    if (leader === undefined) throw new BusRefusedError(`topic ${at.topic} has no partition ${at.partition}`)
    return leader
  }

  async node(nodeId: number): Promise<BrokerNode> {
    this.#mustBeOpen()
    return await this.#cluster.brokerPool.findBroker({ nodeId })
  }

  async any(): Promise<BrokerNode> {
    this.#mustBeOpen()
    return await this.#cluster.brokerPool.findConnectedBroker()
  }

  async send<T>(nodeId: number, request: RawRequest<T>): Promise<T> {
    const node = await this.node(nodeId)
    try {
      return await node.connectionPool.send(request)
    } catch (error) {
      // As kafkajs does in its own requests: of a pair of connections to a dead broker, neither is worth keeping.
      if (error instanceof Error && error.name === 'KafkaJSConnectionClosedError') await node.disconnect()
      throw error
    }
  }

  /** The broker that coordinates a group or a transactional id. */
  async coordinator(kind: keyof typeof coordinatorOf, id: string): Promise<BrokerNode> {
    const key = `${kind} ${id}`
    const known = this.#coordinators.get(key)
    if (known !== undefined) return await this.node(known)
    const any = await this.any()
    const { coordinator } = await any.findGroupCoordinator({ groupId: id, coordinatorType: coordinatorOf[kind] })
    const { brokers } = this.#cluster.brokerPool
    if (brokers[String(coordinator.nodeId)] === undefined) {
      await this.#alone(() => this.#cluster.brokerPool.refreshMetadata([]))
    }
    this.#coordinators.set(key, coordinator.nodeId)
    return await this.node(coordinator.nodeId)
  }

  forgetCoordinator(kind: keyof typeof coordinatorOf, id: string): void {
    this.#coordinators.delete(`${kind} ${id}`)
  }

  /** At once: what is under way fails. */
  async close(): Promise<void> {
    this.#closed = true
    await endCluster(this.#cluster)
  }

  #mustBeOpen(): void {
    if (this.#closed) throw closed('connection')
  }

  /** kafkajs keeps one metadata answer at a time: whoever asks reads it before the next one asks. */
  async #alone<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#lookups.then(task, task)
    this.#lookups = turn.catch(() => undefined)
    return await turn
  }
}

function unknownTopic(topic: string, cause: unknown): BusRefusedError {
  return new BusRefusedError(`topic ${topic} is unknown to the broker`, {
    cause,
    hint: 'Make the topic, or let a service with the right to do so start first.',
  })
}
