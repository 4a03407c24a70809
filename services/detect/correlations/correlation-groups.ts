/**
 * Keeps the groups of Sigma correlations: one operator state a group, and what the signals of the group will say.
 *
 * Used by both steps of detect, each for the correlations whose groups it holds. Pure over the task's state.
 *
 * Promises: at most `groupsMax` groups a task, those that would have been settled first go first; a group is forgotten
 * when its operator says so; a finding of a correlation that others stand on is handed to them as an observation, taken
 * back when it is withdrawn or moves. What stands on correlations that are decided when their window is over waits for them:
 * its operator is told of event time as much later (`delayMs`), and after them.
 */
import type { CorrelationOperator, GroupState, OperatorStep } from '../../../engine/sigma/types.ts'
import { decidesAtOnce } from '../../../engine/sigma/aggregates.ts'
import { correlationOperator } from '../../../engine/sigma/correlation-operator.ts'
import { upgradeGroup } from '../../../engine/sigma/older-states.ts'
import type { KeyedState, Outcome } from '../../../runtime/stage/stage.ts'
import { nothing, tell, type Found, type Teller } from './correlation-telling.ts'
import { DueGroups } from '../due-groups.ts'
import { headOfWhole, KeptGroup } from './kept-group.ts'
import { LiveGroups } from './live-groups.ts'
import type { ToObserve } from './onward.ts'
import { groupKey } from '../observations.ts'
import type { CorrelationPlan } from '../rule-set/rule-set.ts'
import type { Seen } from '../signals.ts'

const prefix = 'c/'
const groupsMax = 200_000

/** State of version 1 had each group in one piece. */
export function migrateGroups(key: string, value: unknown, fromVersion: number): unknown {
  if (fromVersion >= 2 || !key.startsWith(prefix)) return value
  return headOfWhole(value as Parameters<typeof headOfWhole>[0])
}

/** Event time goes on. */
export interface Advance {
  /** The watermark before; -Infinity: there was none. */
  readonly fromMs: number
  readonly toMs: number
}

interface Member extends Teller {
  /** Its groups, found without spelling a state key. */
  readonly live: LiveGroups<KeptGroup>
  readonly operator: CorrelationOperator
}

export class CorrelationGroups {
  readonly #state: KeyedState
  readonly #members = new Map<string, Member>()
  /** What the state holds of before, until rules are in force. */
  #restored: readonly KeptGroup[]
  #count = 0
  readonly #due = new DueGroups<KeptGroup>((group) => this.#dueOf(group))

  /** How high correlations stand on one another. */
  #heightMax = 0

  /** Groups that have changed since the last checkpoint. */
  #touched: KeptGroup[] = []

  /** Takes up what the state holds. */
  constructor(state: KeyedState) {
    this.#state = state
    state.beforeCheckpoint(() => this.#settle())
    this.#restored = [...KeptGroup.restore(state, prefix)]
  }

  /** Puts these correlations in force: `kept` are held here, `all` is whom their findings may concern. */
  use(kept: readonly CorrelationPlan[], all: readonly CorrelationPlan[]): void {
    const groups = [...this.#restored, ...this.#all()]
    this.#restored = []
    this.#members.clear()
    for (const plan of kept) {
      const above = all.flatMap((upper) =>
        upper.rule.base.flatMap(({ kind, id }, base) =>
          kind === 'correlation' && id === plan.rule.meta.id ? [{ plan: upper, base }] : [],
        ),
      )
      const operator = correlationOperator(plan.rule)
      const decidesLate = !decidesAtOnce(plan.rule)
      this.#members.set(plan.key, {
        plan,
        operator,
        above,
        decidesLate,
        live: new LiveGroups(plan.rule.groupBy.length),
      })
    }
    this.#heightMax = Math.max(0, ...kept.map(({ height }) => height))
    this.#takeUp(groups)
  }

  *#all(): IterableIterator<KeptGroup> {
    for (const { live } of this.#members.values()) yield* live.all()
  }

  /** Forgets the groups of rules that are not in force any more, and learns when the others are due. */
  #takeUp(groups: readonly KeptGroup[]): void {
    this.#count = groups.length
    for (const group of groups) {
      const member = this.#memberOf(group)
      if (member === undefined || !this.#isOfToday(member, group)) this.#forget(group)
      else {
        member.live.set(group.scope, group.values, group)
        this.#due.file(group, dueMs(member, group))
      }
    }
  }

