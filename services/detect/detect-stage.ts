/**
 * The first step of detect: where the event is.
 *
 * Stands after normalize; its records come keyed by principal. Drops what a source has delivered twice, matches all rules,
 * emits the signals of single events at once, keeps the state of what is grouped by the principal, and sends the rest on to
 * the second step as small observations.
 *
 * Promises: pure over the task's state and its log; a rule that did not change keeps its state over a reload, a changed one
 * starts afresh, a removed one is forgotten; a set with mistakes changes nothing; synthetic events match nothing but the
 * built-in rule that measures the pipeline.
 */
import type { Bundle, ContentFile } from '../../core/content.ts'
import type { Baseline, ContentSet } from '../../core/control.ts'
import type { Mistake } from '../../core/errors.ts'
import { isEvent, type Event } from '../../core/event.ts'
import type { LicenseRecord } from '../../core/license.ts'
import type { Signal } from '../../core/signal.ts'
import { topics } from '../../core/topics.ts'
import { emptyInventory, withLicenses, type Inventory } from '../../engine/inventory/inventory.ts'
import { Exceptions } from '../../engine/sigma/exceptions.ts'
import { createMatcher } from '../../engine/sigma/matcher.ts'
import type { Matcher, SigmaRule } from '../../engine/sigma/types.ts'
import { parseCanonical } from '../../engine/sources/time.ts'
import type { KeyedState, Outcome, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'
import { ToldLicenses } from '../../runtime/told-licenses.ts'
import { Baselines } from './behavior/baselines.ts'
import { BehaviorGroups, type BehaviorFound } from './behavior/behavior-groups.ts'
import { CorrelationGroups } from './correlations/correlation-groups.ts'
import type { Found } from './correlations/correlation-telling.ts'
import { RuleCost, type DetectReport } from './cost.ts'
import { entitiesOf, timeIsRead } from '../../engine/behavior/entities.ts'
import type { EventContext } from '../../engine/behavior/types.ts'
import { followsOf, type Follow, type Reader, type Selected } from './follows.ts'
import { FamiliarPrincipals } from './familiar.ts'
import { ReadEvent } from './observe.ts'
import { observationOutput, ObservedKeys } from './observations.ts'
import type { ToObserve } from './correlations/onward.ts'
import { logKeyOf } from './rule-set/placement.ts'
import { Presence } from './presence.ts'
import { RecentIds } from '../../runtime/stage/recent-ids.ts'
import { sharedInventory, sharedRules } from './rule-set/compiled.ts'
import { signalOfEvent, type Seen } from './signals.ts'
import { signalOfSynthetic } from './synthetic.ts'
import { StageClock } from './stage-clock.ts'

export const detectStage = 'detect'
/** Of the shape of the state under each key. */
export const detectStateVersion = 3

export class DetectLogic implements StageLogic {
  readonly #clock: StageClock
  readonly #recent: RecentIds
  readonly #presence: Presence
  readonly #correlations: CorrelationGroups
  readonly #baselines: Baselines
  readonly #behavior: BehaviorGroups
  readonly #report: DetectReport
  readonly #cost: RuleCost
  #matcher: Matcher = createMatcher([])
  #exceptions = new Exceptions([])
  #inForce = false
  #known = false
  #inventory: Inventory = emptyInventory
  readonly #told: ToldLicenses
  /** The inventory with what licensing has told; undefined: to be drawn anew. */
  #merged: Inventory | undefined
  #follows: ReadonlyMap<SigmaRule, Follow> = new Map()
  /** The rules that the event at hand has matched: the first `matches`. */
  #matched: SigmaRule[] = []
  #matches = 0
  readonly #onMatch = (rule: SigmaRule): void => void (this.#matched[this.#matches++] = rule)
  #familiar = new FamiliarPrincipals()
  #keys = new ObservedKeys()

  constructor(state: KeyedState, report: DetectReport) {
    this.#clock = new StageClock(state)
    this.#recent = new RecentIds(state)
    this.#presence = new Presence(state)
    this.#correlations = new CorrelationGroups(state)
    this.#baselines = new Baselines(state)
    this.#told = new ToldLicenses(state, 'all')
    this.#behavior = new BehaviorGroups(state, 'local', (rule, name) => this.#baselines.get(rule, name))
    this.#report = report
    this.#cost = new RuleCost(report)
  }

  content(of: ContentSet, bundle: Bundle, files: readonly ContentFile[]): readonly Mistake[] {
    if (of === 'inventory') return this.#know(bundle, files)
    const { set, mistakes, notices, matcher, exceptions } = sharedRules(bundle, files)
    // At the very start there is no last good version: what is good of this one is better than nothing.
    if (mistakes.length > 0 && this.#inForce) return mistakes
    this.#inForce = true
    this.#matcher = matcher
    this.#matched = []
    this.#exceptions = exceptions
    this.#familiar = new FamiliarPrincipals()
    this.#keys = new ObservedKeys()
    this.#correlations.use(
      set.correlations.filter(({ local }) => local),
      set.correlations,
    )
    this.#baselines.use(new Set(set.behavior.map(({ key }) => key)))
    this.#behavior.use(set.behavior)
    this.#follows = followsOf(set, exceptions, (key) => this.#behavior.member(key))
    this.#cost.use(set.sigma)
    this.#report.inForce(bundle.digest, set, notices)
    return mistakes
  }

  #know(bundle: Bundle, files: readonly ContentFile[]): readonly Mistake[] {
    const { inventory, mistakes } = sharedInventory(bundle, files)
    if (mistakes.length > 0 && this.#known) return mistakes
    this.#known = true
    this.#inventory = inventory
    this.#merged = undefined
    this.#behavior.know(inventory)
    return mistakes
  }

  licenses(records: readonly LicenseRecord[], out: Outcome): void {
    for (const record of records) {
      const told = this.#told.take(record)
      if (told === 'full') out.drop('too-many-licenses')
      if (told === 'news' && record.kind === 'license') this.#merged = undefined
    }
  }

  baseline(baseline: Baseline, out: Outcome): void {
    if (!this.#baselines.told(baseline)) out.drop('baseline')
  }

  record(record: StageRecord, out: Outcome): void {
    // What normalize has written needs no second look at its numbers and its depth.
    const event = parsed(record.value)
    if (!isEvent(event)) return out.deadLetter('NOT_AN_EVENT', 'The record is not an event.')
    this.event(event, { appendedMs: record.appendedMs, arrivedMs: record.arrivedMs }, out)
  }

  /** One event that is already parsed. */
  event(event: Event, seen: Seen, out: Outcome): void {
    const timeMs = parseCanonical(event['@timestamp']) ?? Date.parse(event['@timestamp'])
    if (!Number.isFinite(timeMs)) return out.deadLetter('NOT_AN_EVENT', 'The event has no valid time.')
    this.#clock.appended(seen.appendedMs)
    if (!this.#recent.remembers(timeMs)) this.#report.unchecked()
    if (!this.#recent.admits(event.event.id, timeMs)) return out.drop('duplicate')
    if (event.warden.synthetic === true) return this.#emit(signalOfSynthetic(event, seen), out)
    this.#detect(event, timeMs, seen, out)
  }

  watermark(eventTimeMs: number, out: Outcome): void {
    const beforeMs = this.#clock.watermarkMs
    this.#clock.complete(eventTimeMs)
    this.#recent.complete(eventTimeMs)
    this.#presence.complete(eventTimeMs)
    this.#report.settled()
    const seen: Seen = { appendedMs: this.#clock.appendedMs }
    const span = { fromMs: beforeMs, toMs: eventTimeMs }
    for (const found of this.#correlations.advance(span, seen, out)) this.#follow(found, out)
    for (const found of this.#behavior.advance(eventTimeMs, seen)) this.#followBehavior(found, out)
  }

  #detect(event: Event, timeMs: number, seen: Seen, out: Outcome): void {
    const knownSinceMs = this.#presence.seen(event.warden.principal, timeMs)
    this.#matches = 0
    this.#matcher.match(event, this.#onMatch)
    this.#cost.sample(event)
    if (this.#matches === 0) return
    const familiar = this.#familiar.get(event.warden.principal)
    timeIsRead(event, timeMs, familiar.entities)
    familiar.entities = entitiesOf(event)
    const read = new ReadEvent(event, timeMs, familiar)
    const context: EventContext = { knownSinceMs, inventory: this.#registered }
    for (let at = 0; at < this.#matches; at++) {
      const rule = this.#matched[at]!
      const { hidden, selected, readers } = this.#follows.get(rule)!
      if (hidden && this.#hides(rule.meta.id, event, timeMs, out)) continue
      this.#report.matched(rule.meta.id)
      if (rule.standalone) this.#emit(signalOfEvent(rule.meta, event, seen), out)
      if (selected !== undefined) this.#select(selected, read, context, seen, out)
      for (const reader of readers) {
        if (reader.hidden && this.#hides(reader.plan.rule.meta.id, event, timeMs, out)) continue
        this.#observe(reader, read, seen, out)
      }
    }
  }

  #observe({ plan, number, observe }: Reader, read: ReadEvent, seen: Seen, out: Outcome): void {
    const { meta } = plan.rule
    const scope = meta.warden.scope === 'operator' ? 'operator' : read.event.organization.id
    for (const { values, observation } of observe(read)) {
      const context = read.context(meta)
      this.#route({ plan, scope, values, observation, context, familiar: read.familiar.groups, number }, seen, out)
    }
  }

  /** Whether an exception hides a match: counted, and nothing comes of it. */
  #hides(ruleId: string, event: Event, timeMs: number, out: Outcome): boolean {
    if (this.#exceptions.hiding(ruleId, event, timeMs) === undefined) return false
    this.#report.suppressed(ruleId)
    out.drop('suppressed')
    return true
  }

  #select({ planned, member }: Selected, of: ReadEvent, context: EventContext, seen: Seen, out: Outcome): void {
    const { key, rule } = planned
    const { event, familiar } = of
    const read = rule.plan.read(event, context)
    if (read === undefined) return
    const { group, observation } = read
    const scope = rule.meta.warden.scope === 'operator' ? 'operator' : event.organization.id
    if (member === undefined) return this.#handOn(rule.meta.id, key, scope, group, observation, out)
    const { watermarkMs } = this.#clock
    const found = this.#behavior.observe(member, scope, group, observation, watermarkMs, seen, out, familiar.behavior)
    if (found !== undefined) this.#followBehavior(found, out)
  }

  /** All that is registered, as of this place in the log. Licenses come in numbers: they are put in when an event asks. */
  get #registered(): Inventory {
    return (this.#merged ??= withLicenses(this.#inventory, this.#told))
  }

  /** To the state that is kept here, or on to the second step. */
  #route(it: ToObserve, seen: Seen, out: Outcome): void {
    if (it.plan.local) this.#follow(this.#correlations.observe(it, this.#clock.watermarkMs, seen, out), out)
    else this.#sendOn(it, out)
  }

  #sendOn({ plan, scope, values, observation, context }: ToObserve, out: Outcome): void {
    const { id } = plan.rule.meta
    const observed = { rule: id, key: plan.key, scope, group: values, observation, context }
    out.emit(observationOutput({ engine: 'sigma', ...observed }, logKeyOf(plan.placement, scope, values)))
  }

  /** What stands on a correlation that is kept here is kept here too, or behind the shuffle. */
  #follow(found: Found, out: Outcome): void {
    for (const signal of found.signals) this.#emit(signal, out)
    for (const onward of found.onward) this.#sendOn(onward, out)
  }

  #followBehavior(found: BehaviorFound, out: Outcome): void {
    for (const signal of found.signals) this.#emit(signal, out)
    for (const leak of found.leaks) out.emit({ topic: topics.leaks, key: leak.id, value: leak })
    const { scope, rule, key } = found
    for (const { group, observation } of found.shuffled) this.#handOn(rule.meta.id, key, scope, group, observation, out)
  }

  /** To the second step, where a detector's groups are kept by something else. */
  #handOn(
    rule: string,
    key: string,
    scope: string,
    group: readonly string[],
    observation: unknown,
    out: Outcome,
  ): void {
    const observed = { engine: 'behavior', rule, key, scope, group, observation } as const
    out.emit(observationOutput(observed, this.#keys.of(rule, scope, group)))
  }

  #emit(signal: Signal, out: Outcome): void {
    this.#report.signal(signal)
    out.emit({ topic: topics.signals, key: signal.scope, value: signal })
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

export function createDetectLogic(report: (task: TaskContext) => DetectReport): (task: TaskContext) => StageLogic {
  return (task) => new DetectLogic(task.state, report(task))
}
