/**
 * The Incident: signals that belong together, and their story.
 *
 * Made by correlate. Every change is a new version: `warden.incidents` keeps the last, `warden.incident-history` all.
 */
import { z } from 'zod'
import { Entity, Exposure, Level, Technique } from './signal.ts'

export const verdicts = [
  'true-positive',
  'false-positive',
  'benign-true-positive',
  'duplicate',
  'undetermined',
] as const
export const Verdict = z.enum(verdicts)
export type Verdict = z.infer<typeof Verdict>

const time = z.iso.datetime()

export const Incident = z.strictObject({
  /** From tenant, primary entity and the day on which the session starts. */
  id: z.string(),
  version: z.int().positive(),
  /** The tenant, or `operator`. */
  tenant: z.string(),
  status: z.enum(['open', 'acknowledged', 'closed', 'merged', 'retracted']),
  /** False until watermarks have passed its last signal's window. */
  settled: z.boolean(),
  severity: Level,
  /** Decayed, damped sum at `lastSeen`. */
  risk: z.number(),
  title: z.string(),
  /** The story, in plain sentences; hostile content inside. */
  summary: z.string(),
  primary: Entity,
  entities: z.array(Entity),
  techniques: z.array(Technique),
  firstSeen: time,
  lastSeen: time,
  /** Event time at which it crossed the line. */
  openedAt: time,
  /** Append time of the record that made this version. */
  updatedAt: time,
  signalCount: z.int().nonnegative(),
  /** The most telling ones, bounded. */
  signals: z.array(
    z.strictObject({
      id: z.string(),
      version: z.int().positive(),
      rule: z.string(),
      title: z.string(),
      level: Level,
      risk: z.number(),
      at: time,
      explanation: z.string(),
      evidence: z.int().nonnegative(),
      shadow: z.boolean(),
    }),
  ),
  exposure: Exposure,
  assignee: z.string().optional(),
  verdict: Verdict.optional(),
  notes: z.array(z.strictObject({ id: z.string(), at: time, by: z.string(), text: z.string() })),
  supersedes: z.array(z.string()),
  mergedInto: z.string().optional(),
  /** Something that a person must look at, e.g. an action was taken on a finding since withdrawn. */
  flags: z.array(z.strictObject({ code: z.string(), message: z.string(), at: time })),
  /** What to do next, in order. */
  next: z.array(z.string()),
  arrivedMs: z.number().optional(),
  synthetic: z.boolean().optional(),
})
export type Incident = z.infer<typeof Incident>
