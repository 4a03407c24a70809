/**
 * The forensic timeline of an incident: evidence, findings, actions and decisions, in the order of event time.
 *
 * Pure. Promises: every row says when it happened and, beside it, when we got to know of it; every piece of evidence
 * carries the digest and the position of its raw record, also where the index no longer has the event; what is known to
 * exist and is not among the rows is named in `omitted`, with how much and why.
 */
import { z } from 'zod'
import { type Action } from '../../core/action.ts'
import { type Decision } from '../../core/decision.ts'
import type { Event } from '../../core/event.ts'
import type { Incident } from '../../core/incident.ts'
import { EvidenceRef, type Signal } from '../../core/signal.ts'

const rowKinds = ['event', 'signal', 'action', 'decision', 'incident'] as const

export const TimelineRow = z.strictObject({
  /** When it happened. */
  at: z.iso.datetime(),
  /** When it was collected or put on record; absent where that is the same. */
  collectedAt: z.iso.datetime().optional(),
  kind: z.enum(rowKinds),
  /** Of the event, signal, action, decision or incident. */
  id: z.string(),
  /** What it is, in one word: an event's action, an action's state, a decision's kind. */
  what: z.string(),
  /** Who, as far as is known. */
  who: z.string().optional(),
  /** One sentence. Plain text; hostile content inside. */
  summary: z.string(),
  /** Evidence: SHA-256 of the raw record, and where that stood. */
  hash: z.string().optional(),
  position: EvidenceRef.shape.position.optional(),
  /** Signals that rest on this event. */
  evidenceOf: z.array(z.string()).optional(),
  /** True where the index no longer has the event: what is told comes from the finding that names it. */
  missing: z.boolean().optional(),
})
export type TimelineRow = z.infer<typeof TimelineRow>

export const omissionCodes = [
  'EVIDENCE_NOT_INDEXED',
  'EVIDENCE_NOT_REFERENCED',
  'EVIDENCE_CUT_OFF',
  'SIGNALS_NOT_LISTED',
  'SIGNALS_NOT_INDEXED',
  'ROWS_CUT_OFF',
] as const
const Omission = z.strictObject({
  code: z.enum(omissionCodes),
  /** How many; absent where nobody knows. */
  count: z.int().optional(),
  message: z.string(),
})
type Omission = z.infer<typeof Omission>

export const Timeline = z.strictObject({
  incidentId: z.string(),
  tenant: z.string(),
  title: z.string(),
  rows: z.array(TimelineRow),
  omitted: z.array(Omission),
})
export type Timeline = z.infer<typeof Timeline>

export interface TimelineParts {
  readonly incident: Incident
  readonly versions: readonly Incident[]
  readonly signals: readonly Signal[]
  /** Those that the incident and its earlier versions name. */
  readonly signalIds: readonly string[]
  readonly events: readonly Event[]
  /** Of how many events the index was asked for. */
  readonly eventsAsked: number
  readonly states: readonly Action[]
  readonly decisions: readonly Decision[]
  readonly complete: { readonly versions: boolean; readonly states: boolean; readonly decisions: boolean }
}

export function timelineOf(parts: TimelineParts): Timeline {
  const { incident } = parts
  const rows = [
    ...evidenceRows(parts),
    ...parts.signals.map(signalRow),
    ...parts.states.map(actionRow),
    ...parts.decisions.map(decisionRow),
    ...incidentRows(parts),
  ]
  rows.sort((a, b) => compare(a.at, b.at) || compare(a.collectedAt ?? a.at, b.collectedAt ?? b.at) || rank(a) - rank(b))
  return { incidentId: incident.id, tenant: incident.tenant, title: incident.title, rows, omitted: omissions(parts) }
}

const compare = (a: string, b: string): number => Date.parse(a) - Date.parse(b)
const rank = ({ kind }: TimelineRow): number => rowKinds.indexOf(kind)

function evidenceRows({ signals, events }: TimelineParts): TimelineRow[] {
  const found = new Map(events.map((event) => [event.event.id, event]))
  const rows = new Map<string, TimelineRow & { readonly evidenceOf: string[] }>()
  for (const signal of signals) {
    for (const reference of signal.evidence.events) {
      const known = rows.get(reference.id)
      if (known !== undefined) {
        if (!known.evidenceOf.includes(signal.id)) known.evidenceOf.push(signal.id)
        continue
      }
      const event = found.get(reference.id)
      const { id, timestamp, hash, position } = reference
      const told = event === undefined ? lost(signal) : eventWords(event)
      rows.set(id, { at: timestamp, ...told, kind: 'event', id, hash, position, evidenceOf: [signal.id] })
    }
  }
  return [...rows.values()]
}

function lost({ rule }: Signal): Pick<TimelineRow, 'what' | 'summary' | 'missing'> {
  return {
    what: 'unknown',
    summary: `The index no longer has this event, which "${rule.title}" rests on.`,
    missing: true,
  }
}

