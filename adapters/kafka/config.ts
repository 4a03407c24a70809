/**
 * What the Kafka adapter can be told, checked once where it is made.
 *
 * Secrets and certificates come as values here: the composition root has resolved them. Every limit names its unit.
 */
import { z } from 'zod'

const ms = (fallback: number) => z.int().positive().default(fallback)
const bytes = (fallback: number) => z.int().positive().default(fallback)

const Sasl = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: z.string().min(1),
})

const Tls = z.strictObject({
  /** PEM. Default: the authorities that Node trusts. */
  ca: z.string().optional(),
  /** PEM, with `key`: for mutual TLS. */
  cert: z.string().optional(),
  key: z.string().optional(),
  /** The name expected in the broker's certificate, where it is not the host's. */
  serverName: z.string().optional(),
})

export const KafkaBusSchema = z
  .strictObject({
    /** `host:port`; any broker that is up tells of the others. */
    brokers: z.array(z.string().regex(/^[^\s:]+:\d{1,5}$/, 'a broker is written host:port')).min(1),
    clientId: z.string().min(1).default('modelwarden'),
    tls: Tls.optional(),
    sasl: Sasl.optional(),

    /** Copies of each topic that is made here; -1: the broker's default. */
    replicationFactor: z.int().min(-1).default(-1),
    /** Replicas that must have a record before it counts as written, for topics that are made here. */
    minInSync: z.int().positive().optional(),

    connectionTimeoutMs: ms(10_000),
    requestTimeoutMs: ms(30_000),
    /** Silence of a member after which its partitions go to others. */
    sessionTimeoutMs: ms(10_000),
    heartbeatMs: ms(1_000),
    /** How long a member may take to give partitions back before a rebalance goes on without it. */
    rebalanceTimeoutMs: ms(60_000),
    /** How long a publish is tried before it fails with BUS_UNAVAILABLE. */
    deliveryTimeoutMs: ms(120_000),
    /** After how long the broker aborts a transaction that nobody ends. */
    transactionTimeoutMs: ms(60_000),

    compression: z.enum(['none', 'gzip', 'zstd']).default('none'),
    /** Bytes of one partition's records in one produce request. */
    produceBatchBytesMax: bytes(900_000),
    /** Bytes of one produce request. */
    produceRequestBytesMax: bytes(8_000_000),
    /** Bytes of a single record with key and headers; also what topics made here allow. */
    recordBytesMax: bytes(2_000_000),
    /** Bytes that wait to be published, over all partitions; beyond, `publish` waits. */
    produceBufferBytesMax: bytes(64_000_000),

    /** Bytes asked of one partition at a time. */
    fetchPartitionBytesMax: bytes(1_048_576),
    /** Bytes asked of one broker at a time. */
    fetchBytesMax: bytes(16_777_216),
    /** How long a broker may hold a fetch that finds nothing. */
    fetchWaitMs: ms(250),
    /** Bytes read ahead of a partition's handler. */
    readAheadBytesMax: bytes(2_097_152),
    /** Bytes that one compressed batch may unfold to. */
    inflatedBytesMax: bytes(67_108_864),
  })
  .refine((options) => options.heartbeatMs * 2 <= options.sessionTimeoutMs, {
    error: 'heartbeatMs must fit into sessionTimeoutMs at least twice',
    path: ['heartbeatMs'],
  })
  .refine((options) => (options.tls?.cert === undefined) === (options.tls?.key === undefined), {
    error: 'cert and key of TLS go together',
    path: ['tls'],
  })

/** As given; defaults fill the rest. */
export type KafkaBusOptions = z.input<typeof KafkaBusSchema>

/** With all defaults. */
export type KafkaSettings = z.output<typeof KafkaBusSchema>
