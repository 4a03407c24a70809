/**
 * Keeps the groups of Sigma correlations: one operator state a group, and what the signals of the group will say.
 *
 * Used by both steps of detect, each for the correlations whose groups it holds. Pure over the task's state.
 *
 * Promises: at most `groupsMax` groups a task, those that would have been settled first go first; a group is forgotten
 * when its operator says so; a finding of a correlation that others stand on is handed to them as an observation, taken
 * back when it is withdrawn or moves.
 */
import type { Exposure, Signal } from '../../core/signal.ts'
import type {
  CorrelationFinding,
  CorrelationOperator,
  GroupState,
  Observation,
  OperatorStep,
  SigmaCorrelation,
} from '../../engine/sigma/types.ts'
import { correlationOperator } from '../../engine/sigma/correlation-operator.ts'
import { upgradeGroup } from '../../engine/sigma/older-states.ts'
import type { KeyedState, Outcome } from '../../runtime/stage.ts'
import { DueIndex } from './due-index.ts'
import { allQueries, between, type GroupContext } from './group-context.ts'
import { headOfWhole, KeptGroup } from './kept-group.ts'
import { LiveGroups } from './live-groups.ts'
import { groupKey, type ObservationContext } from './observations.ts'
import type { Familiar } from './observe.ts'
import type { CorrelationPlan } from './rule-set.ts'
import { signalId, signalOfCorrelation, type Seen } from './signals.ts'

const prefix = 'c/'
const groupsMax = 200_000

/** State of version 1 had each group in one piece. */
export function migrateGroups(key: string, value: unknown, fromVersion: number): unknown {
  if (fromVersion >= 2 || !key.startsWith(prefix)) return value
  return headOfWhole(value as Parameters<typeof headOfWhole>[0])
}

/** What an event, or a finding, means to one correlation. */
export interface ToObserve {
  readonly plan: CorrelationPlan
  readonly scope: string
  readonly values: readonly string[]
  readonly observation: Observation
  readonly context: ObservationContext
  /** Where the group that it belongs to is looked for first, and noted for the next time: under this number. */
  readonly familiar?: Familiar | undefined
  readonly number?: number
}

/** What came of it. */
export interface Found {
  readonly signals: readonly Signal[]
  /** Findings as observations for the correlations that stand on this one. */
  readonly onward: readonly ToObserve[]
}

interface Member {
  /** Its groups, found without spelling a state key. */
  readonly live: LiveGroups<KeptGroup>
  readonly plan: CorrelationPlan
  readonly operator: CorrelationOperator
  /** Correlations that stand on this one, and as which of their bases. */
  readonly above: readonly { readonly plan: CorrelationPlan; readonly base: number }[]
}

export class CorrelationGroups {
  readonly #state: KeyedState
  readonly #members = new Map<string, Member>()
  readonly #groups = new Map<string, KeptGroup>()
  readonly #due = new DueIndex((key) => this.#dueOf(key))

  /** Groups that have changed since the last checkpoint. */
  #touched: KeptGroup[] = []

