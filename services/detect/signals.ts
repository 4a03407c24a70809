/**
 * Makes signals from what the engines find.
 *
 * Promises: a signal's id follows from rule, scope, group and anchor alone, never from the rule's version: a rule that is
 * edited goes on revising the same signals. What stands in a signal is bounded.
 */
import type { Event } from '../../core/event.ts'
import { canonicalJson, derivedId } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { Entity, Exposure, Series, Signal, Threat } from '../../core/signal.ts'
import { entitiesOf, evidenceOf, mergeEntities } from '../../engine/behavior/entities.ts'
import type { BehaviorFinding, BehaviorRule } from '../../engine/behavior/types.ts'
import type { CorrelationFinding, RuleMeta, SigmaCorrelation } from '../../engine/sigma/types.ts'
import { explainCorrelation, explainEvent, exposureOf, factsOf, fieldOf, iso } from './describe.ts'
import { riskOf } from './risk.ts'

/** When a signal came about: the log record that made us see it. */
export interface Seen {
  readonly appendedMs: number
  /** Arrival of the raw record; undefined where no single record is behind it. */
  readonly arrivedMs?: number | undefined
}

export function signalId(
  ruleId: string,
  scope: string,
  group: Readonly<Record<string, string>>,
  anchor: string,
): string {
  return derivedId('signal', ruleId, scope, canonicalJson(group), anchor)
}

function ruleOf(meta: RuleMeta, kind: 'sigma' | 'behavior'): Signal['rule'] {
  const { id, title, digest: version, level, tags, techniques } = meta
  return { id, title, version, kind, level, tags: [...tags], techniques: [...techniques], shadow: meta.warden.shadow }
}

function threatOf(meta: RuleMeta, found: Threat | undefined = meta.warden.threat): { readonly threat?: Threat } {
  return found === undefined ? {} : { threat: found }
}

/** What Signal allows. */
const seriesMax = 4
const pointsMax = 64
const membersMax = 1_000

/** The last points stay: they are the ones that crossed the line. */
function boundedSeries(series: Series): Series {
  return series.points.length <= pointsMax ? series : { ...series, points: series.points.slice(-pointsMax) }
}

/** Entities every event names, and those that the rule asks for. */
export function entitiesFor(event: Event, meta: RuleMeta): Entity[] {
  const asked: Entity[] = []
  for (const { type, field } of meta.warden.entities) {
    const value = fieldOf(event, field)
    for (const item of Array.isArray(value) ? value.slice(0, 8) : [value]) {
      if (typeof item === 'string' && item !== '') asked.push({ type, id: item.slice(0, limits.entityIdCharsMax) })
    }
  }
  const named = entitiesOf(event)
  return asked.length === 0 ? [...named] : mergeEntities(named, asked)
}

export function signalOfEvent(meta: RuleMeta, event: Event, seen: Seen): Signal {
  const scope = event.organization.id
  const group = { 'warden.principal': event.warden.principal }
  const exposure = exposureOf(event)
  return {
    id: signalId(meta.id, scope, group, event.event.id),
    version: 1,
    status: 'open',
    supersedes: [],
    '@timestamp': event['@timestamp'],
    created: iso(seen.appendedMs),
    scope,
    rule: ruleOf(meta, 'sigma'),
    risk: riskOf(meta),
    group,
    entities: entitiesFor(event, meta),
    joinOn: [...meta.warden.joinOn],
    evidence: { count: 1, events: [evidenceOf(event)] },
    explanation: explainEvent(event, meta),
    facts: factsOf(event, meta),
    ...(exposure === undefined ? {} : { exposure }),
    ...threatOf(meta),
    ...(seen.arrivedMs === undefined ? {} : { arrivedMs: seen.arrivedMs }),
  }
}

/** What the group of a correlation knows beside the operator's state. */
export interface CorrelationGroup {
  readonly scope: string
  readonly group: Readonly<Record<string, string>>
  readonly entities: readonly Entity[]
  readonly exposure: Exposure | undefined
}

export function signalOfCorrelation(
  rule: SigmaCorrelation,
  finding: CorrelationFinding,
  of: CorrelationGroup,
  seen: Seen,
): Signal {
  const idOf = (anchorMs: number): string => signalId(rule.meta.id, of.scope, of.group, String(anchorMs))
  return {
    id: idOf(finding.anchorMs),
    version: finding.version,
    status: finding.status,
    supersedes: finding.supersedes.map(idOf),
    '@timestamp': iso(finding.firstHeldMs),
    created: iso(seen.appendedMs),
    scope: of.scope,
    rule: ruleOf(rule.meta, 'sigma'),
    risk: riskOf(rule.meta),
    group: { ...of.group },
    window: { start: iso(finding.anchorMs), end: iso(finding.lastHeldMs) },
    entities: [...of.entities],
    joinOn: [...rule.meta.warden.joinOn],
    evidence: { count: finding.count, events: finding.evidence.slice(0, limits.signalEvidenceMax) },
    explanation: explainCorrelation(rule, finding, of.group),
    facts: {
      peak: finding.peak,
      events: finding.count,
      timespanMs: rule.timespanMs,
      line: rule.written ?? rule.condition.map(({ op, value }) => `${op} ${value}`).join(', '),
      final: finding.final,
      ...(finding.incomplete ? { incomplete: true } : {}),
    },
    ...(of.exposure === undefined ? {} : { exposure: of.exposure }),
    ...threatOf(rule.meta),
    ...(seen.arrivedMs === undefined ? {} : { arrivedMs: seen.arrivedMs }),
  }
}

export function signalOfBehavior(rule: BehaviorRule, finding: BehaviorFinding, scope: string, seen: Seen): Signal {
  const meta = finding.note === true ? asNote(rule.meta) : rule.meta
  const idOf = (anchor: string): string => signalId(rule.meta.id, scope, finding.group, anchor)
  return {
    id: idOf(finding.anchor),
    version: finding.version,
    status: finding.status,
    supersedes: finding.supersedes.map(idOf),
    '@timestamp': iso(finding.timeMs),
    created: iso(seen.appendedMs),
    scope,
    rule: ruleOf(meta, 'behavior'),
    risk: riskOf(meta),
    group: { ...finding.group },
    window: { start: iso(finding.window.startMs), end: iso(finding.window.endMs) },
    entities: [...finding.entities],
    joinOn: [...rule.meta.warden.joinOn],
    evidence: { count: finding.evidence.count, events: finding.evidence.events.slice(0, limits.signalEvidenceMax) },
    explanation: finding.explanation,
    facts: { ...finding.facts },
    ...(finding.exposure === undefined ? {} : { exposure: finding.exposure }),
    ...threatOf(meta, finding.note === true ? undefined : finding.threat),
    ...(finding.series === undefined ? {} : { series: finding.series.slice(0, seriesMax).map(boundedSeries) }),
    ...(finding.members === undefined ? {} : { members: finding.members.slice(0, membersMax) }),
    ...(seen.arrivedMs === undefined ? {} : { arrivedMs: seen.arrivedMs }),
  }
}

function asNote(meta: RuleMeta): RuleMeta {
  const { risk: _risk, threat: _threat, ...warden } = meta.warden
  return { ...meta, level: 'informational', warden }
}
