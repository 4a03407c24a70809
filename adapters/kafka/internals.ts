/**
 * The one door to the inside of kafkajs 2.2.4 (pinned): its cluster, broker and connection classes.
 *
 * Why the inside: the public consumer can't read a partition without joining a group, holds every partition of a broker
 * back while one of them is being handled, and loses its whole fetch to one batch that doesn't unfold; the public
 * producer lets a concurrent send take over the sequence numbers of one that failed, which loses records unseen.
 * (docs/decisions/003-kafka-client.md). What it does well stays: connections, TLS, SASL, versions, metadata, requests.
 *
 * Mended here, at the source, because no option reaches it:
 * - the request queue sets a timer to a negative delay after every answer (Node warns) even where nothing waits;
 * - a connection that broke in the middle of an answer keeps those bytes and misreads the next one;
 * - two requests that find a connection closed open two sockets, and one of them leaks;
 * - the end of an old socket closes the connection's new one, and so does a late disconnect;
 * - each disconnect of a connection that is gone leaves one listener more on its socket (Node warns);
 * - a request grows in buffers that are filled with zeros first, each twice as large as need be, also where it is large.
 */
import { createRequire } from 'node:module'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

const require = createRequire(import.meta.url)
const version = (require('kafkajs/package.json') as { version: string }).version
if (version !== '2.2.4') throw new Error(`adapters/kafka knows the inside of kafkajs 2.2.4, not of ${version}`)

/** A request that kafkajs sends and answers for us: bytes out, bytes in. */
export interface RawRequest<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<unknown>
  }
  readonly response: { decode(payload: Buffer): Promise<T>; parse(decoded: T): Promise<T> }
  readonly requestTimeout?: number
}

export interface BrokerNode {
  readonly nodeId: number
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null
  readonly connectionPool: { readonly pool: readonly ConnectionInside[]; send<T>(request: RawRequest<T>): Promise<T> }
  isConnected(): boolean
  disconnect(): Promise<void>
  apiVersions(): Promise<unknown>
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<{
    coordinator: { nodeId: number; host: string; port: number }
  }>
  joinGroup(request: {
    groupId: string
    sessionTimeout: number
    rebalanceTimeout: number
    memberId: string
    groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  }): Promise<{
    generationId: number
    leaderId: string
    memberId: string
    groupProtocol: string
    members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]
  }): Promise<unknown>
  offsetFetch(request: {
    groupId: string
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[]
  }): Promise<{ responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[] }>
  listOffsets(request: {
    replicaId: number
    isolationLevel: number
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[]
  }): Promise<{ responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[] }>
  initProducerId(request: {
    transactionalId?: string
    transactionTimeout: number
  }): Promise<{ producerId: string; producerEpoch: number }>
  addPartitionsToTxn(request: {
    transactionalId: string
    producerId: number
    producerEpoch: number
    topics: readonly { topic: string; partitions: readonly number[] }[]
  }): Promise<unknown>
  endTxn(request: {
    transactionalId: string
    producerId: number
    producerEpoch: number
    transactionResult: boolean
  }): Promise<unknown>
}

export interface TopicMetadata {
  readonly topic: string
  readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
}

export interface ClusterInside {
  readonly brokerPool: {
    readonly brokers: Readonly<Record<string, BrokerNode>>
    readonly seedBroker: BrokerNode | undefined
    readonly metadata: { readonly topicMetadata: readonly TopicMetadata[] } | null
    refreshMetadata(topics: readonly string[]): Promise<void>
    findBroker(request: { nodeId: number }): Promise<BrokerNode>
    findConnectedBroker(): Promise<BrokerNode>
  }
  connect(): Promise<void>
  disconnect(): Promise<void>
}

export type LogCreator = (
  level: number,
) => (entry: {
  readonly namespace: string
  readonly level: number
  readonly log: { readonly message: string; readonly [field: string]: unknown }
}) => void

type ClusterClass = new (options: Record<string, unknown>) => ClusterInside
interface ConnectionInside {
  connect: (this: ConnectionInside) => Promise<boolean>
  disconnect: (this: ConnectionInside) => Promise<boolean>
  rejectRequests(error: Error): void
  isConnected(): boolean
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  authHandlers: unknown
  socket?: {
    readonly connecting: boolean
    removeAllListeners(event?: string): void
    on(event: string, listener: () => void): void
    destroy(): void
    unref: () => unknown
  }
}
interface RequestQueueInside {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  scheduleCheckPendingRequests: (this: RequestQueueInside) => void
}

interface EncoderInside {
  buf: Buffer
  readonly offset: number
  ensureAvailable: (this: EncoderInside, bytes: number) => void
}

const Cluster = require('kafkajs/src/cluster/index.js') as ClusterClass
const Connection = require('kafkajs/src/network/connection.js') as { prototype: ConnectionInside }
const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueueInside }
const Encoder = require('kafkajs/src/protocol/encoder.js') as { prototype: EncoderInside }
const { createLogger } = require('kafkajs/src/loggers/index.js') as {
  createLogger: (options: { level: number; logCreator: LogCreator }) => unknown
}