  /** Takes up what the state holds. */
  constructor(state: KeyedState) {
    this.#state = state
    state.beforeCheckpoint(() => this.#settle())
    for (const group of KeptGroup.restore(state, prefix)) this.#groups.set(group.key, group)
  }

  /** Puts these correlations in force: `kept` are held here, `all` is whom their findings may concern. */
  use(kept: readonly CorrelationPlan[], all: readonly CorrelationPlan[]): void {
    this.#members.clear()
    for (const plan of kept) {
      const above = all.flatMap((upper) =>
        upper.rule.base.flatMap(({ kind, id }, base) =>
          kind === 'correlation' && id === plan.rule.meta.id ? [{ plan: upper, base }] : [],
        ),
      )
      this.#members.set(plan.key, { plan, operator: correlationOperator(plan.rule), above, live: new LiveGroups() })
    }
    this.#takeUp()
  }

  /** Forgets the groups of rules that are not in force any more, and learns when the others are due. */
  #takeUp(): void {
    for (const [key, group] of this.#groups) {
      const member = this.#members.get(ruleKeyOf(key))
      if (member === undefined || !this.#isOfToday(member, group)) this.#forget(group)
      else {
        member.live.set(group.scope, group.values, group)
        this.#file(member, group)
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

  #dueOf(key: string): number {
    const group = this.#groups.get(key)
    return group === undefined ? Infinity : (this.#members.get(ruleKeyOf(key))?.operator.dueMs(group.state) ?? Infinity)
  }

  #file(member: Member, group: KeptGroup): void {
    group.filed = this.#due.move(group.filed, group.key, member.operator.dueMs(group.state))
  }

  get size(): number {
    return this.#due.size
  }

  observe(it: ToObserve, watermarkMs: number, seen: Seen, out: Outcome): Found {
    const member = this.#members.get(it.plan.key)
    if (member === undefined) return nothing
    const { operator } = member
    const known = this.#find(member, it)
    const step = operator.apply(known?.state, it.observation, watermarkMs)
    if (step.dropped !== undefined) out.drop(`correlation-${step.dropped}`)
    if (step.state === undefined) {
      if (known === undefined) return nothing
      const found = this.#found(member, known, step.findings, seen)
      this.#forget(known)
      return found
    }
    const group = known ?? this.#open(member, it, step.state)
    if (step.dropped === undefined) group.note(it.observation.timestampMs, it.context)
    const found = step.findings.length === 0 ? nothing : this.#found(member, group, step.findings, seen)
    const unchanged = step.dropped !== undefined && step.dropped !== 'overflow'
    if (!unchanged) this.#keep(group, step)
    this.#file(member, group)
    if (this.#groups.size > groupsMax) this.#evict(out)
    return found
  }

  #keep(group: KeptGroup, step: OperatorStep): void {
    if (group.keep(step.state!, step.changedFrom ?? 0)) this.#touched.push(group)
  }

  #settle(): void {
    for (const group of this.#touched) group.settle()
    if (this.#touched.length > 0) this.#touched = []
  }

  /** Mostly it is the group that the principal's last event belonged to. */
  #find(member: Member, { scope, values, familiar, number = 0 }: ToObserve): KeptGroup | undefined {
    const group = familiar?.groups[number]
    if (group?.isFor(scope, values) === true) return group
    const found = member.live.get(scope, values)
    if (familiar !== undefined) familiar.groups[number] = found
    return found
  }

  #open(member: Member, { plan, scope, values, familiar, number = 0 }: ToObserve, state: GroupState): KeptGroup {
    const key = `${prefix}${plan.key}/${groupKey(scope, values)}`
    const version = member.operator.stateVersion
    const group = KeptGroup.create(this.#state, key, { scope, values, version, state })
    this.#groups.set(key, group)
    member.live.set(scope, values, group)
    if (familiar !== undefined) familiar.groups[number] = group
    return group
  }

  advance(watermarkMs: number, seen: Seen): Found[] {
    const all: Found[] = []
    for (const key of this.#due.take(watermarkMs)) {
      const group = this.#groups.get(key)
      const member = this.#members.get(ruleKeyOf(key))
      if (group === undefined || member === undefined) continue
      const step = member.operator.advance(group.state, watermarkMs)
      all.push(this.#found(member, group, step.findings, seen))
      if (step.state === undefined) this.#forget(group)
      else {
        this.#keep(group, step)
        this.#file(member, group)
      }
    }
    return all
  }

  #found(member: Member, group: KeptGroup, findings: readonly CorrelationFinding[], seen: Seen): Found {
    if (findings.length === 0) return nothing
    const { rule } = member.plan
    const signals: Signal[] = []
    const onward: ToObserve[] = []
    for (const finding of findings) {
      if (rule.standalone) signals.push(this.#signal(rule, group, finding, seen))
      for (const { plan, base } of member.above) onward.push(...this.#onward(rule, group, finding, plan, base))
      if (finding.status === 'retracted') Reflect.deleteProperty(group.told, String(finding.anchorMs))
      else if (member.above.length > 0) group.told[finding.anchorMs] = finding.firstHeldMs
    }
    return { signals, onward }
  }

  #signal(rule: SigmaCorrelation, group: KeptGroup, finding: CorrelationFinding, seen: Seen): Signal {
    const { entities, exposure } = between(group.context, finding.anchorMs, finding.lastHeldMs)
    const values = namedGroup(rule, group)
    const whole = wholeExposure(exposure, finding, group.context)
    return signalOfCorrelation(rule, finding, { scope: group.scope, group: values, entities, exposure: whole }, seen)
  }

  #onward(
    rule: SigmaCorrelation,
    group: KeptGroup,
    finding: CorrelationFinding,
    upper: CorrelationPlan,
    base: number,
  ): ToObserve[] {
    const evidence = finding.evidence[0]
    const before = group.told[finding.anchorMs]
    const open = finding.status === 'open'
    if (evidence === undefined || (open && before === finding.firstHeldMs)) return []
    const named = namedGroup(rule, group)
    const { groupFields, valueFields } = upper.rule.base[base]!
    const { entities, exposure } = between(group.context, finding.anchorMs, finding.lastHeldMs)
    const observationAt = (timestampMs: number, retracted: boolean): ToObserve => ({
      plan: upper,
      scope: upper.rule.meta.warden.scope === 'operator' ? 'operator' : group.scope,
      values: groupFields.map((field) => named[field] ?? ''),
      observation: {
        eventId: signalId(rule.meta.id, group.scope, named, String(finding.anchorMs)),
        timestampMs,
        base,
        values: valueFields.map((field) => named[field] ?? ''),
        evidence,
        ...(retracted ? { retracted } : {}),
      },
      context: {
        entities,
        ...(exposure?.bytes === undefined ? {} : { bytes: exposure.bytes }),
        ...(exposure?.queries === undefined ? {} : { queries: exposure.queries }),
      },
    })
    const onward: ToObserve[] = []
    if (before !== undefined) onward.push(observationAt(before, true))
    if (open) onward.push(observationAt(finding.firstHeldMs, false))
    return onward
  }

  #forget(group: KeptGroup): void {
    this.#members.get(ruleKeyOf(group.key))?.live.delete(group.scope, group.values)
    this.#groups.delete(group.key)
    this.#due.delete(group.key)
    group.forget()
  }

  #evict(out: Outcome): void {
    const keys = this.#due.earliest(Math.ceil(groupsMax / 100))
    for (const key of keys) {
      const group = this.#groups.get(key)
      if (group !== undefined) this.#forget(group)
    }
    out.drop('correlation-group-evicted', keys.length)
  }
}

const nothing: Found = { signals: [], onward: [] }

/** Where every event that is remembered is a query, so are those of the finding that are not remembered any more. */
function wholeExposure(
  exposure: Exposure | undefined,
  finding: CorrelationFinding,
  context: GroupContext,
): Exposure | undefined {
  const queries = exposure?.queries
  if (queries === undefined || queries >= finding.count || !allQueries(context)) return exposure
  return { ...exposure, queries: finding.count }
}

function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}

function namedGroup(rule: SigmaCorrelation, group: KeptGroup): Record<string, string> {
  return Object.fromEntries(rule.groupBy.map((name, index) => [name, group.values[index] ?? '']))
}
