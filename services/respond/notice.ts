/**
 * Writes the notice that people get: what happened, to which asset, by whom, since when, how sure, what was lost, what was
 * done, what to do, and how to approve.
 *
 * Pure. Every text is cut to the notice's limits; escaping is the connector's, who knows the medium.
 */
import { counted } from '../../core/counted.ts'
import type { Notice } from '../../core/notice.ts'
import type { ActionEntry } from './book.ts'
import type { IncidentBrief } from './incident-brief.ts'
import type { Playbook } from './playbook.ts'

export interface NoticeParts {
  readonly incident: IncidentBrief
  readonly playbook: Pick<Playbook, 'id' | 'title' | 'version'>
  readonly dryRun: boolean
  /** All actions of the incident, oldest first. */
  readonly actions: readonly ActionEntry[]
  /** What waits for a person's word. */
  readonly waiting?: ActionEntry | undefined
}

const lineMax = 500
const listMax = 12
const doneMax = 30

export function writeNotice({ incident, playbook, dryRun, actions, waiting }: NoticeParts): Notice {
  const deeds = actions.filter(({ message }) => !message)
  const approval = waiting?.action.approval
  return {
    tenant: cut(incident.tenant, 512),
    incidentId: incident.id,
    incidentVersion: incident.version,
    severity: incident.severity,
    title: cut(incident.title),
    what: cut(incident.summary, 4_000),
    who: named(incident, ['principal', 'user', 'account', 'credential', 'session', 'address']),
    assets: named(incident, ['asset', 'model']),
    since: incident.firstSeen,
    until: incident.lastSeen,
    certainty: cut(certaintyOf(incident)),
    ...lostOf(incident),
    done: deeds.slice(-doneMax).map((entry) => cut(sentenceOf(entry))),
    next: nextOf(incident, playbook.id, dryRun, deeds)
      .slice(0, listMax)
      .map((line) => cut(line)),
    dryRun,
    playbook: { id: playbook.id, title: cut(playbook.title), version: playbook.version },
    ...(waiting === undefined || approval === undefined
      ? {}
      : {
          approval: {
            actionId: waiting.action.id,
            digest: waiting.action.digest,
            what: cut(waiting.what),
            role: approval.role,
            expiresAt: approval.expiresAt,
            approve: `npx modelwarden approve ${waiting.action.id}`,
            refuse: `npx modelwarden approve ${waiting.action.id} --refuse`,
          },
        }),
  }
}

function cut(text: string, charsMax = lineMax): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`
}

function named(incident: IncidentBrief, types: readonly string[]): string[] {
  const all = incident.entities.filter(({ type }) => types.includes(type)).map(({ type, id }) => cut(`${type} ${id}`))
  return all.length <= listMax ? all : [...all.slice(0, listMax - 1), `and ${all.length - listMax + 1} more`]
}

function certaintyOf(incident: IncidentBrief): string {
  const findings = `${counted(incident.signalCount, 'finding')} by ${counted(incident.rules.length, 'rule')}`
  const settled = incident.settled
    ? 'Settled: all records of its time are in.'
    : 'Provisional: records that arrive late may still change it.'
  const techniques =
    incident.techniques.length === 0 ? '' : ` Techniques: ${incident.techniques.slice(0, 8).join(', ')}.`
  return `Severity ${incident.severity}, risk ${Math.round(incident.risk)}; ${findings}. ${settled}${techniques}`
}

function lostOf({ exposure }: IncidentBrief): { lost?: string } {
  const parts: string[] = []
  if (exposure.bytes !== undefined) {
    const share =
      exposure.ofBytes === undefined || exposure.ofBytes <= 0
        ? ''
        : ` (${Math.round((100 * exposure.bytes) / exposure.ofBytes)} % of the artifacts touched)`
    parts.push(`${spellBytes(exposure.bytes)}${share}`)
  }
  if (exposure.queries !== undefined) parts.push(counted(exposure.queries, 'query', 'queries'))
  if (exposure.tokens !== undefined) parts.push(counted(exposure.tokens, 'token'))
  if (exposure.probabilities !== undefined) parts.push(counted(exposure.probabilities, 'probability', 'probabilities'))
  return parts.length === 0 ? {} : { lost: cut(`${parts.join(', ')}.`) }
}

function spellBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const amount = bytes / 1_000 ** power
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power] ?? ''}`
}

/** How an action stands, in one sentence. */
export function sentenceOf({ action, what }: ActionEntry): string {
  switch (action.state) {
    case 'verified':
      return `${what} — done and proven: ${action.summary}`
    case 'done':
      return `${what} — done; ${action.summary}`
    case 'dry-run':
      return `Dry run, not done: ${what}`
    case 'refused':
      return `Not done: ${what} — ${action.summary}`
    case 'failed':
      return `FAILED: ${what} — ${action.summary}`
    case 'awaiting-approval':
      return `Waits for approval: ${what}`
    case 'undone':
      return `Taken back: ${what}`
    case 'asked':
      return `Held: ${what} — ${action.summary}`
    case 'reserved':
    case 'attempted':
      return `Under way: ${what}`
  }
}

function nextOf(
  incident: IncidentBrief,
  playbookId: string,
  dryRun: boolean,
  deeds: readonly ActionEntry[],
): readonly string[] {
  const next: string[] = []
  const failed = deeds.filter(
    ({ action }) => action.state === 'failed' || (action.state === 'refused' && action.reason !== 'WITHDRAWN'),
  )
  for (const { what } of failed.slice(0, 3)) next.push(`Do by hand what could not be done: ${what}`)
  if (dryRun && deeds.some(({ action }) => action.state === 'dry-run')) {
    next.push(
      `Do by hand what was only described, or let the playbook do it from now on: add ${playbookId} to respond.enable.`,
    )
  }
  next.push(...incident.next)
  const taken = deeds.find(
    ({ action, undoable }) => undoable && (action.state === 'verified' || action.state === 'done'),
  )
  if (taken !== undefined) {
    next.push(`If this was a mistake, take it back: npx modelwarden incidents undo ${incident.id} ${taken.action.id}`)
  }
  return next
}
