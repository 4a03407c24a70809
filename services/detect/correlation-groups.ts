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
  SigmaCorrelation,
} from '../../engine/sigma/types.ts'
import { correlationOperator } from '../../engine/sigma/correlation-operator.ts'
import type { KeyedState, Outcome } from '../../runtime/stage.ts'
import { DueIndex } from './due-index.ts'
import { between, newContext, note, type GroupContext } from './group-context.ts'
import { LiveGroups } from './live-groups.ts'
import { groupKey, type ObservationContext } from './observations.ts'
import type { CorrelationPlan } from './rule-set.ts'
import { signalId, signalOfCorrelation, type Seen } from './signals.ts'

const prefix = 'c/'
const groupsMax = 200_000

/** One group as it stands in the state. JSON. */
interface Group {
  readonly scope: string
  readonly values: readonly string[]
  /** Of the operator's state. */
  readonly version: number
  state: GroupState
  context: GroupContext
  /** Findings handed to correlations that stand on this one: anchor -> when it held. */
  told: Record<string, number>
}

/** What an event, or a finding, means to one correlation. */
export interface ToObserve {
  readonly plan: CorrelationPlan
  readonly scope: string
  readonly values: readonly string[]
  readonly observation: Observation
  readonly context: ObservationContext
}

/** What came of it. */
export interface Found {
  readonly signals: readonly Signal[]
  /** Findings as observations for the correlations that stand on this one. */
  readonly onward: readonly ToObserve[]
}

interface Member {
  /** Groups in use: the same objects as in the state, found without spelling a state key. */
  readonly live: LiveGroups<Group>
  readonly plan: CorrelationPlan
  readonly operator: CorrelationOperator
  /** Correlations that stand on this one, and as which of their bases. */
  readonly above: readonly { readonly plan: CorrelationPlan; readonly base: number }[]
}

export class CorrelationGroups {
  readonly #state: KeyedState
  readonly #members = new Map<string, Member>()
  readonly #due = new DueIndex((key) => this.#dueOf(key))

  constructor(state: KeyedState) {
    this.#state = state
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
    const gone: string[] = []
    for (const [key, group] of this.#state.entries<Group>(prefix)) {
      const member = this.#members.get(ruleKeyOf(key))
      if (member?.operator.stateVersion === group.version) this.#due.set(key, member.operator.dueMs(group.state))
      else gone.push(key)
    }
    for (const key of gone) {
      this.#state.delete(key)
      this.#due.delete(key)
    }
  }

  #dueOf(key: string): number {
    const group = this.#state.get<Group>(key)
    return group === undefined ? Infinity : (this.#members.get(ruleKeyOf(key))?.operator.dueMs(group.state) ?? Infinity)
  }

  get size(): number {
    return this.#due.size
  }

  observe(it: ToObserve, watermarkMs: number, seen: Seen, out: Outcome): Found {
    const member = this.#members.get(it.plan.key)
    if (member === undefined) return nothing
    const { operator } = member
    const live = member.live.get(it.scope, it.values)
    const key = live?.key ?? `${prefix}${it.plan.key}/${groupKey(it.scope, it.values)}`
    const group = live?.group ?? this.#state.get<Group>(key)
    const step = operator.apply(group?.state, it.observation, watermarkMs)
    if (step.dropped !== undefined) out.drop(`correlation-${step.dropped}`)
    if (step.state === undefined) {
      this.#forget(key)
      return group === undefined ? nothing : this.#found(member, group, step.findings, seen)
    }
    const kept: Group = group ?? {
      scope: it.scope,
      values: it.values,
      version: operator.stateVersion,
      state: step.state,
      context: newContext(),
      told: {},
    }
    kept.state = step.state
    if (live === undefined) member.live.set(it.scope, it.values, { key, group: kept })
    if (step.dropped === undefined) note(kept.context, it.observation.timestampMs, it.context)
    const found = this.#found(member, kept, step.findings, seen)
    this.#state.set(key, kept)
    this.#due.set(key, operator.dueMs(step.state))
    if (this.#due.size > groupsMax) this.#evict(out)
    return found
  }

  advance(watermarkMs: number, seen: Seen): Found[] {
    const all: Found[] = []
    for (const key of this.#due.take(watermarkMs)) {
      const group = this.#state.get<Group>(key)
      const member = this.#members.get(ruleKeyOf(key))
      if (group === undefined || member === undefined) continue
      const step = member.operator.advance(group.state, watermarkMs)
      all.push(this.#found(member, group, step.findings, seen))
      if (step.state === undefined) this.#forget(key)
      else {
        group.state = step.state
        this.#state.set(key, group)
        this.#due.set(key, member.operator.dueMs(step.state))
      }
    }
    return all
  }

  #found(member: Member, group: Group, findings: readonly CorrelationFinding[], seen: Seen): Found {
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

  #signal(rule: SigmaCorrelation, group: Group, finding: CorrelationFinding, seen: Seen): Signal {
    const { entities, exposure } = between(group.context, finding.anchorMs, finding.lastHeldMs)
    const values = namedGroup(rule, group)
    const whole = wholeExposure(exposure, finding, group.context)
    return signalOfCorrelation(rule, finding, { scope: group.scope, group: values, entities, exposure: whole }, seen)
  }

  #onward(
    rule: SigmaCorrelation,
    group: Group,
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

  #forget(key: string): void {
    const group = this.#state.get<Group>(key)
    if (group !== undefined) this.#members.get(ruleKeyOf(key))?.live.delete(group.scope, group.values)
    this.#state.delete(key)
    this.#due.delete(key)
  }

  #evict(out: Outcome): void {
    const keys = this.#due.earliest(Math.ceil(groupsMax / 100))
    for (const key of keys) this.#forget(key)
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
  if (queries === undefined || queries >= finding.count || context.queries.some((count) => count !== 1)) return exposure
  return { ...exposure, queries: finding.count }
}

function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}

function namedGroup(rule: SigmaCorrelation, group: Group): Record<string, string> {
  return Object.fromEntries(rule.groupBy.map((name, index) => [name, group.values[index] ?? '']))
}
