/**
 * The account of what one account holds of one model: how much was asked, how much of the natural inputs that covers, and how
 * faithful a copy could be trained on the answers.
 *
 * Made by detect, the last version counts. For the operator alone: to a thief it would be a progress bar.
 */
import { z } from 'zod'

const share = z.number().min(0).max(1)

export const Leak = z.strictObject({
  /** From rule, account and model. */
  id: z.string(),
  /** Event time of the last query, ms since 1970. */
  version: z.int().positive(),
  /** Of the last query. */
  '@timestamp': z.iso.datetime(),
  /** Of the first. */
  since: z.iso.datetime(),
  rule: z.string(),
  tenant: z.string(),
  /** `tenant/user`. */
  account: z.string(),
  model: z.string(),
  queries: z.int().nonnegative(),
  /** Different inputs that were answered; about. */
  distinct: z.int().nonnegative(),
  /** Share of the natural inputs that have an answered query as close as natural inputs are to each other. */
  coverage: share.optional(),
  /** Natural inputs of others that copies were tried on; absent: too few are known yet. */
  landmarks: z.int().positive().optional(),
  /** Share of natural inputs on which a copy would agree with the model, and the ends of its 90 % interval. */
  fidelity: share.optional(),
  lo90: share.optional(),
  hi90: share.optional(),
})
export type Leak = z.infer<typeof Leak>
