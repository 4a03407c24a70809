/** Parameters of `leak-account`, and what its two steps tell each other. */
import { z } from 'zod'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { Duration } from '../units.ts'

export const LeakParams = z.strictObject({
  type: z.literal('leak-account'),
  /**
   * A finding where a copy is at least this faithful, for sure (the lower end of the interval). A license's own
   * `copyFidelityMax` goes before it; without either no account is held against a line of its own.
   */
  fidelityMax: z.number().min(0.1).max(1).optional(),
  /** A finding where an account got this many times the different answers that 95 % of the others get … */
  peerRatio: z.number().min(2).max(1_000).default(10),
  /** … of at least so many others, … */
  peersMin: z.int().min(5).max(1_000).default(8),
  /** … and at least so many, in a week or two. */
  answersMin: z.int().min(100).max(1_000_000_000).default(2_000),
  /** A note, which accuses nobody, where an account got this many times what 95 % of the others get … */
  noteRatio: z.number().min(1.5).max(1_000).default(2),
  /** … and at least so many, … */
  noteMin: z.int().min(50).max(1_000_000_000).default(500),
  /** … and could train a copy that is at least this faithful, for sure. */
  noteFidelity: z.number().min(0).max(1).default(0.8),
  /** Silence after which an account is forgotten. */
  forget: Duration.prefault('90d'),
})
export type LeakParams = z.output<typeof LeakParams>

/** What an account has got lately: what the local step tells the grouped one. */
export interface Got {
  readonly principal: string
  readonly timeMs: number
  readonly sinceMs: number
  /** Different answers of this week and the one before. */
  readonly answers: number
  readonly queries: number
  readonly coverage: number
  /** null: not known. */
  readonly fidelity: readonly [fidelity: number, low: number, high: number] | null
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}
