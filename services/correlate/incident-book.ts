/**
 * The incidents of one task: their last version, who belongs to them, and what people have decided about them.
 *
 * Knows how a version follows another; what belongs together is decided elsewhere (clusters.ts).
 */
import type { Decision } from '../../core/decision.ts'
import { canonicalJson } from '../../core/ids.ts'
import type { Incident } from '../../core/incident.ts'
import { topics } from '../../core/topics.ts'
import type { KeyedState, Outcome } from '../../runtime/stage/stage.ts'

export interface StoredIncident {
  readonly incident: Incident
  /** Ids of its signals. */
  readonly members: readonly string[]
  /** What people last said of it, to be had again when it comes back out of a merge. */
  readonly standing: 'open' | 'acknowledged' | 'closed'
  /** Ids of decisions that have been obeyed, the latest last. */
  readonly decided: readonly string[]
  /** From before incidents were named by the day: it keeps that name. */
  readonly namedToTheMs?: true
}

export const incidentPrefix = 'i/'
const decidedMax = 200

export class IncidentBook {
  readonly #state: KeyedState
  /** Which incident a signal belongs to: derived from the members, not stored. */
  readonly #ofSignal = new Map<string, string>()

  constructor(state: KeyedState) {
    this.#state = state
    for (const [, stored] of state.entries<StoredIncident>(incidentPrefix)) this.#own(stored)
  }

  get(id: string): StoredIncident | undefined {
    return this.#state.get<StoredIncident>(incidentPrefix + id)
  }

  all(): StoredIncident[] {
    return [...this.#state.entries<StoredIncident>(incidentPrefix)].map(([, stored]) => stored)
  }

  incidentOf(signalId: string): string | undefined {
    return this.#ofSignal.get(signalId)
  }

  forget(id: string): void {
    for (const member of this.get(id)?.members ?? []) {
      if (this.#ofSignal.get(member) === id) this.#ofSignal.delete(member)
    }
    this.#state.delete(incidentPrefix + id)
  }

  /** Stores and emits the next version, unless nothing but its time would change. */
  put(draft: StoredIncident, out: Outcome): void {
    const { incident } = draft
    const before = this.get(incident.id)
    if (before !== undefined && sameButForTime(before.incident, incident)) {
      if (before.members.length !== draft.members.length || before.decided.length !== draft.decided.length)
        this.#store(draft)
      return
    }
    const versioned = { ...draft, incident: { ...incident, version: (before?.incident.version ?? 0) + 1 } }
    this.#store(versioned)
    out.emit({ topic: topics.incidents, key: incident.id, value: versioned.incident })
    out.emit({ topic: topics.incidentHistory, key: incident.id, value: versioned.incident })
  }

  #store(stored: StoredIncident): void {
    this.#state.set(incidentPrefix + stored.incident.id, stored)
    this.#own(stored)
  }

  #own(stored: StoredIncident): void {
    const { id, status } = stored.incident
    if (status === 'merged' || status === 'retracted') return
    for (const member of stored.members) this.#ofSignal.set(member, id)
  }
}

export function decidedWith(stored: StoredIncident, decision: Decision): readonly string[] {
  return [...stored.decided, decision.id].slice(-decidedMax)
}

function sameButForTime(a: Incident, b: Incident): boolean {
  const timeless = (incident: Incident): string =>
    canonicalJson({ ...incident, version: 0, updatedAt: undefined, arrivedMs: undefined })
  return timeless(a) === timeless(b)
}
