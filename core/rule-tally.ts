/**
 * What rules have done on one partition of a step of detect, as its owner tells it now and then, and how far it has come.
 *
 * The last version counts; who takes the partition over carries the counts on. For people: nothing is decided by it.
 */
import { z } from 'zod'

const count = z.int().nonnegative()

export const RuleCounts = z.strictObject({
  matched: count,
  suppressed: count,
  signals: count,
  /** Sampled: sum of milliseconds, and of how many events. */
  costMs: z.number().nonnegative(),
  samples: count,
})
export type RuleCounts = z.infer<typeof RuleCounts>

export const RuleTally = z.strictObject({
  /** `detect` or `detect-groups`. */
  stage: z.string(),
  partition: count,
  /** All records before it have been looked at. */
  nextOffset: count,
  /** Event time up to which nothing is missing; `end`: the input has ended; null: not known yet. */
  eventTime: z.string().nullable(),
  /** Since when it is counted. */
  since: z.iso.datetime(),
  /** When this was told. */
  at: z.iso.datetime(),
  /** By rule id; rules that have done nothing are left out. */
  rules: z.record(z.string(), RuleCounts),
})
export type RuleTally = z.infer<typeof RuleTally>
