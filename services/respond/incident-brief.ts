/**
 * What respond keeps of an incident: enough to fill templates and to write notices, without the bulk.
 */
import type { Incident } from '../../core/incident.ts'
import { canonicalDigest } from '../../core/ids.ts'
import type { Entity } from '../../core/signal.ts'

export type EntityType = Entity['type']

export interface IncidentBrief {
  readonly id: string
  readonly version: number
  readonly tenant: string
  readonly status: Incident['status']
  readonly settled: boolean
  readonly severity: Incident['severity']
  readonly risk: number
  readonly title: string
  readonly summary: string
  readonly primary: Entity
  readonly entities: readonly Entity[]
  readonly techniques: readonly string[]
  readonly firstSeen: string
  readonly lastSeen: string
  readonly openedAt: string
  readonly signalCount: number
  /** Rules that found it (shadow ones left out), by id. */
  readonly rules: readonly string[]
  /** Nothing but findings in shadow. */
  readonly shadowOnly: boolean
  readonly synthetic: boolean
  readonly exposure: Incident['exposure']
  readonly next: readonly string[]
  readonly verdict: Incident['verdict'] | null
  /** Codes of its flags. Absent in briefs of before there were any. */
  readonly flags?: readonly string[]
  readonly supersedes: readonly string[]
  readonly mergedInto: string | null
  /** Over the findings and their evidence counts. */
  readonly evidence: string
  readonly arrivedMs: number
}

const entitiesMax = 100
const summaryCharsMax = 4_000

export function briefOf(incident: Incident, arrivedMs: number): IncidentBrief {
  const acting = incident.signals.filter((signal) => !signal.shadow)
  return {
    id: incident.id,
    version: incident.version,
    tenant: incident.tenant,
    status: incident.status,
    settled: incident.settled,
    severity: incident.severity,
    risk: incident.risk,
    title: incident.title.slice(0, 500),
    summary: incident.summary.slice(0, summaryCharsMax),
    primary: incident.primary,
    entities: incident.entities.slice(0, entitiesMax),
    techniques: incident.techniques.map(({ id }) => id),
    firstSeen: incident.firstSeen,
    lastSeen: incident.lastSeen,
    openedAt: incident.openedAt,
    signalCount: incident.signalCount,
    rules: [...new Set(acting.map(({ rule }) => rule))],
    shadowOnly: acting.length === 0,
    synthetic: incident.synthetic === true,
    exposure: incident.exposure,
    next: incident.next.slice(0, 12),
    verdict: incident.verdict ?? null,
    flags: [...new Set(incident.flags.map(({ code }) => code))],
    supersedes: incident.supersedes,
    mergedInto: incident.mergedInto ?? null,
    evidence: canonicalDigest(incident.signals.map(({ id, version, evidence }) => [id, version, evidence])),
    arrivedMs: incident.arrivedMs ?? arrivedMs,
  }
}

export function entitiesOf(incident: Pick<IncidentBrief, 'entities'>, type: EntityType): readonly string[] {
  return incident.entities.filter((entity) => entity.type === type).map(({ id }) => id)
}
