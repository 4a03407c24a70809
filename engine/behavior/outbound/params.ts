/**
 * The parameters of `outbound-transfer`, as a rule's writer gives them, and what one event tells the detector.
 */
import { z } from 'zod'
import { Bytes, Duration } from '../units.ts'

export const OutboundParams = z.strictObject({
  type: z.literal('outbound-transfer'),
  /** What went to one place in a day is never a finding below this. */
  floor: Bytes.prefault('100MB'),
  /** The line: the median of what is sent to one place in a day, times this many robust deviations of its logarithm. */
  deviations: z.number().min(1).max(100).default(4),
  /** A place that this many others use too is familiar. */
  usersMin: z.int().min(1).max(8).default(2),
  /** How far back reads of artifacts count as gathered for a transfer. */
  staging: Duration.prefault('7d'),
  /** A transfer counts as staged where at least this share of it had been gathered. */
  stagedShare: z.number().gt(0).max(1).default(0.25),
  /** Small amounts to one place are added up over this span. */
  span: Duration.prefault('14d'),
  /** Kinds of assets whose pieces, new to their reader and sent on the same day or the next, show after a few days already. */
  inPieces: z.array(z.string().min(1).max(64)).max(16).default(['weights', 'model-package']),
  /** How long a tenant is watched before a new place for copies is worth a word. */
  learning: Duration.prefault('7d'),
  /** Event fields of which any says that somebody has asked for this. */
  coveredBy: z.array(z.string().min(1).max(200)).max(16).default([]),
})
export type OutboundParams = z.output<typeof OutboundParams>

/** `in`: an artifact read; the rest: the ways out. */
export type Channel = 'in' | 'network' | 'code' | 'copy'

export interface Moved {
  readonly timeMs: number
  readonly principal: string
  readonly channel: Channel
  /** Where it went: host, remote and owner, or store. Empty for reads. */
  readonly place: string
  readonly bytes: number
  readonly covered: boolean
  /** Of a read: which piece of a model, as a short digest. Absent in what an earlier version has shuffled. */
  readonly piece?: string | undefined
}
