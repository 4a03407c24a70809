/** Parameters of `token-spend`. */
import { z } from 'zod'
import { Duration } from '../units.ts'

export const SpendParams = z.strictObject({
  type: z.literal('token-spend'),
  /** Tokens of a UTC day below which nothing is a finding. */
  floor: z.number().min(1_000).max(1e15).default(1_000_000),
  /** The line: the median of the account's own earlier days, times e to this many robust deviations of their logarithm. */
  deviations: z.number().min(1).max(20).default(4),
  /** A logarithm's robust deviation is taken to be at least this: an account with few days may vary more than they show. */
  spreadMin: z.number().min(0).max(3).default(0.5),
  /** Earlier days with calls that there must be. */
  daysMin: z.int().min(3).max(60).default(7),
  /** How much dearer than usual a call must have become. */
  dearer: z.number().min(1).max(1_000).default(3),
  /** Or which share of the answers must reach their limit, where usually less than a third of it did. */
  cutOffMin: z.number().min(0.05).max(1).default(0.5),
  /** Silence after which an account is forgotten. */
  forget: Duration.prefault('90d'),
})
export type SpendParams = z.output<typeof SpendParams>
