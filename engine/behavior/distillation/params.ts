/** Parameters of `answer-harvest`, and what its two steps tell each other. */
import { z } from 'zod'
import { Duration } from '../units.ts'

export const HarvestParams = z.strictObject({
  type: z.literal('answer-harvest'),
  /** An account whose calls are as those of honest ones may be is named once in so many of its different prompts, on average. */
  callsPerFalseAlarm: z.number().min(1e3).max(1e12).default(1e5),
  /** Fewest different prompts: a suite of tests or a load test has fewer, and nothing is trained on so few. */
  promptsMin: z.int().min(8).max(100_000).default(64),
  /** Fewest accounts, and calls of theirs, from which it is learned how long a model's answers are. */
  accountsMin: z.int().min(3).max(40).default(5),
  samplesMin: z.int().min(20).max(5_000).default(64),
  /** How long an account must be known before it teaches, and before what it does is its own habit. */
  delay: Duration.prefault('6h'),
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
   * Tokens of the answers to different prompts; less than 0 where the prompt was as long as the answer, or the pace not even.
   * `null`: the account is under suspicion; what it taught is taken back.
   */
  readonly answers: readonly number[] | null
}
