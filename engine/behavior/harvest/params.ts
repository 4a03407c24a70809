/** Parameters of `answer-harvest`, and what its two steps tell each other. */
import { z } from 'zod'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { Duration } from '../units.ts'

export const HarvestParams = z.strictObject({
  type: z.literal('answer-harvest'),
  /** An account whose calls are as those of honest ones may be is named once in so many of its different prompts, on average. */
  callsPerFalseAlarm: z.number().min(1e3).max(1e12).default(1e5),
  /** Fewest different prompts: a suite of tests or a load test has fewer, and nothing is trained on so few. */
  promptsMin: z.int().min(8).max(100_000).default(64),
  /**
   * Tokens that a person reads in a day: 238 words a minute (Brysbaert 2019) for eight hours, four tokens to three
   * words. Who can read all that it gets is no thief by its pace.
   */
  readADay: z.number().min(0).max(1e12).default(150_000),
  /** Fewest accounts, and calls of theirs, from which it is learned how long a model's answers are. */
  accountsMin: z.int().min(3).max(40).default(5),
  samplesMin: z.int().min(20).max(5_000).default(64),
  /** How long an account must be known before it teaches; while too few are known so long, `firstDelay`. */
  delay: Duration.prefault('1d'),
  firstDelay: Duration.prefault('6h'),
  /** How long before what it does is its own habit. */
  habitDelay: Duration.prefault('3d'),
  /** How often it is learned anew. */
  relearn: Duration.prefault('1h'),
  /** Silence after which an account is forgotten. */
  forget: Duration.prefault('30d'),
})
export type HarvestParams = z.output<typeof HarvestParams>

/** What an account teaches of its calls. JSON. */
export interface Taught {
  readonly principal: string
  readonly sinceMs: number
  readonly timeMs: number
  /**
   * Tokens of the answers to different prompts; less than 0 where the prompt was two thirds as long as the answer, or
   * the pace not even.
   */
  readonly answers: readonly number[]
  /**
   * The last of these calls, where its prompt has an embedding: packed, and tokens of its answer, less than 0 where it
   * is no text of its own (cover-lines.ts).
   */
  readonly prompt?: { readonly x: string; readonly tokens: number }
  /** It has asked as much as those whom no writer is like (busy.ts), on this day or the one before. */
  readonly busy?: true
  /** It teaches nothing, and what it taught is taken back. */
  readonly suspect?: true
  /** Of an account that seems to ask evenly for long answers, or does no more. */
  readonly even?: Even
  /** Of an account that is new, or that seems to do so. */
  readonly entities?: readonly Entity[]
  readonly evidence?: EvidenceRef
}

/** What speaks for it that an account asks evenly for long answers; evidence 0: nothing does any more. JSON. */
export interface Even {
  /** As a logarithm. */
  readonly evidence: number
  /** Different prompts since there is any, those of them that show it, and tokens of the answers. */
  readonly calls: number
  readonly long: number
  readonly tokens: number
}
