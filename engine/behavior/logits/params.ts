/**
 * The parameters of `logit-leak`, and what it reads from an event.
 */
import { z } from 'zod'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'

export const LogitLeakParams = z.strictObject({
  type: z.literal('logit-leak'),
  /**
   * Calls that ask for more tokens than this count only where they raise tokens and get log-probabilities: the first
   * token's tell of the logits.
   */
  tokensMax: z.int().min(1).max(64).default(4),
  /** Different tokens that must have been biased … */
  biasedTokensMin: z.int().min(1).max(1_000).default(24),
  /** … or, with fewer, calls that changed the bias on a prompt: logits can be read by bisection too. */
  bisectionsMin: z.int().min(1).max(10_000).default(40),
  /** The line: false alarms are at most one in this many calls of the kind. */
  callsPerFalseAlarm: z.number().min(10).max(1e12).default(1e5),
})
export type LogitLeakParams = z.output<typeof LogitLeakParams>

export interface BiasedCall {
  readonly timeMs: number
  readonly model: string
  /** A short digest of the prompt. */
  readonly prompt: string
  /** Biased tokens, sorted; and a digest of tokens with their values. */
  readonly tokens: readonly string[]
  readonly bias: string
  /** Log-probabilities, in the order of the token's names where they have any, else as they came. */
  readonly logprobs: readonly number[]
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}
