/**
 * Keeps the groups of behavior rules: for each its named entries, and when it wants to hear of the watermark.
 *
 * Used by both steps of detect: the first holds the local steps of detectors, the second the grouped ones. Pure over the
 * task's state.
 *
 * Promises: two classes of groups, so that keys nobody knows can't push out what is known of an account. A group is new for
 * a day after it was first seen, unless its principal is registered or another rule's group of the same is known; of new
 * ones at most `newcomersMax` are kept, the oldest going first; after that it is known, of which there are at most
 * `knownMax`: past that it stays among the new ones. The groups of rules that are not in force any more are forgotten.
 */
import type { Leak } from '../../../core/leak.ts'
import type { Signal } from '../../../core/signal.ts'
import type { BaselineTold, BehaviorRule, Shuffled, StepOutcome } from '../../../engine/behavior/types.ts'
import type { Inventory } from '../../../engine/inventory/inventory.ts'
import type { KeyedState, Outcome } from '../../../runtime/stage/stage.ts'
import { BehaviorGroup, type BehaviorHead } from './behavior-group.ts'
import { isEntryKey, keysOf, prefix, ruleKeyOf, sameLists } from './behavior-keys.ts'
import { openStore, type BehaviorStore, type GroupOwner } from './behavior-store.ts'
import { DueGroups } from '../due-groups.ts'
import { GroupsByValues } from './groups-by-values.ts'
import type { BehaviorPlanned } from '../rule-set/rule-set.ts'
import { Members, type Member } from './members.ts'
import { signalOfBehavior, type Seen } from '../signals.ts'

/** Share of the new ones that goes at once when there are too many. */
const evictedShare = 0.01

export interface BehaviorLimits {
  /** New ones of a task. */
  readonly newcomersMax: number
  /** Known ones of a task. */
  readonly knownMax: number
  /** Append time for which a group is new. */
  readonly newMs: number
}

/** An account that calls one model has five groups, of less than a kilobyte each: a million accounts known, 20,000 new. */
export const behaviorLimits: BehaviorLimits = { newcomersMax: 100_000, knownMax: 5_000_000, newMs: 86_400_000 }

export interface BehaviorFound {
  readonly rule: BehaviorRule
  readonly key: string
  readonly scope: string
  readonly signals: readonly Signal[]
  readonly shuffled: readonly Shuffled[]
  readonly leaks: readonly Leak[]
  readonly baselines: readonly BaselineTold[]
}

export class BehaviorGroups {
  readonly #state: KeyedState
  readonly #store: BehaviorStore
  readonly #limits: BehaviorLimits
  readonly #members: Members
  readonly #groups = new GroupsByValues()
  readonly #due = new DueGroups<BehaviorGroup>(({ dueMs }) => dueMs)
  readonly #areSame = sameLists()
  /** The new ones, oldest first. */
  readonly #newcomers = new Set<BehaviorGroup>()
  #known = 0
  /** Principals that are registered. */
  #registered: ReadonlySet<string> = new Set()

  /** `baseline`: what the grouped step of a rule has told; only the local steps have any. */
  constructor(
    state: KeyedState,
    which: 'local' | 'grouped',
    baseline?: (rule: string, name: string) => unknown,
    limits: BehaviorLimits = behaviorLimits,
  ) {
    this.#state = state
    this.#limits = limits
    this.#store = openStore(state, this)
    this.#members = new Members(which, this.#store, baseline)
  }

  /** From here on this is registered. */
  know(inventory: Inventory): void {
    this.#members.know(inventory)
    const licensed = inventory.licenses.flatMap(({ principal }) => (principal === undefined ? [] : [principal]))
    this.#registered = new Set([...licensed, ...inventory.people.keys()])
  }

  use(rules: readonly BehaviorPlanned[]): void {
    this.#members.use(rules)
    this.#takeUp()
  }

  get size(): number {
    return this.#known + this.#newcomers.size
  }

