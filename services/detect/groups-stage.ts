/**
 * The second step of detect: behind the shuffle.
 *
 * Stands after the first step; its records are observations, partitioned by rule and group, mostly many to a record.
 * Keeps the state of correlations and detectors that are grouped by anything but the principal. What stands on a correlation
 * that is kept here is kept with it (rule-set/placement.ts).
 *
 * Promises: pure over the task's state and its log. The two steps take up new rules at their own places in their logs: an
 * observation made by a version of a rule that is not in force here yet is held (bounded) until it is; one made by a
 * version that is gone is dropped.
 */
import type { Bundle, ContentFile } from '../../core/content.ts'
import type { ContentSet, Control } from '../../core/control.ts'
import type { Mistake } from '../../core/errors.ts'
import { headers, topics } from '../../core/topics.ts'
import type { Signal } from '../../core/signal.ts'
import type { KeyedState, Outcome, StageItem, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'
import { BehaviorGroups, type BehaviorFound } from './behavior/behavior-groups.ts'
import { sharedInventory, sharedRules } from './rule-set/compiled.ts'
import { CorrelationGroups } from './correlations/correlation-groups.ts'
import type { DetectReport } from './cost.ts'
import { observedIn, readObserved } from './observations.ts'
import type { Observed } from './observed.ts'
import type { CorrelationPlan } from './rule-set/rule-set.ts'
import type { Seen } from './signals.ts'
import { StageClock } from './stage-clock.ts'

export const groupsStage = 'detect-groups'
export const groupsStateVersion = 3

/** Observations held for a version of a rule that is not in force yet, and how long. */
const heldMax = 5_000
const heldMsMax = 60_000
const heldPrefix = 'held/'

interface Held {
  readonly observed: Observed
  readonly seen: Seen
}

export class GroupsLogic implements StageLogic {
  readonly #state: KeyedState
  readonly #clock: StageClock
  readonly #correlations: CorrelationGroups
  readonly #behavior: BehaviorGroups
  readonly #report: DetectReport
  #plans: ReadonlyMap<string, CorrelationPlan> = new Map()
  readonly #partitions: number
  #inForce = false
  #known = false
  #held: number
  #nextHeld: number

  /** `partitions`: of the first step's input, which has as many as this step's. */
  constructor(state: KeyedState, report: DetectReport, partitions: number) {
    this.#partitions = partitions
    this.#state = state
    this.#clock = new StageClock(state)
    this.#correlations = new CorrelationGroups(state)
    this.#behavior = new BehaviorGroups(state, 'grouped')
    this.#report = report
    const numbers = [...state.entries(heldPrefix)].map(([key]) => Number(key.slice(heldPrefix.length)))
    this.#held = numbers.length
    this.#nextHeld = Math.max(-1, ...numbers) + 1
  }

  content(of: ContentSet, bundle: Bundle, files: readonly ContentFile[], out: Outcome): readonly Mistake[] {
    if (of === 'inventory') return this.#know(bundle, files)
    const { set, mistakes, notices } = sharedRules(bundle, files)
    if (mistakes.length > 0 && this.#inForce) return mistakes
    this.#inForce = true
    const kept = set.correlations.filter(({ local }) => !local)
    this.#plans = new Map(kept.map((plan) => [plan.key, plan]))
    this.#correlations.use(kept, set.correlations)
    this.#behavior.use(set.behavior)
    this.#report.inForce(bundle.digest, set, notices)
    this.#release(out)
    return mistakes
  }

  #know(bundle: Bundle, files: readonly ContentFile[]): readonly Mistake[] {
    const { inventory, mistakes } = sharedInventory(bundle, files)
    if (mistakes.length > 0 && this.#known) return mistakes
    this.#known = true
    this.#behavior.know(inventory)
    return mistakes
  }

  record(record: StageRecord, out: Outcome): void {
    this.#read(readObserved(record.value), record, out)
  }

  item(item: StageItem, out: Outcome): void {
    this.#read(observedIn(item.value), item, out)
  }

  #read(observed: Observed | undefined, { appendedMs, arrivedMs }: Omit<StageItem, 'value'>, out: Outcome): void {
    if (observed === undefined) out.deadLetter('NOT_AN_EVENT', 'The record is not an observation.')
    else this.observed(observed, { appendedMs, arrivedMs }, out)
  }

  /** One observation that is already parsed. */
  observed(observed: Observed, seen: Seen, out: Outcome): void {
    this.#clock.appended(seen.appendedMs)
    if (!this.#take(observed, seen, out)) this.#hold({ observed, seen }, out)
  }

  watermark(eventTimeMs: number, out: Outcome): void {
    const beforeMs = this.#clock.watermarkMs
    this.#clock.complete(eventTimeMs)
    const seen: Seen = { appendedMs: this.#clock.appendedMs }
    const span = { fromMs: beforeMs, toMs: eventTimeMs }
    for (const { signals } of this.#correlations.advance(span, seen, out)) this.#emit(signals, out)
    for (const found of this.#behavior.advance(eventTimeMs, seen)) this.#followBehavior(found, out)
    this.#dropOld(out)
  }

  /** False if the version of the rule that made it is not in force here. */
  #take(observed: Observed, seen: Seen, out: Outcome): boolean {
    const { watermarkMs } = this.#clock
    if (observed.engine === 'sigma') {
      const plan = this.#plans.get(observed.key)
      if (plan === undefined) return false
      const { scope, group: values, observation, context } = observed
      const it = { plan, scope, values, observation, context }
      this.#emit(this.#correlations.observe(it, watermarkMs, seen, out).signals, out)
      return true
    }
    const { key, scope, group, observation } = observed
    const member = this.#behavior.member(key)
    if (member === undefined) return false
    const found = this.#behavior.observe(member, scope, group, observation, watermarkMs, seen, out)
    if (found !== undefined) this.#followBehavior(found, out)
    return true
  }

  #followBehavior({ key: rule, signals, baselines }: BehaviorFound, out: Outcome): void {
    this.#emit(signals, out)
    for (const { name, value } of baselines) {
      const control: Control = { control: 'baseline', rule, name, value }
      for (let partition = 0; partition < this.#partitions; partition++) {
        out.emit({ topic: topics.events, partition, value: control, headers: { [headers.control]: control.control } })
      }
    }
  }

  #emit(signals: readonly Signal[], out: Outcome): void {
    for (const signal of signals) {
      this.#report.signal(signal)
      out.emit({ topic: topics.signals, key: signal.scope, value: signal })
    }
  }

  #hold(held: Held, out: Outcome): void {
    if (this.#held >= heldMax) return out.drop('rule-version')
    this.#state.set(`${heldPrefix}${this.#nextHeld++}`, held)
    this.#held++
  }

  #release(out: Outcome): void {
    for (const [key, { observed, seen }] of this.#heldInOrder()) {
      if (!this.#take(observed, seen, out)) continue
      this.#state.delete(key)
      this.#held--
    }
    this.#dropOld(out)
  }

  /** What nobody has asked for in a while was made by a version that is gone. */
  #dropOld(out: Outcome): void {
    if (this.#held === 0) return
    for (const [key, { seen }] of this.#heldInOrder()) {
      if (seen.appendedMs + heldMsMax > this.#clock.appendedMs) continue
      this.#state.delete(key)
      this.#held--
      out.drop('rule-version')
    }
  }

  #heldInOrder(): [string, Held][] {
    const order = ([key]: [string, Held]): number => Number(key.slice(heldPrefix.length))
    return [...this.#state.entries<Held>(heldPrefix)].sort((a, b) => order(a) - order(b))
  }
}

export function createGroupsLogic(report: (task: TaskContext) => DetectReport): (task: TaskContext) => GroupsLogic {
  return (task) => new GroupsLogic(task.state, report(task), task.partitions)
}