/** A request up to this size may take up twice the room that it needs; a larger one a quarter more. */
const smallRequestBytes = 16_384

mend()

function mend(): void {
  const schedule = RequestQueue.prototype.scheduleCheckPendingRequests
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueueInside) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }

  Encoder.prototype.ensureAvailable = function (this: EncoderInside, bytes: number) {
    const needed = this.offset + bytes
    if (needed <= this.buf.length) return
    // By a share, so that what is written in many small parts is not copied for each of them.
    const grown = Buffer.allocUnsafe(Math.ceil((needed < smallRequestBytes ? 2 : 1.25) * needed))
    this.buf.copy(grown, 0, 0, this.offset)
    this.buf = grown
  }

  const underWay = new WeakMap<ConnectionInside, Promise<boolean>>()
  const { connect, disconnect } = Connection.prototype
  Connection.prototype.connect = function (this: ConnectionInside) {
    if (this.isConnected()) return connect.call(this)
    const already = underWay.get(this)
    if (already !== undefined) return already
    silence(this)
    this.chunks = []
    this.bytesBuffered = 0
    this.bytesNeeded = 4
    this.authHandlers = null
    const connecting = connect.call(this).finally(() => underWay.delete(this))
    underWay.set(this, connecting)
    return connecting
  }
  Connection.prototype.disconnect = async function (this: ConnectionInside) {
    if (underWay.has(this) && !this.isConnected()) return true
    const socket = this.socket
    const done = await disconnect.call(this)
    if (socket === this.socket) silence(this)
    return done
  }
}

/**
 * An old socket has nothing to say any more. Its last bytes are on their way, so it is left to close by itself. kafkajs lets go
 * of it with each disconnect; a socket that is gone waits with one listener more each time, for a connection that never comes.
 */
function silence(connection: ConnectionInside): void {
  const socket = connection.socket
  if (socket === undefined) return
  for (const event of ['data', 'end', 'timeout', 'error']) socket.removeAllListeners(event)
  socket.on('error', () => undefined)
  socket.unref = () => socket
  if (socket.connecting) socket.destroy()
  socket.on('data', () => undefined)
  socket.on('end', () => {
    socket.destroy()
  })
}

/** TCP without Nagle's delay: a request is one write, and the next one must not wait for its acknowledgment. */
function socketFactory(options: {
  host: string
  port: number
  ssl?: ConnectionOptions | null
  onConnect: () => void
}): ReturnType<typeof connectTcp> {
  const { host, port, ssl, onConnect } = options
  const servername = isIP(host) === 0 ? { servername: host } : {}
  const socket =
    ssl == null ? connectTcp({ host, port }, onConnect) : connectTls({ host, port, ...servername, ...ssl }, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  return socket
}

export interface ClusterOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: ConnectionOptions | undefined
  readonly sasl?: Readonly<Record<string, string>> | undefined
  readonly connectionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly logLevel: number
  readonly logCreator: LogCreator
}

export function makeCluster(options: ClusterOptions): ClusterInside {
  return new Cluster({
    logger: createLogger({ level: options.logLevel, logCreator: options.logCreator }),
    socketFactory,
    brokers: [...options.brokers],
    clientId: options.clientId,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    connectionTimeout: options.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
    metadataMaxAge: 300_000,
    // Who calls retries, with a deadline; in here once around the list of brokers must do.
    retry: { retries: Math.max(2, options.brokers.length), initialRetryTime: 50, maxRetryTime: 500 },
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    isolationLevel: 1,
  })
}

export { socketFactory as kafkaSocketFactory }

/** Disconnects at once: kafkajs would wait for the answers to whatever is under way. */
export async function endCluster(cluster: ClusterInside): Promise<void> {
  const { brokers, seedBroker } = cluster.brokerPool
  const connections = [...Object.values(brokers), seedBroker].flatMap((node) => node?.connectionPool.pool ?? [])
  for (const connection of connections) connection.rejectRequests(new Error('the link is closed'))
  await cluster.disconnect()
  for (const connection of connections) connection.socket?.destroy()
}

/** A request of our own making, over kafkajs' connection. */
export function rawRequest<T>(
  api: { readonly key: number; readonly version: number; readonly name: string },
  body: Buffer,
  decode: (payload: Buffer) => T,
  requestTimeoutMs?: number,
): RawRequest<T> {
  return {
    request: {
      apiKey: api.key,
      apiVersion: api.version,
      apiName: api.name,
      // As much of an encoder as whoever frames the request looks at.
      encode: () => Promise.resolve({ buf: body, buffer: body }),
    },
    response: { decode: (payload) => Promise.resolve(decode(payload)), parse: (decoded) => Promise.resolve(decoded) },
    ...(requestTimeoutMs === undefined ? {} : { requestTimeout: requestTimeoutMs }),
  }
}