  /** Those that are known, then the new ones, oldest first. */
  *all(): IterableIterator<BehaviorGroup> {
    for (const group of this.#groups.all()) if (group.newSinceMs === undefined) yield group
    yield* this.#newcomers
  }

  /** The rule of this key, until others are put in force; undefined: its groups are not kept here. */
  member(ruleKey: string): Member | undefined {
    return this.#members.get(ruleKey)
  }

  /** `familiar`: where the group is looked for first, and noted for the next time. Gives undefined where nothing came of it. */
  observe(
    member: Member,
    scope: string,
    values: readonly string[],
    observation: unknown,
    watermarkMs: number,
    seen: Seen,
    out: Outcome,
    familiar?: (BehaviorGroup | undefined)[],
  ): BehaviorFound | undefined {
    const number = this.#members.numberOf(member)
    let group = familiar?.[number]
    if (group?.isFor(member.planned.key, scope, values, this.#areSame) !== true) {
      group = this.#groupOf(member, scope, values, seen, out)
      if (familiar !== undefined) familiar[number] = group
    }
    if (group.newSinceMs !== undefined) this.#promote(group, group.newSinceMs, seen)
    const outcome = member.step.apply(values, group, observation, watermarkMs, member.context)
    if (outcome.dropped !== undefined) out.drop(`behavior-${outcome.dropped}`)
    return this.#settle(group, member, outcome, seen)
  }

  #groupOf(member: Member, scope: string, values: readonly string[], seen: Seen, out: Outcome): BehaviorGroup {
    const { owner } = member
    const place = this.#groups.placeOf(values)
    let isKnown = false
    let forgotten: BehaviorGroup | undefined
    for (let group = place.first; group !== undefined; group = group.beside) {
      const isIt = group.owner === owner && group.scope === scope
      if (group.isForgotten) forgotten = isIt ? group : forgotten
      else if (isIt) return group
      else isKnown ||= group.newSinceMs === undefined
    }
    const newSinceMs = isKnown && this.#known < this.#limits.knownMax ? undefined : seen.appendedMs
    // What several rules are grouped by is kept once.
    const group = forgotten ?? this.#made(owner, scope, place.values)
    group.beginAnew(newSinceMs)
    group.keep()
    if (group.newSinceMs === undefined) this.#known++
    else {
      this.#newcomers.add(group)
      if (this.#newcomers.size > this.#limits.newcomersMax) this.#evict(out)
    }
    return group
  }

  #made(owner: GroupOwner, scope: string, values: readonly string[]): BehaviorGroup {
    const group = new BehaviorGroup(owner, { scope, values, version: owner.version, names: [], dueMs: null })
    this.#groups.put(group)
    return group
  }

  /** Event time goes on. One after the other: a day's end may concern all groups. */
  *advance(watermarkMs: number, seen: Seen): IterableIterator<BehaviorFound> {
    for (const group of this.#due.take(watermarkMs)) {
      const member = this.#members.get(group.owner.rule)
      if (member === undefined) continue
      group.dueMs = Infinity
      const outcome = member.step.advance(group.values, group, watermarkMs, member.context)
      const found = this.#settle(group, member, outcome, seen)
      if (found !== undefined) yield found
    }
  }

  #settle(group: BehaviorGroup, member: Member, outcome: StepOutcome, seen: Seen): BehaviorFound | undefined {
    if (outcome.forget === true) this.#forget(group)
    else if (outcome.dueMs !== group.dueMs) {
      group.dueMs = outcome.dueMs
      group.keep()
      this.#due.file(group)
    }
    const { findings, shuffled, leaks = nothing, baselines = nothing } = outcome
    if (findings.length + shuffled.length + leaks.length + baselines.length === 0) return undefined
    const { rule, key } = member.planned
    const { scope } = group
    const signals =
      findings.length === 0 ? nothing : findings.map((finding) => signalOfBehavior(rule, finding, scope, seen))
    return { rule, key, scope, signals, shuffled, leaks, baselines }
  }

  #forget(group: BehaviorGroup): void {
    this.#due.remove(group)
    group.forget()
    this.#groups.forgotten(group)
    if (!this.#newcomers.delete(group)) this.#known--
  }

  #promote(group: BehaviorGroup, newSinceMs: number, seen: Seen): void {
    const { newMs, knownMax } = this.#limits
    const isOld = seen.appendedMs - newSinceMs >= newMs
    if ((!isOld && !this.#isRegistered(group)) || this.#known >= knownMax) return
    group.newSinceMs = undefined
    this.#newcomers.delete(group)
    this.#known++
    group.keep()
  }

  #isRegistered({ values }: BehaviorGroup): boolean {
    return this.#registered.size > 0 && values.some((value) => this.#registered.has(value))
  }

  #evict(out: Outcome): void {
    const gone: BehaviorGroup[] = []
    const count = this.#limits.newcomersMax * evictedShare
    for (const group of this.#newcomers) {
      if (gone.length >= count) break
      gone.push(group)
    }
    for (const group of gone) this.#forget(group)
    out.drop('behavior-group-evicted', gone.length)
  }

  /** Takes up the groups of the rules in force, those that are here and those that the state has; those of others go. */
  #takeUp(): void {
    const known = this.#groups.takeAll().filter(({ newSinceMs }) => newSinceMs === undefined)
    const newcomers = [...this.#newcomers]
    this.#newcomers.clear()
    this.#known = 0
    const gone: string[] = []
    const found: [string, BehaviorHead][] = []
    for (const [key, head] of this.#state.entries<BehaviorHead>(prefix)) {
      const member = this.#members.get(ruleKeyOf(key))
      const isEntry = isEntryKey(key)
      if (!isEntry && member?.step.stateVersion === head.version) found.push([key, head])
      else if (member === undefined) gone.push(key)
      else if (!isEntry) gone.push(...keysOf(key, head.names))
    }
    for (const group of known) this.#resume(group)
    for (const group of newcomers) this.#resume(group)
    for (const key of gone) this.#state.delete(key)
    // A log has them in the order in which they were changed last, where it is compacted.
    found.sort(([, a], [, b]) => (a.newSinceMs ?? 0) - (b.newSinceMs ?? 0))
    for (const [key, head] of found) {
      const group = new BehaviorGroup(this.#members.get(ruleKeyOf(key))!.owner, head, true)
      this.#state.handOver(key, group)
      this.#put(group)
    }
  }

  #resume(group: BehaviorGroup): void {
    const member = this.#members.get(group.owner.rule)
    if (member?.step.stateVersion !== group.version) {
      this.#due.remove(group)
      group.forget()
      return
    }
    group.owner = member.owner
    this.#put(group)
  }

  #put(group: BehaviorGroup): void {
    this.#groups.put(group)
    if (group.newSinceMs === undefined) this.#known++
    else this.#newcomers.add(group)
    this.#due.file(group)
  }
}

const nothing: readonly never[] = []
