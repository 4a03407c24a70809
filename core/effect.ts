/**
 * What stands on `warden.effects`: the one log that respond works through, and that licensing, the indexer and the ledger
 * read. Keyed by tenant.
 *
 * `incident` and `decision` are relayed in, so that respond is a function of one log. All else is written by respond:
 * `action` (each version of an action), `run` (how a playbook's run stands), `flag` (something that a person must look at),
 * `policy` (which playbooks may act and within which bounds, from here on).
 */
import { z } from 'zod'
import { Action } from './action.ts'
import { Decision } from './decision.ts'
import { Incident } from './incident.ts'
import { Entity } from './signal.ts'

export const runStates = ['running', 'finished', 'stopped'] as const

export const Run = z.strictObject({
  /** From incident, playbook and subject: a playbook runs once for each. */
  id: z.string(),
  version: z.int().positive(),
  tenant: z.string(),
  incidentId: z.string(),
  playbook: z.strictObject({ id: z.string(), version: z.string() }),
  /** What it runs about, where the playbook runs for each entity of a type. */
  subject: Entity.optional(),
  state: z.enum(runStates),
  /** Whether its destructive actions are only described. */
  dryRun: z.boolean(),
  /** The step that it stands at. */
  step: z.string().optional(),
  startedAt: z.iso.datetime(),
  at: z.iso.datetime(),
  summary: z.string(),
})
export type Run = z.infer<typeof Run>

/** Codes are a bounded set. */
export const flagCodes = [
  'ACTED_ON_WITHDRAWN',
  'ACTION_FAILED',
  'ACTION_REFUSED',
  'APPROVAL_EXPIRED',
  'CAP_REACHED',
  'REVIVED',
  'SUBJECTS_MAX',
  'UNDO_REFUSED',
] as const

export const Flag = z.strictObject({
  /** From what it is about: the same flag is raised once. */
  id: z.string(),
  tenant: z.string(),
  incidentId: z.string(),
  code: z.enum(flagCodes),
  message: z.string(),
  actions: z.array(z.string()),
  at: z.iso.datetime(),
})
export type Flag = z.infer<typeof Flag>
export type FlagCode = Flag['code']

/** What respond may do. Written by each new owner of a partition, so every change of configuration is on record. */
export const Policy = z.strictObject({
  /** Of this claim of the partition: what stands before it in the log was written by earlier owners, and no more comes. */
  claim: z.string(),
  at: z.iso.datetime(),
  /** Destructive playbooks that may act; all others are in dry run. */
  enabled: z.array(z.string()),
  /** Entity ids that are never acted upon; `*` at the end stands for any rest. */
  protected: z.array(z.string()),
  destructivePerTenantPerHourMax: z.int().nonnegative(),
  destructivePerPlaybookPerHourMax: z.int().nonnegative(),
  /** Who may let an action past a reached cap. */
  capRole: z.string(),
})
export type Policy = z.infer<typeof Policy>

export const Effect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('incident'), incident: Incident }),
  z.strictObject({ kind: z.literal('decision'), decision: Decision }),
  z.strictObject({ kind: z.literal('action'), action: Action }),
  z.strictObject({ kind: z.literal('run'), run: Run }),
  z.strictObject({ kind: z.literal('flag'), flag: Flag }),
  z.strictObject({ kind: z.literal('policy'), policy: Policy }),
])
export type Effect = z.infer<typeof Effect>
