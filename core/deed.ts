/**
 * Deeds: what callers asked to change over the HTTP API or the command line, and how it ended.
 *
 * Published to `warden.deeds`, keyed by tenant, before the deed is tried (`attempted`) and again when it has ended, with
 * the same id and the next version: so nothing is done without a record, and a record that stays `attempted` tells of a
 * process that ended meanwhile.
 */
import { z } from 'zod'

export const Deed = z.strictObject({
  /** Of the request. */
  id: z.string(),
  /** 1 when it is tried, 2 when it has ended; 1 alone where it was refused before it was tried. */
  version: z.int().positive(),
  at: z.iso.datetime(),
  /** Who: `<kind>:<name>`, e.g. `operator:ana`, `cli:root`. */
  by: z.string(),
  roles: z.array(z.string()),
  /** The caller's tenant; `operator` for callers of all tenants. */
  tenant: z.string(),
  /** What: method and route, e.g. `POST /v1/decisions`. */
  deed: z.string(),
  /** What it is about, as the path and the body name it. */
  target: z.string().optional(),
  /** SHA-256 over the arguments as canonical JSON: proves what was asked for, without telling it. */
  arguments: z.string(),
  outcome: z.enum(['attempted', 'done', 'refused', 'failed']),
  /** HTTP status of the answer, once there is one. */
  status: z.int().optional(),
  /** The error's code, where it was refused or failed. */
  code: z.string().optional(),
  /** Where the request came from. */
  address: z.string().optional(),
})
export type Deed = z.infer<typeof Deed>
