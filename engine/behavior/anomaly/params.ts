/** The parameters of `anomaly`, as a rule's writer gives them in its `anomaly:` block. */
import { z } from 'zod'
import { Duration } from '../units.ts'

const path = z.string().min(1).max(200)

export const AnomalyParams = z
  .strictObject({
    type: z.literal('anomaly'),
    /** The number that is watched; may be left out where events are counted. */
    field: path.optional(),
    /** One stream for each of these fields' values. */
    by: z.array(path).min(1).max(4).default(['warden.principal']),
    /** Values are put together over this span; without it every event is a value. */
    interval: Duration.optional(),
    function: z.enum(['sum', 'count', 'mean', 'max']).default('sum'),
    /** The season that is expected; `none`: there is none. Its length in values follows from their spacing. */
    seasonality: z.union([Duration, z.literal('none')]).prefault('1d'),
    /** Values that say what is usual: the newest. */
    history: z.int().min(200).max(4_000).default(4_000),
    /** Values before anything is judged. */
    learning: z.int().min(50).max(4_000).default(300),
    /** The line; higher is quieter. */
    threshold: z.number().positive().default(10),
  })
  .refine(({ field, function: how }) => field !== undefined || how === 'count', {
    error: 'Name the field that is watched, or count events: function: count',
    path: ['field'],
  })
  .refine(({ interval, function: how }) => interval !== undefined || how !== 'count', {
    error: 'Counting needs an interval, such as 5m',
    path: ['interval'],
  })
export type AnomalyParams = z.output<typeof AnomalyParams>
