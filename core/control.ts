/**
 * Control records: what a stage must know beside its records, written into its own log so that a replay sees it
 * at the same place.
 */
import { z } from 'zod'
import { LicenseRecord } from './license.ts'

/** `watermark`: an upstream task says that no event before `eventTimeMs` will come from it any more (but late ones). */
const Watermark = z.strictObject({
  control: z.literal('watermark'),
  /** `<stage>/<topic>`: which upstream says so. */
  upstream: z.string(),
  partition: z.int().nonnegative(),
  /** How many partitions that upstream has: all must have spoken. */
  partitions: z.int().positive(),
  /** Milliseconds since 1970; `null`: the input has ended, nothing more will come. */
  eventTimeMs: z.number().nullable(),
})

/** `tick`: the log was silent; its append time stands for the passing of time. */
const Tick = z.strictObject({ control: z.literal('tick') })

/** `end`: the end of a replayed input. */
const End = z.strictObject({ control: z.literal('end') })

/** `content`: from here on, this version of a content set is in force. */
const ContentInForce = z.strictObject({
  control: z.literal('content'),
  set: z.enum(['sources', 'rules', 'playbooks', 'inventory']),
  digest: z.string(),
})

/** `baseline`: what the grouped step of a detector has learned over all principals, told to every partition of its local step. */
const Baseline = z.strictObject({
  control: z.literal('baseline'),
  /** The version of the rule, as in state keys. */
  rule: z.string(),
  name: z.string(),
  value: z.unknown(),
})
export type Baseline = z.infer<typeof Baseline>

/** Records in one control of licenses. */
export const toldLicensesMax = 200

/**
 * `licenses`: how these licenses and credentials stand from here on. Told as they change, and all of them once a day; a
 * record that is not newer than what is held (`version`) says nothing new.
 */
const LicensesInForce = z.strictObject({
  control: z.literal('licenses'),
  records: z.array(LicenseRecord).max(toldLicensesMax),
})

export const Control = z.discriminatedUnion('control', [
  Watermark,
  Tick,
  End,
  ContentInForce,
  Baseline,
  LicensesInForce,
])
export type Control = z.infer<typeof Control>
export type ContentSet = z.infer<typeof ContentInForce>['set']
