/**
 * What people decide about incidents, obeyed: acknowledge, assign, note, close, reopen, take apart.
 *
 * A decision obeyed twice changes nothing. Decisions for other stages pass by.
 */
import type { Decision } from '../../core/decision.ts'
import type { Incident } from '../../core/incident.ts'
import { limits } from '../../core/limits.ts'
import type { Outcome } from '../../runtime/stage/stage.ts'
import type { Correlation, Moment } from './correlation.ts'
import { decidedWith, type StoredIncident } from './incident-book.ts'

const notesMax = 200
const flagsMax = 50
/** What respond notes is for a person to look at: `CODE: message`. */
const responder = 'service:respond'

export function applyDecision(logic: Correlation, decision: Decision, moment: Moment, out: Outcome): void {
  if (!('incidentId' in decision) || decision.kind === 'approval' || decision.kind === 'undo') {
    out.drop('decision-for-another-stage')
    return
  }
  const stored = logic.incidents.get(decision.incidentId)
  if (stored === undefined) {
    out.deadLetter('NOT_A_DECISION', `There is no incident ${decision.incidentId} here.`, {
      hint: 'It may have been forgotten after its retention; look for it in the incident history.',
    })
    return
  }
  if (stored.decided.includes(decision.id)) {
    out.drop('decided-already')
    return
  }
  const decided: StoredIncident = { ...stored, decided: decidedWith(stored, decision) }
  const change = (incident: Partial<Incident>, standing = stored.standing): void => {
    const updatedAt = new Date(moment.appendedMs).toISOString()
    const next = { ...stored.incident, ...incident, updatedAt, arrivedMs: moment.arrivedMs }
    logic.incidents.put({ ...decided, standing, incident: next }, out)
  }
  switch (decision.kind) {
    case 'acknowledge':
      change(
        stored.incident.status === 'open' ? { status: 'acknowledged' } : {},
        stored.standing === 'open' ? 'acknowledged' : stored.standing,
      )
      break
    case 'assign':
      change({ assignee: decision.assignee.slice(0, limits.entityIdCharsMax) })
      break
    case 'note':
      if (decision.by === responder) change({ flags: withFlag(stored, decision.text, moment) })
      else change({ notes: withNote(stored, decision, decision.text) })
      break
    case 'close':
      change(
        { status: 'closed', verdict: decision.verdict, notes: withNote(stored, decision, decision.text) },
        'closed',
      )
      seal(logic, stored, true)
      break
    case 'reopen':
      reopen(logic, stored, change, moment, out)
      break
    case 'unmerge':
      takeApart(logic, decision.mergedId, decided, change, moment, out)
      break
  }
}

function withNote(stored: StoredIncident, decision: Decision, text: string | undefined): Incident['notes'] {
  if (text === undefined) return stored.incident.notes
  const note = { id: decision.id, at: decision.at, by: decision.by, text: text.slice(0, limits.fieldCharsMax) }
  return [...stored.incident.notes, note].slice(-notesMax)
}

function withFlag(stored: StoredIncident, text: string, moment: Moment): Incident['flags'] {
  const [, code = 'RESPOND', message = text] = /^([A-Z_]{1,64}): (.*)$/s.exec(text) ?? []
  const flag = { code, message: message.slice(0, limits.fieldCharsMax), at: new Date(moment.appendedMs).toISOString() }
  return [...stored.incident.flags, flag].slice(-flagsMax)
}

/** The signals of a closed incident join nothing any more: what comes later is a new incident. */
function seal(logic: Correlation, stored: StoredIncident, sealed: boolean): void {
  for (const member of stored.members) {
    const signal = logic.signals.get(member)
    if (signal === undefined) continue
    const { sealedBy: _, ...open } = signal
    logic.signals.put(sealed ? { ...open, sealedBy: stored.incident.id } : open)
  }
}

type Change = (incident: Partial<Incident>, standing?: StoredIncident['standing']) => void

function reopen(logic: Correlation, stored: StoredIncident, change: Change, moment: Moment, out: Outcome): void {
  if (stored.incident.status !== 'closed') {
    out.drop('not-closed')
    return
  }
  change({ status: 'open' }, 'open')
  seal(logic, stored, false)
  const seed = stored.members.map((id) => logic.signals.get(id)).find((signal) => signal !== undefined)
  if (seed !== undefined) logic.redraw(seed, moment, out)
}

function takeApart(
  logic: Correlation,
  mergedId: string,
  from: StoredIncident,
  change: Change,
  moment: Moment,
  out: Outcome,
): void {
  const merged = logic.incidents.get(mergedId)
  if (merged?.incident.mergedInto !== from.incident.id) {
    out.deadLetter('NOT_A_DECISION', `Incident ${mergedId} is not merged into ${from.incident.id}.`)
    return
  }
  change({})
  let seed
  for (const member of merged.members) {
    const signal = logic.signals.get(member)
    if (signal === undefined) continue
    seed = { ...signal, apart: mergedId }
    logic.signals.put(seed)
  }
  if (seed !== undefined) logic.redraw(seed, moment, out)
}
