/**
 * Keeps the groups of behavior rules: for each its named entries, and when it wants to hear of the watermark.
 *
 * Used by both steps of detect: the first holds the local steps of detectors, the second the grouped ones. Pure over the
 * task's state.
 *
 * Promises: two classes of groups, so that keys nobody knows can't push out what is known of an account. A group is new for
 * a day after it was first seen, unless its principal is registered; of new ones at most `newcomersMax` are kept, the oldest
 * going first; after that it is known, of which there are at most `knownMax`: past that it stays among the new ones. The
 * groups of rules that are not in force any more are forgotten.
 */
import type { Leak } from '../../core/leak.ts'
import type { Signal } from '../../core/signal.ts'
import type {
  BaselineTold,
  BehaviorRule,
  BehaviorStep,
  Shuffled,
  StepContext,
  StepOutcome,
} from '../../engine/behavior/types.ts'
import { emptyInventory, type Inventory } from '../../engine/inventory/inventory.ts'
import type { KeyedState, Outcome } from '../../runtime/stage.ts'
import { BehaviorGroup, isEntryKey, keysOf, type BehaviorHead, type BehaviorStore } from './behavior-group.ts'
import { DueIndex } from './due-index.ts'
import { groupKey } from './observations.ts'
import type { BehaviorPlanned } from './rule-set.ts'
import { signalOfBehavior, type Seen } from './signals.ts'

const prefix = 'b/'
const newcomersMax = 100_000
const knownMax = 2_000_000
/** Append time for which a group is new. */
const newMs = 86_400_000
/** Share of the new ones that goes at once when there are too many. */
const evictedShare = 0.01
/** Groups that are found without spelling their keys; past that all are spelled anew. */
const atHandMax = 16_384

export interface BehaviorFound {
  readonly rule: BehaviorRule
  readonly key: string
  readonly scope: string
  readonly signals: readonly Signal[]
  readonly shuffled: readonly Shuffled[]
  readonly leaks: readonly Leak[]
  readonly baselines: readonly BaselineTold[]
}

interface Member {
  readonly planned: BehaviorPlanned
  readonly step: BehaviorStep
  readonly context: StepContext
  /** For each first value of a group, the last one that was looked at. */
  readonly atHand: Map<string, BehaviorGroup>
}

export class BehaviorGroups {
  readonly #state: KeyedState
  readonly #store: BehaviorStore
  readonly #which: 'local' | 'grouped'
  readonly #members = new Map<string, Member>()
  /** Type of a detector -> the first rule that has it. */
  readonly #firstOfType = new Map<string, string>()
  #atHand = 0
  readonly #due = new DueIndex((key) => this.#state.get<BehaviorHead>(key)?.dueMs ?? Infinity)
  readonly #baseline: (rule: string, name: string) => unknown
  #inventory: Inventory = emptyInventory
  /** Keys of the new ones, oldest first. */
  readonly #newcomers = new Set<string>()
  #known = 0
  /** Principals that are registered. */
  #registered: ReadonlySet<string> = new Set()

  /** `baseline`: what the grouped step of a rule has told; only the local steps have any. */
  constructor(state: KeyedState, which: 'local' | 'grouped', baseline?: (rule: string, name: string) => unknown) {
    this.#state = state
    const store: BehaviorStore = { state, checkpoints: 0 }
    this.#store = store
    state.beforeCheckpoint(() => store.checkpoints++)
    this.#which = which
    this.#baseline = baseline ?? (() => undefined)
  }

  /** From here on this is registered. */
  know(inventory: Inventory): void {
    this.#inventory = inventory
    const licensed = inventory.licenses.flatMap(({ principal }) => (principal === undefined ? [] : [principal]))
    this.#registered = new Set([...licensed, ...inventory.people.keys()])
  }

