/**
 * The shape of a source file: what sources/*.yml may hold.
 *
 * Expressions and conditions inside are `unknown` here; expression.ts and condition.ts compile them, and say what is wrong.
 */
import { z } from 'zod'

const expression = z.unknown()

/** `90s`, `10m`, `1h`, `7d`. */
const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}(?:s|m|h|d)$/, 'A duration is a whole number with s, m, h or d, e.g. 10m')

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units]
}

export const sensitiveKinds = ['credential', 'digest', 'mask'] as const

export const SourceDefinition = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}(?:\.[a-z][a-z0-9_]{0,31}){0,2}$/, 'A name is lower case, e.g. aws.cloudtrail'),
  title: z.string().min(1).max(200),
  description: z.string().max(4_000).optional(),
  /** Which topic its records belong on. */
  topic: z.enum(['audit', 'inference']),
  logsource: z.strictObject({
    product: z.string().optional(),
    service: z.string().optional(),
    category: z.string().optional(),
  }),
  /** Recognizes a record that comes without the header `source`. */
  match: z.unknown().optional(),
  /** Records of other kinds in the same stream, and the sources that they belong to. */
  delegate: z
    .array(z.strictObject({ when: z.unknown(), to: z.string() }))
    .min(1)
    .max(50)
    .optional(),
  /** Path to the list of records in an envelope. */
  records: z.string().optional(),
  /** Records passed over on purpose. */
  ignore: z.unknown().optional(),
  time: z.union([
    z.string(),
    z.array(z.unknown()),
    z.strictObject({
      from: expression,
      format: z.enum(['iso', 'iso_utc', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns']).default('iso'),
    }),
  ]),
  lateness: duration.optional(),
  /** Silence after which it is suspicious, where the source is known to talk. */
  silence: duration.optional(),
  tenant: expression,
  principal: expression,
  identity: z.union([z.literal('position'), z.literal('content'), z.strictObject({ field: expression })]),
  /** Event field -> expression over the record. */
  map: z.record(z.string(), expression),
  /** Event field -> expression over the event so far, in order. */
  derive: z.record(z.string(), expression).optional(),
  /** What of the vendor's record stands under the source's name; `except` and `only` are paths. */
  keep: z
    .union([
      z.literal('all'),
      z.strictObject({ only: z.array(z.string()).min(1).max(200) }),
      z.strictObject({ except: z.array(z.string()).min(1).max(200) }),
    ])
    .optional(),
  /** Replaced before the bus; `*` in a path stands for any key or element. */
  sensitive: z
    .array(z.union([z.string(), z.strictObject({ field: z.string(), as: z.enum(sensitiveKinds) })]))
    .max(200)
    .optional(),
  /**
   * False: its records are dated when they are made, whatever time it is in the others'; so event time does not go on by them.
   * True by default, but for a synthetic source.
   */
  tellsTime: z.boolean().optional(),
  /** A synthetic source may mark its events so. */
  synthetic: z.boolean().optional(),
})
export type SourceDefinition = z.infer<typeof SourceDefinition>

/** A file of tables that several sources share. */
export const TablesDefinition = z.strictObject({
  tables: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), z.unknown()),
})
