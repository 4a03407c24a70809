/**
 * The Action: one effect of a playbook on the world outside, from the wish to the proof.
 *
 * Made by respond, written to `warden.effects` (keyed by tenant) as a growing history; licensing obeys those whose
 * connector is `licensing`; the indexer keeps the last version.
 */
import { z } from 'zod'

/**
 * asked -> (awaiting-approval ->) reserved -> attempted -> done -> verified; `attempted` is the intent, journaled before the
 * call. `dry-run`: described, not done. `refused`: a gate said no (caps, protected principal, expired or refused
 * approval, global stop). `failed`: tried, given up. `undone`: taken back.
 */
export const actionStates = [
  'asked',
  'awaiting-approval',
  'reserved',
  'attempted',
  'done',
  'verified',
  'dry-run',
  'refused',
  'failed',
  'undone',
] as const

export const Action = z.strictObject({
  /** From incident, playbook version and step. Also the idempotency key. */
  id: z.string(),
  /** Grows with each state. */
  version: z.int().positive(),
  tenant: z.string(),
  incidentId: z.string(),
  runId: z.string(),
  playbook: z.strictObject({ id: z.string(), version: z.string() }),
  step: z.string(),
  connector: z.string(),
  action: z.string(),
  /** What it changes, e.g. `credential:hmac-…`. */
  target: z.string(),
  args: z.record(z.string(), z.unknown()),
  /** Over connector, action and args: what an approval is bound to. */
  digest: z.string(),
  destructive: z.boolean(),
  state: z.enum(actionStates),
  attempt: z.int().nonnegative(),
  /** Attempts whose answer was lost because the process that made them ended; they don't count against a step's `attempts`. */
  cutOffs: z.int().positive().optional(),
  possiblyRepeated: z.boolean(),
  at: z.iso.datetime(),
  /** One sentence on how it stands. */
  summary: z.string(),
  /** A stable code where it was refused or failed. */
  reason: z.string().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  before: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  approval: z
    .strictObject({
      role: z.string(),
      expiresAt: z.iso.datetime(),
      by: z.string().optional(),
      at: z.iso.datetime().optional(),
    })
    .optional(),
  /** Digest of the evidence it rests on. */
  evidence: z.string(),
  arrivedMs: z.number().optional(),
})
export type Action = z.infer<typeof Action>
