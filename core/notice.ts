/**
 * The Notice: what a person is told about an incident and what was done about it, before it takes the form of a medium.
 *
 * Made by respond from the incident and the run of a playbook; slack, email, webhook and outbox render it, each escaping
 * for its own medium. All text is plain, bounded, and may hold hostile content.
 */
import { z } from 'zod'
import { Level } from './signal.ts'

const line = z.string().max(500)

export const Notice = z.strictObject({
  tenant: z.string().max(512),
  incidentId: z.string().max(128),
  /** Which version of the incident this tells of. */
  incidentVersion: z.int().positive(),
  severity: Level,
  title: line,
  /** The incident's story. */
  what: z.string().max(4_000),
  /** Principals, users, credentials and addresses, each with its type. */
  who: z.array(line).max(12),
  assets: z.array(line).max(12),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  /** How sure we are, with the numbers that say so. */
  certainty: line,
  /** What was exposed, where it is known. */
  lost: line.optional(),
  /** What was done so far, one sentence each, oldest first. */
  done: z.array(line).max(30),
  /** What the reader should do, in order. */
  next: z.array(line).max(12),
  /** Nothing destructive was really done. */
  dryRun: z.boolean(),
  playbook: z.strictObject({ id: z.string().max(128), title: line, version: z.string().max(128) }),
  /** What waits for this reader's word. */
  approval: z
    .strictObject({
      actionId: z.string().max(128),
      /** What an approval is bound to. */
      digest: z.string().max(128),
      /** What it would do, in one sentence. */
      what: line,
      role: z.string().max(64),
      expiresAt: z.iso.datetime(),
      approve: line,
      refuse: line,
    })
    .optional(),
})
export type Notice = z.infer<typeof Notice>
