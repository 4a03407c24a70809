/**
 * What findings of a correlation mean to those that stand on it: observations, at the time at which the finding first held.
 *
 * Pure. Told once, and taken back when the finding is withdrawn or has moved; told again where it has come to say `incomplete`.
 */
import type { CorrelationFinding, Observation, SigmaCorrelation } from '../../../engine/sigma/types.ts'
import { between } from './group-context.ts'
import type { KeptGroup } from './kept-group.ts'
import type { ObservationContext } from '../observed.ts'
import type { CorrelationPlan } from '../rule-set/rule-set.ts'
import { signalId } from '../signals.ts'

/** What an event, or a finding, means to one correlation. */
export interface ToObserve {
  readonly plan: CorrelationPlan
  readonly scope: string
  readonly values: readonly string[]
  readonly observation: Observation
  readonly context: ObservationContext
  /** Where the group that it belongs to is looked for first, and noted for the next time: under this number. */
  readonly familiar?: (KeptGroup | undefined)[]
  readonly number?: number
}

/** Findings handed on that a group remembers, beside those that event time has not passed. */
const toldMax = 64

/** The group of `rule` has found something: what of it is news to the correlation `upper`, `rule` being this one of its bases. */
export function handedOn(
  rule: SigmaCorrelation,
  group: KeptGroup,
  finding: CorrelationFinding,
  upper: CorrelationPlan,
  base: number,
): readonly ToObserve[] {
  const before = group.told[finding.anchorMs]
  const open = finding.status === 'open'
  const known = open && before === finding.firstHeldMs
  if (known && !finding.incomplete) return []
  // Of many events not each is remembered with its evidence: the finding counts all the same.
  const evidence = finding.evidence[0]
  const named = namedGroup(rule, group)
  const { groupFields, valueFields } = upper.rule.base[base]!
  const { entities, exposure } = between(group.context, finding.anchorMs, finding.lastHeldMs)
  const observationAt = (timestampMs: number, also: Pick<Observation, 'retracted' | 'incomplete'>): ToObserve => ({
    plan: upper,
    scope: upper.rule.meta.warden.scope === 'operator' ? 'operator' : group.scope,
    values: groupFields.map((field) => named[field] ?? ''),
    observation: {
      eventId: signalId(rule.meta.id, group.scope, named, String(finding.anchorMs)),
      timestampMs,
      base,
      values: valueFields.map((field) => named[field] ?? ''),
      ...(evidence === undefined ? {} : { evidence }),
      ...also,
    },
    context: {
      entities,
      ...(exposure?.bytes === undefined ? {} : { bytes: exposure.bytes }),
      ...(exposure?.queries === undefined ? {} : { queries: exposure.queries }),
    },
  })
  if (known) return [observationAt(before, { incomplete: 'since' })]
  const onward: ToObserve[] = []
  if (before !== undefined) onward.push(observationAt(before, { retracted: true }))
  if (open) onward.push(observationAt(finding.firstHeldMs, finding.incomplete ? { incomplete: true } : {}))
  return onward
}

/**
 * Notes of a finding that may change when it was handed on to hold. What first held before the watermark is not taken back any
 * more; the last of it may still be told again.
 */
export function remember(told: Record<string, number>, finding: CorrelationFinding, watermarkMs: number): void {
  if (finding.status === 'retracted') Reflect.deleteProperty(told, String(finding.anchorMs))
  else told[finding.anchorMs] = finding.firstHeldMs
  const anchors = Object.keys(told)
  if (anchors.length <= toldMax) return
  const passed = anchors.filter((anchor) => told[anchor]! < watermarkMs).sort((a, b) => told[a]! - told[b]!)
  for (const anchor of passed.slice(0, -1)) Reflect.deleteProperty(told, anchor)
}

export function namedGroup(rule: SigmaCorrelation, group: KeptGroup): Record<string, string> {
  return Object.fromEntries(rule.groupBy.map((name, index) => [name, group.values[index] ?? '']))
}
