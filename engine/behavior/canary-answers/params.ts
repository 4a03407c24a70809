/** The parameters of `canary-answers`, and what one answer of a suspect model tells the detector. */
import { z } from 'zod'

export const DerivationParams = z.strictObject({
  type: z.literal('canary-answers'),
  /** An independent model is called derived with a probability of at most this, however often it is asked. */
  significance: z.number().gt(0).max(0.05).default(1e-3),
  /** Answers to different canaries before anything is said. */
  answersMin: z.int().min(3).max(1_000).default(8),
})
export type DerivationParams = z.output<typeof DerivationParams>

export interface CanaryAnswer {
  readonly timeMs: number
  readonly canary: string
  readonly hit: boolean
  /** Probability that a model which never saw the canary hits. */
  readonly chance: number
  /** Canaries that are registered now. */
  readonly registered: number
  /** The likeliest guess at any of them. */
  readonly chanceMax: number
}
