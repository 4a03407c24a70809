/**
 * What the Elasticsearch adapter can be told, checked once where it is made.
 *
 * Secrets and certificates come as values here: the composition root has resolved them. Every limit names its unit.
 */
import { z } from 'zod'
import { searchLimits } from '../../core/limits.ts'

const Auth = z.union([
  z.strictObject({ username: z.string().min(1), password: z.string().min(1) }),
  /** As the server gives it out: `encoded`, or `id:api_key`. */
  z.strictObject({ apiKey: z.string().min(1) }),
])

export const ElasticsearchIndexSchema = z.strictObject({
  nodes: z.array(z.url({ protocol: /^https?$/ })).min(1),
  auth: Auth.optional(),
  tls: z
    .strictObject({
      /** PEM. Default: the authorities that Node trusts. */
      ca: z.string().optional(),
      /** SHA-256 of the authority's certificate, as the server prints it at its first start. */
      caFingerprint: z.string().optional(),
      serverName: z.string().optional(),
    })
    .optional(),
  /** Begins the names of all indices. */
  prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)
    .default('modelwarden'),
  /** Copies of each index beside the first; default: one where there is a second node to hold it. */
  replicas: z.int().min(0).max(10).optional(),
  /** Days that events are kept: what happened before goes to the one `late` index. */
  eventsKeptDays: z.int().positive().default(90),
  requestTimeoutMs: z.int().positive().default(30_000),
  /** How long documents that an overloaded server turns away are tried before `put` fails with INDEX_UNAVAILABLE. */
  deliveryTimeoutMs: z.int().positive().default(30_000),
})

/** As given; defaults fill the rest. */
export type ElasticsearchIndexOptions = z.input<typeof ElasticsearchIndexSchema>

/** With all defaults. */
export type ElasticsearchSettings = z.output<typeof ElasticsearchIndexSchema>

/** As much of a log as the adapter needs; the runtime's Log fits. */
export interface ElasticsearchLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export const indexLimits = {
  ...searchLimits,
  /** One bulk request. */
  bulkDocumentsMax: 5_000,
  bulkBytesMax: 5 * 1_048_576,
  /** Bulk requests under way at a time, over all calls; the next ones wait. */
  bulksMax: 4,
  /** Calls of `put` that wait for their turn; past it `put` answers IndexUnavailableError. */
  waitingMax: 1_000,
  retryMsMin: 100,
  retryMsMax: 5_000,
  /** Characters of a reason for a dead letter. */
  reasonCharsMax: 300,
  /** Walks through pages whose view of the index this process keeps at the server, and how long. */
  viewsMax: 100,
  viewKeptMs: 60_000,
  /** Values that each part of the index names for the most frequent ones. */
  termsPerShardMin: 2_000,
} as const
