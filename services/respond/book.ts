/**
 * The book: what respond keeps of one partition, under the keys of its task's state.
 *
 * Pure. One entry for each incident with runs, each run, each action that is not settled or can be undone, each playbook
 * version in use, and small indexes over them. The sidecar reads it, and never writes.
 */
import type { Action } from '../../core/action.ts'
import type { Policy, Run } from '../../core/effect.ts'
import type { Entity } from '../../core/signal.ts'
import type { KeyedState } from '../../runtime/stage/stage.ts'
import type { IncidentBrief } from './incident-brief.ts'
import type { Playbook } from './playbook.ts'

/** Proven deeds looked at again in one partition; beyond, the oldest are let go. */
const watchedMax = 2_000

export interface IncidentEntry {
  readonly incident: IncidentBrief
  /** Runs begun for it, oldest first. */
  readonly runs: readonly string[]
  /** Codes of flags that were raised about the incident as a whole. */
  readonly flagged: readonly string[]
  readonly touchedMs: number
}

export interface RunEntry {
  readonly id: string
  readonly version: number
  readonly tenant: string
  readonly incidentId: string
  readonly playbook: { readonly id: string; readonly version: string }
  readonly subject?: Entity
  readonly state: Run['state']
  /** Why it is stopped; `withdrawn` can be taken up again. */
  readonly stopped?: 'failed' | 'withdrawn'
  readonly dryRun: boolean
  /** Index of the step that it stands at, and whether that has begun. */
  readonly at: number
  readonly entered: boolean
  /** Where it stands at a wait: until when, ms since 1970. */
  readonly untilMs?: number
  /** Actions asked for, by the id of their step. */
  readonly actions: Readonly<Record<string, string>>
  /** How steps without an action of their name ended: `done`, `failed`, `skipped`. */
  readonly steps: Readonly<Record<string, string>>
  readonly startedMs: number
  readonly arrivedMs: number
}

export interface ActionEntry {
  readonly action: Action
  /** What it does, in one sentence. */
  readonly what: string
  /** Whether the proof is waited for. */
  readonly verify: boolean
  readonly attemptsMax: number
  /** It only tells somebody something. */
  readonly message: boolean
  /** It can be taken back. */
  readonly undoable: boolean
  /** It is somebody's word, not a playbook's: caps, dry run and the global stop do not hold it. */
  readonly undoOf?: string
  /** The undo that was asked for it. */
  readonly undo?: string
  /** When its last intent was appended, ms since 1970. */
  readonly attemptedMs?: number
  /** When it was first attempted. */
  readonly firstAttemptMs?: number
  /** Not to be attempted before. */
  readonly retryAtMs?: number
  /** Counted against the caps already. */
  readonly counted?: boolean
  /** Approved past a reached cap. */
  readonly pastCap?: boolean
  readonly settledMs?: number
}

export interface Timer {
  readonly atMs: number
  readonly kind: 'wait' | 'approval' | 'held'
  /** Of the run, or the action. */
  readonly id: string
}

export interface Reservation {
  readonly atMs: number
  readonly playbook: string
}

export class Book {
  readonly state: KeyedState

  constructor(state: KeyedState) {
    this.state = state
  }

  policy(): Policy | undefined {
    return this.state.get('policy')
  }

  stopped(): boolean {
    return this.state.get<boolean>('stopped') ?? false
  }

  incident(id: string): IncidentEntry | undefined {
    return this.state.get(`incident/${id}`)
  }

  setIncident(entry: IncidentEntry): void {
    this.state.set(`incident/${entry.incident.id}`, entry)
  }

  /** The incident with runs that has taken this one in. */
  supersededBy(id: string): string | undefined {
    return this.state.get(`superseded/${id}`)
  }

  /** What a known incident has taken in, and what has left it again since `before`. */
  noteSuperseded(incident: IncidentBrief, before: readonly string[]): void {
    for (const id of before)
      if (!incident.supersedes.includes(id) && this.supersededBy(id) === incident.id)
        this.state.delete(`superseded/${id}`)
    if (this.incident(incident.id) === undefined) return
    for (const id of incident.supersedes)
      if (this.supersededBy(id) !== incident.id) this.state.set(`superseded/${id}`, incident.id)
  }

  run(id: string): RunEntry | undefined {
    return this.state.get(`run/${id}`)
  }

  setRun(run: RunEntry): void {
    this.state.set(`run/${run.id}`, run)
  }

  action(id: string): ActionEntry | undefined {
    return this.state.get(`action/${id}`)
  }

  setAction(entry: ActionEntry): void {
    this.state.set(`action/${entry.action.id}`, entry)
  }

  deleteAction(id: string): void {
    this.state.delete(`action/${id}`)
  }

  /** The version that a run was begun with. */
  playbook(version: string): Playbook | undefined {
    return this.state.get(`playbook/${version}`)
  }

  keepPlaybook(playbook: Playbook): void {
    if (this.playbook(playbook.version) === undefined) this.state.set(`playbook/${playbook.version}`, playbook)
  }

  /** Actions that the sidecar must look at, in the order in which they were let go. */
  open(): readonly string[] {
    return this.state.get<readonly string[]>('open') ?? []
  }

  setOpen(id: string, isOpen: boolean): void {
    const open = this.open()
    if (open.includes(id) === isOpen) return
    this.state.set('open', isOpen ? [...open, id] : open.filter((each) => each !== id))
  }

  /** Proven deeds that are looked at again, the oldest first. */
  watched(): readonly string[] {
    return this.state.get<readonly string[]>('watched') ?? []
  }

  setWatched(id: string, isWatched: boolean): void {
    const watched = this.watched()
    if (watched.includes(id) === isWatched) return
    const next = isWatched ? [...watched, id].slice(-watchedMax) : watched.filter((each) => each !== id)
    this.state.set('watched', next)
  }

  /** Actions that the global stop holds. */
  held(): readonly string[] {
    return this.state.get<readonly string[]>('held') ?? []
  }

  setHeld(id: string, isHeld: boolean): void {
    const held = this.held()
    if (held.includes(id) === isHeld) return
    this.state.set('held', isHeld ? [...held, id] : held.filter((each) => each !== id))
  }

  timers(): readonly Timer[] {
    return this.state.get<readonly Timer[]>('timers') ?? []
  }

  addTimer(timer: Timer): void {
    const timers = [...this.timers().filter(({ kind, id }) => kind !== timer.kind || id !== timer.id), timer]
    this.state.set(
      'timers',
      timers.sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1)),
    )
  }

  /** The timers that have run out, which are forgotten. */
  takeDue(nowMs: number): readonly Timer[] {
    const timers = this.timers()
    const due = timers.filter(({ atMs }) => atMs <= nowMs)
    if (due.length > 0) this.state.set('timers', timers.slice(due.length))
    return due
  }

  /** Destructive actions that were let go for a tenant within the last hour. */
  reservations(tenant: string, nowMs: number): readonly Reservation[] {
    return (this.state.get<readonly Reservation[]>(`caps/${tenant}`) ?? []).filter(
      ({ atMs }) => atMs > nowMs - 3_600_000,
    )
  }

  reserve(tenant: string, playbook: string, nowMs: number): void {
    this.state.set(`caps/${tenant}`, [...this.reservations(tenant, nowMs), { atMs: nowMs, playbook }])
  }
}
