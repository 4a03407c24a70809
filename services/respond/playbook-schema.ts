/**
 * The YAML of a playbook, as a schema: strict, every key known. docs/playbooks.md explains it to its writers.
 */
import { z } from 'zod'
import { flagCodes } from '../../core/effect.ts'
import { Level, entityTypes } from '../../core/signal.ts'
import { playbookLimits } from './playbook.ts'

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'Use lower-case letters, digits and dashes')
const EntityType = z.enum(entityTypes)
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `500ms`, `30s`, `10m`, `4h`, `2d`. */
const Duration = z
  .string()
  .regex(/^[1-9][0-9]{0,8}(ms|s|m|h|d)$/, 'Write a duration like 30s, 10m, 4h or 2d')
  .transform((text) => {
    const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof unitMs
    return Number.parseInt(text, 10) * unitMs[unit]
  })

const durationUpTo = (msMax: number) => Duration.refine((ms) => ms <= msMax, `At most ${msMax / unitMs.d} days`)

const actionKeys = {
  id: slug,
  /** `<connector>.<action>`, e.g. `licensing.credential.revoke`. */
  action: z.string().regex(/^[a-z0-9-]+(\.[A-Za-z0-9_-]+)+$/, 'Write <connector>.<action>, like slack.send'),
  with: z.record(z.string().max(64), z.unknown()).default({}),
  attempts: z.int().min(1).max(playbookLimits.attemptsMax).default(5),
  verify: z.boolean().optional(),
}

const AskSource = z.strictObject(actionKeys)
const ApprovalSource = z.strictObject({
  role: z.enum(['analyst', 'responder', 'admin']),
  expires: durationUpTo(playbookLimits.approvalMsMax),
  ask: z.array(AskSource).max(playbookLimits.actionsPerStepMax).default([]),
})
const StepActionSource = z.strictObject({ ...actionKeys, approval: ApprovalSource.optional() })
export type StepActionSource = z.output<typeof StepActionSource>
export type AskSource = z.output<typeof AskSource>

const flow = {
  title: z.string().max(200).optional(),
  when: z.unknown().optional(),
  /** `stop`, `continue`, or the id of a later step. */
  on_failure: slug.default('stop'),
}

const ActionStep = z.strictObject({ ...StepActionSource.shape, ...flow })
const ParallelStep = z.strictObject({
  id: slug,
  ...flow,
  parallel: z.array(StepActionSource).min(1).max(playbookLimits.actionsPerStepMax),
})
const WaitStep = z.strictObject({ id: slug, ...flow, wait: durationUpTo(playbookLimits.waitMsMax) })

/** Told apart by the key that only one of them has, so that a mistake is reported against the right one. */
export const stepSources = { action: ActionStep, parallel: ParallelStep, wait: WaitStep } as const
export type StepSource = z.output<typeof ActionStep> | z.output<typeof ParallelStep> | z.output<typeof WaitStep>

export const PlaybookSource = z.strictObject({
  id: slug,
  title: z.string().min(1).max(200),
  description: z.string().max(4_000).optional(),
  /** Must say so where any action takes something away: nobody shall be surprised. */
  destructive: z.boolean().default(false),
  /** Entity ids that this playbook never acts upon; `*` at the end stands for any rest. */
  protected: z.array(z.string().min(1).max(512)).max(1_000).default([]),
  trigger: z.strictObject({
    severity: Level.default('high'),
    risk: z.number().min(0).default(0),
    techniques: z
      .array(z.string().regex(/^(AML\.)?(T|TA)[0-9]{4}(\.[0-9]{3})?$/, 'Write a technique like AML.T0024 or T1078.004'))
      .max(100)
      .default([]),
    rules: z.array(z.string().min(1).max(256)).max(1_000).default([]),
    entities: z.array(EntityType).max(8).default([]),
    /** Codes of flags, one of which the incident must have. */
    flags: z.array(z.enum(flagCodes)).max(flagCodes.length).default([]),
    settled: z.boolean().default(false),
    unanswered: z.boolean().default(false),
    for_each: EntityType.optional(),
  }),
  steps: z.array(z.looseObject({})).min(1).max(playbookLimits.stepsMax),
})
