/** Parameters of `model-queries`. */
import { z } from 'zod'
import { Duration } from '../units.ts'

export const ModelQueriesParams = z.strictObject({
  type: z.literal('model-queries'),
  /**
   * The false alarms that an honest account may cost: at most this probability in `boundQueries` different queries, over all
   * threats together.
   */
  bound: z.number().positive().max(0.5).default(0.01),
  boundQueries: z.int().min(100).max(1_000_000).default(10_000),
  /**
   * How far an honest account may differ from all of them: queries that the share u of all traffic reaches may be u^allowance
   * of its own. 1: it may not differ at all.
   */
  allowance: z.number().min(0.2).max(1).default(0.5),
  /** Fewest accounts, and different queries of theirs, from which a model's benign traffic is learned. */
  accountsMin: z.int().min(3).max(40).default(5),
  samplesMin: z.int().min(100).max(5_000).default(400),
  /** How long an account must be known before it teaches. */
  delay: Duration.default(86_400_000),
  /** How often it is learned anew. */
  relearn: Duration.default(86_400_000),
  /** Silence after which an account is forgotten. */
  forget: Duration.default(30 * 86_400_000),
})
export type ModelQueriesParams = z.infer<typeof ModelQueriesParams>