  /** Brings a group of an earlier version up to this one, where that is known. */
  #isOfToday({ plan, operator }: Member, group: KeptGroup): boolean {
    if (group.version === operator.stateVersion) return true
    const state = upgradeGroup(plan.rule, group.state, group.version)
    if (state === undefined) return false
    group.renew(state, operator.stateVersion)
    this.#touched.push(group)
    return true
  }

  #dueOf(group: KeptGroup): number {
    const member = this.#memberOf(group)
    return member === undefined ? Infinity : dueMs(member, group)
  }

  #memberOf({ key }: KeptGroup): Member | undefined {
    return this.#members.get(ruleKeyOf(key))
  }

  observe(it: ToObserve, watermarkMs: number, seen: Seen, out: Outcome): Found {
    const found = this.#take(it, watermarkMs, seen, out)
    return found.onward.length === 0 ? found : this.#rise(found, watermarkMs, seen, out)
  }

  /** Hands findings to those that stand on them, as far as they are held here, and their findings to the next. */
  #rise(found: Found, watermarkMs: number, seen: Seen, out: Outcome): Found {
    const signals = [...found.signals]
    const onward: ToObserve[] = []
    for (const it of found.onward) {
      if (!this.#members.has(it.plan.key)) onward.push(it)
      else {
        const above = this.observe(it, watermarkMs, seen, out)
        signals.push(...above.signals)
        onward.push(...above.onward)
      }
    }
    return { signals, onward }
  }

  #take(it: ToObserve, watermarkMs: number, seen: Seen, out: Outcome): Found {
    const member = this.#members.get(it.plan.key)
    if (member === undefined) return nothing
    const { operator, plan } = member
    // It waits for findings, not for events: those that are late are so for all correlations.
    const waits = plan.delayMs > 0 && plan.rule.base[it.observation.base]?.kind === 'rule'
    if (waits && it.observation.timestampMs < watermarkMs) {
      out.drop('correlation-late')
      return nothing
    }
    const known = this.#find(member, it)
    const step = operator.apply(known?.state, it.observation, watermarkMs - plan.delayMs)
    if (step.dropped !== undefined) out.drop(`correlation-${step.dropped}`)
    if (step.state === undefined) {
      if (known === undefined) return nothing
      const found = tell(member, known, step.findings, watermarkMs, seen)
      this.#forget(known)
      return found
    }
    const group = known ?? this.#open(member, it, step.state)
    const isNews = it.observation.retracted !== true && it.observation.incomplete !== 'since'
    if (step.dropped === undefined && isNews) {
      const neededFromMs = (): number =>
        Math.min(operator.neededFromMs(step.state!), ...step.findings.map(({ anchorMs }) => anchorMs))
      group.note(it.observation.timestampMs, it.context, { timespanMs: plan.rule.timespanMs, neededFromMs })
    }
    const found = step.findings.length === 0 ? nothing : tell(member, group, step.findings, watermarkMs, seen)
    const unchanged = step.dropped !== undefined && step.dropped !== 'overflow'
    if (!unchanged) this.#keep(group, step)
    this.#due.file(group, dueMs(member, group))
    if (this.#count > groupsMax) this.#evict(out)
    return found
  }

  #keep(group: KeptGroup, step: OperatorStep): void {
    if (group.keep(step.state!, step.changedFrom ?? 0, step.thinned)) this.#touched.push(group)
  }

  #settle(): void {
    for (const group of this.#touched) group.settle()
    if (this.#touched.length > 0) this.#touched = []
  }

  /** Mostly it is the group that the principal's last event belonged to. */
  #find(member: Member, { scope, values, familiar, number = 0 }: ToObserve): KeptGroup | undefined {
    const group = familiar?.[number]
    if (group?.isFor(scope, values) === true) return group
    const found = member.live.get(scope, values)
    if (familiar !== undefined) familiar[number] = found
    return found
  }

  #open(member: Member, { plan, scope, values, familiar, number = 0 }: ToObserve, state: GroupState): KeptGroup {
    const key = `${prefix}${plan.key}/${groupKey(scope, values)}`
    const version = member.operator.stateVersion
    const group = KeptGroup.create(this.#state, key, { scope, values, version, state })
    this.#count++
    member.live.set(scope, values, group)
    if (familiar !== undefined) familiar[number] = group
    return group
  }

  /** Lower ones first: what they tell now is known to those above before event time goes on for these. */
  advance(time: Advance, seen: Seen, out: Outcome): Found[] {
    const all: Found[] = []
    const later: KeptGroup[][] = []
    for (let height = 0; height <= this.#heightMax; height++) {
      for (const group of this.#due.take(time.toMs)) (later[this.#heightOf(group)] ??= []).push(group)
      for (const group of later[height] ?? []) {
        const found = this.#advanceGroup(group, time.toMs, seen)
        all.push(found.onward.length === 0 ? found : this.#rise(found, time.fromMs, seen, out))
      }
    }
    return all
  }

  #heightOf(group: KeptGroup): number {
    return this.#memberOf(group)?.plan.height ?? 0
  }

  #advanceGroup(group: KeptGroup, watermarkMs: number, seen: Seen): Found {
    const member = this.#memberOf(group)
    if (!group.alive || member === undefined) return nothing
    const step = member.operator.advance(group.state, watermarkMs - member.plan.delayMs)
    const found = tell(member, group, step.findings, watermarkMs, seen)
    if (step.state === undefined) this.#forget(group)
    else {
      this.#keep(group, step)
      this.#due.file(group, dueMs(member, group))
    }
    return found
  }

  #forget(group: KeptGroup): void {
    this.#memberOf(group)?.live.delete(group.scope, group.values)
    this.#count--
    this.#due.remove(group)
    group.forget()
  }

  #evict(out: Outcome): void {
    const groups = this.#due.earliest(Math.ceil(groupsMax / 100))
    for (const group of groups) this.#forget(group)
    out.drop('correlation-group-evicted', groups.length)
  }
}

function dueMs({ plan, operator }: Member, group: KeptGroup): number {
  return operator.dueMs(group.state) + plan.delayMs
}

function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}
