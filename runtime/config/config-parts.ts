/**
 * What the sections of the configuration are made of.
 */
import { z } from 'zod'

/** What a caller may do; a route names the roles that may call it. `admin` may do everything. */
export const roles = ['collector', 'gateway', 'viewer', 'analyst', 'responder', 'admin', 'metrics'] as const
export const Role = z.enum(roles)
export type Role = z.infer<typeof Role>

/** Where a secret stands. The value itself is never part of a configuration. */
export const SecretRef = z.union(
  [
    z.strictObject({ env: z.string().min(1).describe('Name of the environment variable that holds it.') }),
    z.strictObject({
      file: z.string().min(1).describe('Path of the file that holds it; a line end at its end is dropped.'),
    }),
  ],
  { error: 'A secret is named by where it stands: {env: NAME} or {file: path}. Never write its value here.' },
)
export type SecretRef = z.infer<typeof SecretRef>

/** A section that may be left out: each of its fields has a default. */
export const section = <Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description)

export const milliseconds = (min = 1) => z.int().min(min).max(2_147_483_647)

/** Minute, hour, day of the month, month, day of the week. */
export const cronTime = (fallback: string) =>
  z
    .string()
    .regex(/^(?:[0-9*,/-]+ ){4}[0-9A-Za-z*,/-]+$/, 'Write five fields, e.g. */5 * * * * for every five minutes.')
    .default(fallback)
