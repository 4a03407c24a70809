/**
 * The parameters of `volume-baseline`, as a rule's writer gives them.
 */
import { z } from 'zod'
import { Bytes, Duration } from '../units.ts'

export const VolumeParams = z.strictObject({
  type: z.literal('volume-baseline'),
  /** What is added up: bytes, or different objects where these are too small to show by their bytes. */
  measure: z.enum(['bytes', 'objects']).default('bytes'),
  /** Event time is cut into buckets of this span, from 1970 on in UTC. */
  bucket: Duration.prefault('1d'),
  /** What is judged is the sum over this span: one bucket or several. */
  span: Duration.prefault('1d'),
  /** How far back a principal's and its peers' history counts. */
  history: Duration.prefault('28d'),
  /** How long a principal must be known (by any event of its) before it is judged. */
  historyMin: Duration.prefault('7d'),
  /** Sums below this are never a finding: bytes, or a number of objects. */
  floor: Bytes,
  /** Buckets with more than this are left out: they are the business of a rule with a shorter span. */
  bucketMax: Bytes.optional(),
  /**
   * At least this share of the span was of objects that the principal had never read before their bucket, in a folder
   * that it had: who wants the whole takes other pieces of it each time, who works with some takes those again, or all
   * of what is new. Where that can't be told it is met.
   */
  freshMin: z.number().min(0).max(1).default(0),
  /** The own line: this many times the 90th percentile of the principal's own earlier sums … */
  ownRatio: z.number().min(1).max(1_000).default(2.5),
  /**
   * Who is hardly known, goes on at up to this many times the pace of its first days (`historyMin`), and reads at least
   * three tenths again, does what it came for; 0: that is not asked. For spans that are longer than those days.
   */
  paceRatio: z.number().min(0).max(1_000).default(0),
  /**
   * Kinds of assets that daily work is done on, more on some days than on others: with them an amount must also pass
   * what one of its sums in `spansPerCrossing` does, as far as its own earlier ones and its peers' spread can tell.
   */
  workedOn: z.array(z.string().min(1).max(64)).max(16).default([]),
  spansPerCrossing: z.number().min(10).max(1e6).default(1_000),
  /** The peer line: at least this many times what is usual among the peers … */
  peerRatio: z.number().min(1).max(1_000).default(3),
  /** … and for both lines, the median plus this many robust standard deviations (1.4826 × MAD). */
  deviations: z.number().min(0).max(100).default(5),
  /** With fewer peers that have read anything, only the own line counts. */
  peersMin: z.int().min(1).max(1_000).default(5),
  /** Event fields of which any says that somebody has asked for this read: such bytes are told apart and not judged. */
  coveredBy: z.array(z.string().min(1).max(200)).max(16).default([]),
})
export type VolumeParams = z.output<typeof VolumeParams>

/** The span in buckets. */
export function bucketsOf(params: VolumeParams, ms: number): number {
  return Math.max(1, Math.round(ms / params.bucket))
}

/** Bytes in one bucket from which its total is reported before the bucket has passed. */
export function earlyBytes(params: VolumeParams): number {
  return params.floor / bucketsOf(params, params.span)
}

/** What one event adds. */
export interface VolumeRead {
  readonly timeMs: number
  readonly bytes: number
  readonly covered: boolean
  /** Of a kind that daily work is done on. Absent in what an earlier version has shuffled, as below. */
  readonly worked?: boolean
  readonly asset: string | undefined
  /** What it lies in, where it matters whether that was read before. */
  readonly folder?: string | undefined
  readonly tenant: string
  readonly role: string
  readonly sinceMs: number | undefined
}

/** What a principal has read in one bucket: what the local step tells the grouped one. */
export interface VolumeTotal {
  readonly principal: string
  readonly role: string
  /** Bucket number. */
  readonly bucket: number
  /** Without what is covered. */
  readonly bytes: number
  readonly coveredBytes: number
  /** Of `bytes` those of kinds that daily work is done on. */
  readonly workedBytes?: number
  readonly reads: number
  readonly objects: number
  /** Objects that this principal had never read before this bucket; -1 where it has read too many to remember. */
  readonly fresh: number
  /** Of `bytes` those of such objects, where that is asked for. */
  readonly freshBytes?: number
  /** Bucket in which the principal was first seen at all. */
  readonly since: number | undefined
  readonly lastMs: number
}
