/**
 * The words of the behavior engine: what a detector is, and what it is given and gives back.
 *
 * A behavior rule is a Sigma rule's envelope with a `behavior:` block; its `select` (a Sigma detection) says which events
 * concern it, its `type` names a detector in the registry. A detector works in one or two steps, each a state machine over
 * groups: the local step stands where the event is and is grouped by the principal; the grouped step stands behind the
 * shuffle and may be grouped by anything (a tenant's peers, a credential, an address).
 *
 * Promises asked of a detector: pure (no clock, no randomness, no I/O); its state is JSON and bounded; what it has found
 * once the watermark has passed does not depend on the order in which the observations came.
 */
import type { z } from 'zod'
import type { Event } from '../../core/event.ts'
import type { Leak } from '../../core/leak.ts'
import type { Entity, EvidenceRef, Exposure, Member, Series, Threat } from '../../core/signal.ts'
import type { Inventory } from '../inventory/inventory.ts'
import type { RuleMeta } from '../sigma/types.ts'
import type { BlockRoom } from './block.ts'

/** The state of one group, in named entries, so that a change rewrites no more than what changed. Values are JSON. */
export interface GroupEntries {
  get<T>(name: string): T | undefined
  /** A value changed in place must be `set` again. */
  set(name: string, value: unknown): void
  delete(name: string): void
  /** All names, in the order in which they were first set. */
  names(): readonly string[]
  /** Where new blocks of it are to lie; undefined: anywhere. */
  readonly room?: BlockRoom
}

/** What an observation must say to be sent on to the grouped step. */
export interface Shuffled {
  /** One value for each of the grouped step's `groupBy`. */
  readonly group: readonly string[]
  /** JSON. */
  readonly observation: unknown
}

export interface BehaviorFinding {
  /** What tells this finding from others of the same rule and group; part of the signal's id. */
  readonly anchor: string
  /** 1, then one more for each revision. */
  readonly version: number
  readonly status: 'open' | 'retracted'
  /** Anchors of findings that this one replaces. */
  readonly supersedes: readonly string[]
  /** Names and values the finding is grouped by. */
  readonly group: Readonly<Record<string, string>>
  /** Event time of the last record that it rests on. */
  readonly timeMs: number
  readonly window: { readonly startMs: number; readonly endMs: number }
  readonly entities: readonly Entity[]
  readonly evidence: { readonly count: number; readonly events: readonly EvidenceRef[] }
  readonly explanation: string
  readonly facts: Readonly<Record<string, string | number | boolean>>
  readonly exposure?: Exposure
  /** Where it differs from the rule's `modelwarden.threat`. */
  readonly threat?: Threat
  /** It accuses nobody: told as informational and without a threat, for who looks at the account anyway. */
  readonly note?: boolean
  /** For a chart; at most 4, of 64 points. */
  readonly series?: readonly Series[]
  /** Of a group of accounts; at most 1,000. */
  readonly members?: readonly Member[]
}

/** What a grouped step has learned over all principals and tells to every partition of the local step of its rule. */
export interface BaselineTold {
  readonly name: string
  /** JSON; replaces what was told under this name. */
  readonly value: unknown
}

export interface StepOutcome {
  readonly findings: readonly BehaviorFinding[]
  /** For the grouped step; only a local step has any. */
  readonly shuffled: readonly Shuffled[]
  /** The least watermark at which `advance` has something to do for this group; Infinity: none. */
  readonly dueMs: number
  /** Nothing of the group needs to be remembered any more. */
  readonly forget?: boolean
  readonly dropped?: 'late' | 'overflow'
  /** What accounts hold, as of now; from local steps only. */
  readonly leaks?: readonly Leak[]
  /** From grouped steps only. */
  readonly baselines?: readonly BaselineTold[]
}

/** What a step may know beside its group and the observation: all of it stood in its log. */
export interface StepContext {
  /** What is registered, as of this place in the log. */
  readonly inventory: Inventory
  /**
   * What the rule's grouped step has told last under this name: the same object until it is replaced. Local steps only. With
   * `type`: what the first rule of that detector was told, if there is one.
   */
  baseline(name: string, type?: string): unknown
}

/** One step of one rule's detector. */
export interface BehaviorStep {
  /** Of the shape of its entries; a state of another version is dropped. */
  readonly stateVersion: number
  readonly groupBy: readonly string[]
  apply(
    group: readonly string[],
    entries: GroupEntries,
    observation: unknown,
    watermarkMs: number,
    context: StepContext,
  ): StepOutcome
  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number, context: StepContext): StepOutcome
}

/** What a detector may know of an event beside the event. */
export interface EventContext {
  /** Event time of the first event of this principal, of any kind; undefined where it is not remembered. */
  readonly knownSinceMs: number | undefined
  /** What is registered, as of this place in the log. */
  readonly inventory: Inventory
}

/** A rule's detector, ready to run. */
export interface BehaviorPlan {
  /** Undefined: nothing in this event concerns the detector. */
  read(event: Event, context: EventContext): Shuffled | undefined
  /** Takes what `read` gives; grouped by the principal. Undefined: that goes straight to the grouped step. */
  readonly local?: BehaviorStep
  readonly grouped?: BehaviorStep
}

export interface BehaviorDetector<Params> {
  readonly type: string
  /** Unknown parameters are refused; each has a default or is required. */
  readonly params: z.ZodType<Params>
  /** The event fields that `read` looks at: what a source must fill for the rule to see anything. */
  needs(params: Params): readonly string[]
  create(params: Params, meta: RuleMeta): BehaviorPlan
}

export interface BehaviorRule {
  readonly kind: 'behavior'
  readonly meta: RuleMeta
  readonly type: string
  readonly needs: readonly string[]
  readonly plan: BehaviorPlan
  /** `meta.id` of the Sigma rule that stands for `select`. */
  readonly selectId: string
}
