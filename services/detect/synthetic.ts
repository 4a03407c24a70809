/**
 * The one rule that synthetic events match: it measures how long an event takes to become a signal.
 */
import type { Event } from '../../core/event.ts'
import type { Signal } from '../../core/signal.ts'
import { evidenceOf } from '../../engine/behavior/entities.ts'
import { iso } from './describe.ts'
import { signalId, type Seen } from './signals.ts'

export const syntheticRuleId = 'modelwarden-synthetic'

export function signalOfSynthetic(event: Event, seen: Seen): Signal {
  const scope = event.organization.id
  const group = { 'warden.principal': event.warden.principal }
  return {
    id: signalId(syntheticRuleId, scope, group, event.event.id),
    version: 1,
    status: 'open',
    supersedes: [],
    '@timestamp': event['@timestamp'],
    created: iso(seen.appendedMs),
    scope,
    rule: {
      id: syntheticRuleId,
      title: 'Synthetic event seen',
      version: '1',
      kind: 'sigma',
      level: 'informational',
      tags: [],
      techniques: [],
      shadow: true,
    },
    risk: 0,
    group,
    entities: [],
    joinOn: [],
    evidence: { count: 1, events: [evidenceOf(event)] },
    explanation: 'A synthetic event has come through: the pipeline works.',
    facts: {},
    ...(seen.arrivedMs === undefined ? {} : { arrivedMs: seen.arrivedMs }),
    synthetic: true,
  }
}
