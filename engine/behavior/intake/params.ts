/** The parameters of `intake-poisoning`, and what one record of a data set tells the detector. */
import { z } from 'zod'

export const IntakeParams = z.strictObject({
  type: z.literal('intake-poisoning'),
  /** Records remembered of a data set, the newest. */
  exemplars: z.int().min(64).max(2_048).default(1_024),
  /** Neighbors that are asked for their label. */
  neighbors: z.int().min(3).max(31).default(7),
  /** Records of a data set before any source is judged. */
  recordsMin: z.int().min(32).max(100_000).default(120),
  /** A near copy is nearer than this share of the distance at which strangers' nearest records usually lie. */
  nearShare: z.number().gt(0).max(0.9).default(0.3),
  /** Mean number of records of an honest source before it is called bad by mistake. */
  falseAlarmEvery: z.number().min(100).max(1e12).default(1e4),
})
export type IntakeParams = z.output<typeof IntakeParams>

export interface IntakeRecord {
  readonly timeMs: number
  readonly source: string
  readonly label: string
  readonly vector: readonly number[]
}
