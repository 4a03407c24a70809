/**
 * Forgets what nobody can ask about any more, so that the book stays bounded however long it is kept.
 *
 * Pure: goes by the log's time.
 */
import type { Book, IncidentEntry, RunEntry } from './book.ts'
import { isSettled } from './progress.ts'
import { watchedForMs } from './watch.ts'

const pruneEveryMs = 3_600_000
/** How long after its last change an incident's actions can still be undone. */
const keepMs = 90 * 86_400_000
/** Incidents with runs kept in one partition; beyond, the longest untouched and finished go first. */
const incidentsMax = 20_000

export class Pruner {
  readonly #book: Book

  constructor(book: Book) {
    this.#book = book
  }

  /** Does its work at most once an hour of the log. */
  prune(nowMs: number): void {
    const { state } = this.#book
    if (nowMs - (state.get<number>('prunedMs') ?? 0) < pruneEveryMs) return
    state.set('prunedMs', nowMs)
    const incidents = [...state.entries<IncidentEntry>('incident/')]
      .map(([, entry]) => entry)
      .sort((a, b) => a.touchedMs - b.touchedMs)
    const beyond = incidents.length - incidentsMax
    for (const [index, entry] of incidents.entries()) {
      if ((entry.touchedMs < nowMs - keepMs || index < beyond) && this.#isOver(entry)) this.#forget(entry)
    }
    this.#forgetUnused(nowMs)
    this.#stopWatching(nowMs)
  }

  #stopWatching(nowMs: number): void {
    for (const id of this.#book.watched()) {
      const provenMs = this.#book.action(id)?.settledMs ?? -Infinity
      if (provenMs < nowMs - watchedForMs) this.#book.setWatched(id, false)
    }
  }

  #isOver(entry: IncidentEntry): boolean {
    return entry.runs.every((id) => {
      const run = this.#book.run(id)
      if (run === undefined) return true
      return run.state !== 'running' && this.#actionsOf(run).every((action) => isSettled(action.action))
    })
  }

  #actionsOf(run: RunEntry) {
    return Object.values(run.actions)
      .map((id) => this.#book.action(id))
      .filter((entry) => entry !== undefined)
  }

  #forget(entry: IncidentEntry): void {
    const { state } = this.#book
    for (const id of entry.runs) {
      const run = this.#book.run(id)
      // A merged incident's runs stand under both: they go with the one that they were begun for.
      if (run === undefined || run.incidentId !== entry.incident.id) continue
      for (const { action, undo } of this.#actionsOf(run)) {
        state.delete(`action/${action.id}`)
        if (undo !== undefined) state.delete(`action/${undo}`)
      }
      state.delete(`run/${id}`)
    }
    state.delete(`incident/${entry.incident.id}`)
    this.#book.noteSuperseded({ ...entry.incident, supersedes: [] }, entry.incident.supersedes)
  }

  #forgetUnused(nowMs: number): void {
    const { state } = this.#book
    const used = new Set([...state.entries<RunEntry>('run/')].map(([, run]) => run.playbook.version))
    for (const [key] of [...state.entries('playbook/')]) if (!used.has(key.slice('playbook/'.length))) state.delete(key)
    for (const [key] of [...state.entries('caps/')])
      if (this.#book.reservations(key.slice('caps/'.length), nowMs).length === 0) state.delete(key)
  }
}
