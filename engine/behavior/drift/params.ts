/** The parameters of `drift`, and what one answer of a model tells the detector. */
import { z } from 'zod'
import { Duration } from '../units.ts'

export const DriftParams = z.strictObject({
  type: z.literal('drift'),
  /** The first answers of each account, which say how it usually asks and is answered. */
  reference: z.int().min(20).max(500).default(40),
  /** Answers that are compared with them: the newest of accounts that have a reference. */
  window: z.int().min(50).max(500).default(120),
  /** Answers of one principal in the window: drift is what many see, one alone is an account of its own kind. */
  perPrincipal: z.int().min(1).max(500).default(20),
  /** Principals that must be in the window. */
  principalsMin: z.int().min(1).max(100).default(4),
  /** Probability of a false alarm in one window of independent answers. */
  falseAlarm: z.number().gt(0).max(0.01).default(1e-7),
  /** Least distance (Kolmogorov-Smirnov, 0 to 1) worth a word. */
  distanceMin: z.number().gt(0).lt(1).default(0.25),
  /** Answers of a subgroup, with the truth known, before its errors are judged. */
  subgroupMin: z.int().min(10).max(10_000).default(40),
  /** Mean number of answers to a fairly treated subgroup before it is reported by mistake. */
  falseAlarmEvery: z.number().min(100).max(1e12).default(1e5),
  /** How many answers of one account and model are looked at in `per`: keeps the cost of busy accounts bounded. */
  sampled: z.int().min(1).max(10_000).default(24),
  per: Duration.prefault('1h'),
})
export type DriftParams = z.output<typeof DriftParams>

export interface Answer {
  readonly timeMs: number
  /** One number for each channel; absent ones are NaN and stand as null in JSON. */
  readonly channels: readonly (number | null)[]
  /** Of a protected attribute, where the model's owner watches it. */
  readonly subgroup: string | undefined
  /** Whether the answer was right, where the truth came back. */
  readonly right: boolean | undefined
}