  use(rules: readonly BehaviorPlanned[]): void {
    this.#members.clear()
    this.#firstOfType.clear()
    this.#atHand = 0
    for (const planned of rules) {
      const step = planned.rule.plan[this.#which]
      if (step === undefined) continue
      const { key, rule } = planned
      this.#members.set(key, { planned, step, context: this.#contextOf(key), atHand: new Map() })
      if (!this.#firstOfType.has(rule.type)) this.#firstOfType.set(rule.type, key)
    }
    this.#takeUp()
  }

  #contextOf(rule: string): StepContext {
    const inventory = (): Inventory => this.#inventory
    return {
      get inventory() {
        return inventory()
      },
      baseline: (name, type) => {
        const of = type === undefined ? rule : this.#firstOfType.get(type)
        return of === undefined ? undefined : this.#baseline(of, name)
      },
    }
  }

  has(key: string): boolean {
    return this.#members.has(key)
  }

  observe(
    ruleKey: string,
    scope: string,
    values: readonly string[],
    observation: unknown,
    watermarkMs: number,
    seen: Seen,
    out: Outcome,
  ): BehaviorFound | undefined {
    const member = this.#members.get(ruleKey)
    if (member === undefined) return undefined
    const group = this.#groupOf(member, scope, values, seen, out)
    if (group.newSinceMs !== undefined) this.#promote(group, group.newSinceMs, seen)
    const outcome = member.step.apply(values, group, observation, watermarkMs, member.context)
    if (outcome.dropped !== undefined) out.drop(`behavior-${outcome.dropped}`)
    return this.#settle(group, member, outcome, seen)
  }

  #groupOf(member: Member, scope: string, values: readonly string[], seen: Seen, out: Outcome): BehaviorGroup {
    const { atHand, planned, step } = member
    const last = atHand.get(values[0]!)
    if (last?.isFor(scope, values) === true) return last
    const key = `${prefix}${planned.key}/${groupKey(scope, values)}`
    let group = this.#open(key)
    if (group === undefined) {
      const head = { scope, values, version: step.stateVersion, names: [], dueMs: null, newSinceMs: seen.appendedMs }
      group = new BehaviorGroup(this.#store, key, head)
      group.keep()
      this.#newcomers.add(key)
      if (this.#newcomers.size > newcomersMax) this.#evict(out)
    }
    if (last === undefined && ++this.#atHand > atHandMax) {
      for (const each of this.#members.values()) each.atHand.clear()
      this.#atHand = 1
    }
    atHand.set(values[0]!, group)
    return group
  }

  /** The group of a key: after a restart its head stands in the state as JSON. */
  #open(key: string): BehaviorGroup | undefined {
    const kept = this.#state.get<BehaviorGroup | BehaviorHead>(key)
    if (kept === undefined || kept instanceof BehaviorGroup) return kept
    const group = new BehaviorGroup(this.#store, key, kept)
    group.keep()
    return group
  }

  advance(watermarkMs: number, seen: Seen): BehaviorFound[] {
    const all: BehaviorFound[] = []
    for (const key of this.#due.take(watermarkMs)) {
      const group = this.#open(key)
      const member = this.#members.get(ruleKeyOf(key))
      if (group === undefined || member === undefined) continue
      group.dueMs = null
      const outcome = member.step.advance(group.values, group, watermarkMs, member.context)
      all.push(this.#settle(group, member, outcome, seen))
    }
    return all
  }

  #settle(group: BehaviorGroup, member: Member, outcome: StepOutcome, seen: Seen): BehaviorFound {
    const { rule, key: ruleKey } = member.planned
    const dueMs = outcome.dueMs === Infinity ? null : outcome.dueMs
    if (outcome.forget === true) this.#forget(group)
    else {
      if (dueMs !== group.dueMs) {
        group.dueMs = dueMs
        group.keep()
      }
      group.filed = this.#due.move(group.filed, group.key, outcome.dueMs)
    }
    const signals = outcome.findings.map((finding) => signalOfBehavior(rule, finding, group.scope, seen))
    return {
      rule,
      key: ruleKey,
      scope: group.scope,
      signals,
      shuffled: outcome.shuffled,
      leaks: outcome.leaks ?? [],
      baselines: outcome.baselines ?? [],
    }
  }

  #forget(group: BehaviorGroup): void {
    const { key, values } = group
    group.forget()
    this.#due.delete(key)
    if (!this.#newcomers.delete(key)) this.#known--
    const member = this.#members.get(ruleKeyOf(key))
    if (member?.atHand.get(values[0]!) !== group) return
    member.atHand.delete(values[0]!)
    this.#atHand--
  }

  #promote(group: BehaviorGroup, newSinceMs: number, seen: Seen): void {
    const isKnown = seen.appendedMs - newSinceMs >= newMs || group.values.some((value) => this.#registered.has(value))
    if (!isKnown || this.#known >= knownMax) return
    group.newSinceMs = undefined
    this.#newcomers.delete(group.key)
    this.#known++
    group.keep()
  }

  #evict(out: Outcome): void {
    const keys: string[] = []
    for (const key of this.#newcomers) {
      if (keys.length >= newcomersMax * evictedShare) break
      keys.push(key)
    }
    for (const key of keys) {
      const group = this.#open(key)
      if (group !== undefined) this.#forget(group)
    }
    out.drop('behavior-group-evicted', keys.length)
  }

  #takeUp(): void {
    const gone: string[] = []
    this.#newcomers.clear()
    this.#known = 0
    for (const [key, value] of this.#state.entries<BehaviorGroup | BehaviorHead>(prefix)) {
      const member = this.#members.get(ruleKeyOf(key))
      if (member === undefined) gone.push(key)
      else if (!isEntryKey(key)) {
        if (member.step.stateVersion !== value.version)
          gone.push(...keysOf(key, value instanceof BehaviorGroup ? value.names() : value.names))
        else {
          if (value.newSinceMs === undefined) this.#known++
          else this.#newcomers.add(key)
          this.#due.set(key, value.dueMs ?? Infinity)
        }
      }
    }
    for (const key of gone) {
      this.#state.delete(key)
      this.#due.delete(key)
    }
  }
}

function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}