function eventWords(event: Event): Pick<TimelineRow, 'what' | 'summary' | 'who' | 'collectedAt'> {
  const { action = 'unknown', outcome, dataset, created } = event.event
  const { principal, asset, model, bytes } = event.warden
  const parts = [
    action,
    outcome === undefined ? undefined : `(${outcome})`,
    asset === undefined ? undefined : `on ${asset.id}`,
    model === undefined ? undefined : `to model ${model.id}`,
    bytes === undefined ? undefined : `${bytes} bytes`,
    event.source?.ip === undefined ? undefined : `from ${event.source.ip}`,
  ]
  const summary = `${dataset}: ${parts.filter((part) => part !== undefined).join(' ')}`
  return { what: action, summary, who: principal, collectedAt: created }
}

function signalRow(signal: Signal): TimelineRow {
  const { id, status, explanation, rule, created, version } = signal
  const marks = [...(status === 'retracted' ? ['retracted'] : []), ...(rule.shadow ? ['in shadow'] : [])]
  const suffix = marks.length === 0 ? '' : ` (${marks.join(', ')})`
  return {
    at: signal['@timestamp'],
    collectedAt: created,
    kind: 'signal',
    id,
    what: rule.id,
    who: signal.entities.find(({ type }) => type === 'principal')?.id,
    summary: `${rule.level}, ${rule.title}${suffix}, version ${version}: ${explanation}`,
  }
}

function actionRow(action: Action): TimelineRow {
  const { id, at, state, connector, summary, target, possiblyRepeated, digest } = action
  const repeated = possiblyRepeated ? ' Possibly repeated.' : ''
  return {
    at,
    kind: 'action',
    id,
    what: state,
    who: action.approval?.by ?? `playbook:${action.playbook.id}`,
    summary: `${connector}.${action.action} on ${target}: ${summary}${repeated} (digest ${digest.slice(0, 12)})`,
  }
}

function decisionRow(decision: Decision): TimelineRow {
  const { id, at, by, kind } = decision
  return { at, kind: 'decision', id, what: kind, who: by, summary: `${kind}${detailOf(decision)}` }
}

function detailOf(decision: Decision): string {
  const text = 'text' in decision && decision.text !== undefined ? `: ${decision.text}` : ''
  switch (decision.kind) {
    case 'assign':
      return ` to ${decision.assignee}`
    case 'close':
      return ` as ${decision.verdict}${text}`
    case 'approval':
      return ` ${decision.approved ? 'given' : 'refused'} for action ${decision.actionId}${text}`
    case 'undo':
      return ` of action ${decision.actionId}`
    case 'unmerge':
      return ` of ${decision.mergedId}`
    default:
      return text
  }
}

/** How the incident itself changed: where it opened, and each change of its state or gravity. */
function incidentRows({ incident, versions }: TimelineParts): TimelineRow[] {
  const known = versions.length === 0 ? [incident] : versions
  const rows: TimelineRow[] = []
  let before: Incident | undefined
  for (const version of known) {
    const changed = before?.status !== version.status || before.severity !== version.severity
    const at = before === undefined ? version.openedAt : version.updatedAt
    if (changed) {
      rows.push({
        at,
        collectedAt: version.updatedAt,
        kind: 'incident',
        id: version.id,
        what: version.status,
        summary: `Version ${version.version}: ${version.status}, ${version.severity}, risk ${Math.round(version.risk)}. ${version.title}`,
      })
    }
    before = version
  }
  return rows
}

function omissions({ incident, signals, signalIds, events, eventsAsked, complete }: TimelineParts): Omission[] {
  const omitted: Omission[] = []
  const omit = (code: Omission['code'], count: number | undefined, message: string): void => {
    if (count === undefined || count > 0) omitted.push({ code, ...(count === undefined ? {} : { count }), message })
  }
  const references = new Set(signals.flatMap((signal) => signal.evidence.events.map(({ id }) => id)))
  const unreferenced = signals.reduce(
    (sum, { evidence }) => sum + Math.max(0, evidence.count - evidence.events.length),
    0,
  )
  omit(
    'EVIDENCE_NOT_INDEXED',
    eventsAsked - events.length,
    'The index no longer has these events; their rows carry digest and position of the raw records.',
  )
  omit(
    'EVIDENCE_CUT_OFF',
    references.size - eventsAsked,
    'So many events are named without what they say: there are too many.',
  )
  omit(
    'EVIDENCE_NOT_REFERENCED',
    unreferenced,
    'Findings rest on so many events more than they name; search for them by principal and time.',
  )
  omit('SIGNALS_NOT_INDEXED', signalIds.length - signals.length, 'The index no longer has these findings.')
  omit(
    'SIGNALS_NOT_LISTED',
    Math.max(0, incident.signalCount - signalIds.length),
    'The incident has so many findings more than it lists; search for signals of its entities.',
  )
  const cut = Object.entries(complete).flatMap(([what, whole]) => (whole ? [] : [what]))
  if (cut.length > 0) omit('ROWS_CUT_OFF', undefined, `There are more than are shown of: ${cut.join(', ')}.`)
  return omitted
}
