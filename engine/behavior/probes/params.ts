/** Parameters of `call-probes`. */
import { z } from 'zod'

export const lookNames = ['divergence', 'prefixes', 'same-answer', 'timing'] as const
export type LookName = (typeof lookNames)[number]

export const ProbesParams = z.strictObject({
  type: z.literal('call-probes'),
  /** What is looked for. */
  look: z.array(z.enum(lookNames)).min(1).max(lookNames.length),
  /** The line of each: false alarms are at most one in this many calls. */
  callsPerFalseAlarm: z.number().min(10).max(1e12).default(1e6),
})
export type ProbesParams = z.output<typeof ProbesParams>
