/**
 * What was used of a model, as an invoice can be drawn from it: one record for each who, what and period.
 *
 * Owned by meter, kept on the compacted topic `warden.usage` under its `id`, and in the search index. A `total` is the sum
 * of all that was counted before the period was settled; it grows, version by version, until then, and never changes
 * afterwards. What comes for a settled period is a `correction`: an amount to be added. So what was used in a period is the
 * sum over all its records.
 */
import { z } from 'zod'

const amount = z.int().nonnegative()

export const UsageFigures = z.strictObject({
  calls: amount,
  inputTokens: amount,
  outputTokens: amount,
  bytes: amount,
  /** Calls whose record says nothing of tokens, or nothing that is a number of tokens. */
  callsWithoutTokens: amount,
})
export type UsageFigures = z.infer<typeof UsageFigures>

export const usagePeriods = ['hour', 'day'] as const
export type UsagePeriod = (typeof usagePeriods)[number]
export const usageOutcomes = ['success', 'failure', 'unknown'] as const

export const UsageRecord = z.strictObject({
  id: z.string(),
  version: z.int().positive(),
  kind: z.enum(['total', 'correction']),
  period: z.enum(usagePeriods),
  /** UTC, in event time; `end` is not included. */
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  /** `open`: it may still grow. `settled`: final. */
  state: z.enum(['open', 'settled']),
  tenant: z.string(),
  /** `tenant/user-or-credential`. */
  principal: z.string().optional(),
  credentialId: z.string().optional(),
  /** The license that the credential pointed to when the event came. */
  licenseId: z.string().optional(),
  model: z.string().optional(),
  form: z.enum(['api', 'weights', 'training-data']),
  /** By the outcome of the call. */
  success: UsageFigures,
  failure: UsageFigures,
  unknown: UsageFigures,
  /** The earliest and the latest event counted. */
  firstAt: z.iso.datetime(),
  lastAt: z.iso.datetime(),
  /** The meter was full: principal, credential, license and model are not told apart here. */
  coarse: z.boolean().optional(),
  /** Counting began within the period, after the state was lost and the log cut off: what was before is not in it. */
  incomplete: z.boolean().optional(),
  /** A sum has left the whole numbers that can be told exactly: it is at least this. */
  overflown: z.boolean().optional(),
  /**
   * Events of which a repetition by their source could not be told: so late, after so many others, or from before their
   * credential was registered.
   */
  unchecked: amount.optional(),
})
export type UsageRecord = z.infer<typeof UsageRecord>
