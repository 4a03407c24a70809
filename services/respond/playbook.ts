/**
 * A playbook, as compiled: plain JSON, so that a run can carry the very version that it started with.
 *
 * Made by compile.ts from YAML; run by runs.ts. Steps run in order and jump only forward, so every run ends.
 */
import type { EntityType } from './incident-brief.ts'
import type { Condition } from './condition.ts'

export interface Playbook {
  readonly id: string
  /** Digest of the compiled text. */
  readonly version: string
  readonly title: string
  /** Whether any of its actions takes something away from somebody: such a playbook is in dry run until it is enabled. */
  readonly destructive: boolean
  readonly protected: readonly string[]
  readonly trigger: Trigger
  readonly steps: readonly Step[]
}

export interface Trigger {
  /** At least this severe. */
  readonly severity: string
  /** At least this risk. */
  readonly risk: number
  /** Any of these techniques; a technique stands for its sub-techniques too. Empty: any. */
  readonly techniques: readonly string[]
  /** A finding by any of these rules. Empty: any. */
  readonly rules: readonly string[]
  /** Entities of all these types are in it. */
  readonly entities: readonly EntityType[]
  /** The incident has a flag of any of these codes. Empty: any incident. */
  readonly flags: readonly string[]
  /** Waits until the incident is settled. */
  readonly settled: boolean
  /** Only where no other playbook answers to the incident. */
  readonly unanswered: boolean
  /** Runs once for each entity of this type; undefined: once for the incident. */
  readonly forEach?: EntityType
}

export interface Step {
  readonly id: string
  readonly when?: Condition
  /** A pause, ms. Such a step has no actions. */
  readonly waitMs?: number
  /** More than one: side by side. */
  readonly actions: readonly StepAction[]
  /** `stop`, `continue`, or the id of a later step. */
  readonly onFailure: string
}

export interface StepAction {
  readonly id: string
  readonly connector: string
  readonly action: string
  /** Templates in the places of strings. */
  readonly with: Readonly<Record<string, unknown>>
  readonly approval?: Approval
  readonly attemptsMax: number
  /** Whether the run waits for the proof; default: where the action is destructive. */
  readonly verify?: boolean
}

export interface Approval {
  readonly role: string
  readonly expiresMs: number
  /** How those who may approve are told. */
  readonly ask: readonly StepAction[]
}

export const playbookLimits = {
  playbooksMax: 500,
  stepsMax: 50,
  actionsPerStepMax: 10,
  attemptsMax: 20,
  waitMsMax: 30 * 86_400_000,
  approvalMsMax: 30 * 86_400_000,
  /** Entities of one incident that a playbook runs for. */
  subjectsMax: 10,
  /** Characters of one text after its templates are filled in. */
  renderedCharsMax: 8_192,
} as const
