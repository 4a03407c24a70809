/**
 * Runs: a playbook at work on an incident, step by step, over restarts and for as long as it takes.
 *
 * Pure. Promises: one run for each incident, playbook and subject, over merges too; a run keeps to the version of its
 * playbook that it started with; it ends, because steps only lead forward.
 */
import type { Run } from '../../core/effect.ts'
import { derivedId } from '../../core/ids.ts'
import type { Entity } from '../../core/signal.ts'
import type { ActionEntry, Book, IncidentEntry, RunEntry } from './book.ts'
import type { Catalog } from './catalog.ts'
import { holds } from './condition.ts'
import { Desk } from './desk.ts'
import { actionIdOf } from './ids.ts'
import type { IncidentBrief } from './incident-brief.ts'
import { writeNotice } from './notice.ts'
import type { Scope, StepView } from './paths.ts'
import type { Playbook, Step, StepAction } from './playbook.ts'
import { hasActed, isSettled } from './progress.ts'
import { fill } from './template.ts'
import type { Turn } from './turn.ts'
import { Words } from './words.ts'

export class Runs {
  readonly desk: Desk
  readonly words: Words
  readonly #book: Book

  constructor(book: Book, catalog: Catalog) {
    this.#book = book
    this.desk = new Desk(book, catalog, {
      onWaiting: (entry, turn) => {
        this.#askPeople(entry, turn)
      },
      undoSettled: (undo, originalId, turn) => {
        this.words.undoSettled(undo, originalId, turn)
      },
      incidentOf: (id) => this.current(id)?.incident,
    })
    this.words = new Words(book, catalog, this.desk)
  }

  /** The entry that stands for an incident now: merges are followed. */
  current(id: string): IncidentEntry | undefined {
    let entry = this.#book.incident(id)
    for (let hops = 0; hops < 10; hops++) {
      const into = entry?.incident.mergedInto
      const next = into === null || into === undefined ? undefined : this.#book.incident(into)
      if (next === undefined) return entry
      entry = next
    }
    return entry
  }

  /** The run of this playbook on this subject, if one was begun for the incident or for one merged into it. */
  find(runs: readonly string[], playbook: Playbook, subject: Entity | undefined): RunEntry | undefined {
    return runs
      .map((id) => this.#book.run(id))
      .find(
        (run) =>
          run?.playbook.id === playbook.id && run.subject?.type === subject?.type && run.subject?.id === subject?.id,
      )
  }

  start(incident: IncidentBrief, playbook: Playbook, subject: Entity | undefined, turn: Turn): string {
    const id = derivedId('run', incident.id, playbook.id, subject?.type ?? '', subject?.id ?? '')
    const dryRun = playbook.destructive && this.#book.policy()?.enabled.includes(playbook.id) !== true
    this.#book.keepPlaybook(playbook)
    const run: RunEntry = {
      id,
      version: 0,
      tenant: incident.tenant,
      incidentId: incident.id,
      playbook: { id: playbook.id, version: playbook.version },
      ...(subject === undefined ? {} : { subject }),
      state: 'running',
      dryRun,
      at: 0,
      entered: false,
      actions: {},
      steps: {},
      startedMs: turn.nowMs,
      arrivedMs: incident.arrivedMs,
    }
    this.#write(run, `Started${dryRun ? ' in dry run' : ''}.`, turn)
    turn.ready.add(id)
    return id
  }

  /** Lets every run that may be able to go on do so. */
  drain(turn: Turn): void {
    // What becomes ready meanwhile is added to the set, and comes up in this loop too.
    for (const id of turn.ready) {
      turn.ready.delete(id)
      this.#advance(id, turn)
    }
  }

  #advance(id: string, turn: Turn): void {
    for (;;) {
      const run = this.#book.run(id)
      const playbook = run === undefined ? undefined : this.#book.playbook(run.playbook.version)
      if (run === undefined || playbook === undefined || run.state !== 'running') return
      const step = playbook.steps[run.at]
      if (step === undefined) {
        this.#finish(run, turn)
        return
      }
      if (!run.entered) this.#enter(run, playbook, step, turn)
      else {
        const outcome = this.#outcomeOf(run, step, turn)
        if (outcome === undefined) return
        this.#leave(run, playbook, step, outcome, turn)
      }
    }
  }

  #enter(run: RunEntry, playbook: Playbook, step: Step, turn: Turn): void {
    const incident = this.current(run.incidentId)?.incident
    if (incident === undefined) {
      this.#write({ ...run, state: 'stopped', stopped: 'failed' }, 'Its incident is not known any more.', turn)
      return
    }
    if (step.when !== undefined && !holds(step.when, this.#scopeOf(run, playbook, incident))) {
      this.#book.setRun({ ...run, at: run.at + 1, steps: { ...run.steps, [step.id]: 'skipped' } })
      return
    }
    if (step.waitMs !== undefined) {
      const untilMs = turn.nowMs + step.waitMs
      this.#book.addTimer({ kind: 'wait', id: run.id, atMs: untilMs })
      this.#book.setRun({ ...run, entered: true, untilMs })
      return
    }
    const ids = step.actions.map((action) => [action.id, actionIdOf(run, playbook, action.id)] as const)
    this.#book.setRun({ ...run, entered: true, actions: { ...run.actions, ...Object.fromEntries(ids) } })
    for (const action of step.actions) this.#ask(run, playbook, incident, action, undefined, turn)
  }

  #ask(
    run: RunEntry,
    playbook: Playbook,
    incident: IncidentBrief,
    step: StepAction,
    waiting: ActionEntry | undefined,
    turn: Turn,
  ): void {
    const notice = () =>
      writeNotice({ incident, playbook, dryRun: run.dryRun, actions: this.actionsOf(run.incidentId), waiting })
    const args = fill(step.with, this.#scopeOf(run, playbook, incident), notice)
    this.desk.ask({ run, playbook, incident, step, args }, turn)
  }

  /** Tells those who may approve an action that it waits for them. */
  #askPeople(entry: ActionEntry, turn: Turn): void {
    const run = this.#book.run(entry.action.runId)
    const playbook = this.#book.playbook(entry.action.playbook.version)
    const incident = this.current(entry.action.incidentId)?.incident
    if (run === undefined || playbook === undefined || incident === undefined) return
    const step = playbook.steps.flatMap(({ actions }) => actions).find(({ id }) => id === entry.action.step)
    for (const ask of step?.approval?.ask ?? []) {
      const id = actionIdOf(run, playbook, ask.id)
      const latest = this.#book.run(run.id) ?? run
      this.#book.setRun({ ...latest, actions: { ...latest.actions, [ask.id]: id } })
      this.#ask(run, playbook, incident, ask, entry, turn)
    }
  }

  /** How the step that a run stands at has ended; undefined while it has not. */
  #outcomeOf(run: RunEntry, step: Step, turn: Turn): 'done' | 'failed' | undefined {
    if (step.waitMs !== undefined) return turn.nowMs >= (run.untilMs ?? 0) ? 'done' : undefined
    const actions = step.actions.map(({ id }) => this.#book.action(run.actions[id] ?? '')?.action)
    if (actions.some((action) => action !== undefined && !isSettled(action))) return undefined
    const succeeded = actions.every(
      (action) => action?.state === 'done' || action?.state === 'verified' || action?.state === 'dry-run',
    )
    return succeeded ? 'done' : 'failed'
  }

  #leave(run: RunEntry, playbook: Playbook, step: Step, outcome: 'done' | 'failed', turn: Turn): void {
    const { untilMs: _until, ...rest } = run
    const left: RunEntry = { ...rest, entered: false, steps: { ...run.steps, [step.id]: outcome } }
    if (outcome === 'done' || step.onFailure === 'continue') this.#book.setRun({ ...left, at: run.at + 1 })
    else if (step.onFailure === 'stop')
      this.#write({ ...left, state: 'stopped', stopped: 'failed' }, `Stopped: the step ${step.id} failed.`, turn)
    else this.#book.setRun({ ...left, at: playbook.steps.findIndex(({ id }) => id === step.onFailure) })
  }

  #finish(run: RunEntry, turn: Turn): void {
    this.#write({ ...run, state: 'finished' }, 'Finished.', turn)
    // What was said has been said: only what can be taken back must be remembered.
    for (const id of Object.values(run.actions)) {
      const entry = this.#book.action(id)
      if (entry?.message === true && isSettled(entry.action)) this.#book.deleteAction(id)
    }
  }

  /** The incident was closed or withdrawn: what has not been done is not done any more. */
  withdraw(runIds: readonly string[], why: string, turn: Turn): void {
    for (const id of runIds) {
      const run = this.#book.run(id)
      if (run?.state !== 'running') continue
      this.#write({ ...run, state: 'stopped', stopped: 'withdrawn' }, why, turn)
      for (const actionId of Object.values(run.actions)) {
        const entry = this.#book.action(actionId)
        if (entry !== undefined) this.desk.withdraw(entry, turn)
      }
    }
  }

  /** The incident is open again: its runs go on where they were stopped. */
  resume(runIds: readonly string[], turn: Turn): void {
    for (const id of runIds) {
      const run = this.#book.run(id)
      if (run?.state !== 'stopped' || run.stopped !== 'withdrawn') continue
      const { stopped: _stopped, ...rest } = run
      this.#write({ ...rest, state: 'running' }, 'Taken up again: the incident is open again.', turn)
      for (const actionId of Object.values(run.actions)) {
        const entry = this.#book.action(actionId)
        if (entry?.action.reason === 'WITHDRAWN')
          this.desk.again(entry, this.#book.playbook(run.playbook.version), turn)
      }
      turn.ready.add(id)
    }
  }

  /** Destructive actions of these runs that took effect, or may have, and were not taken back. */
  acted(runIds: readonly string[]): readonly ActionEntry[] {
    return runIds
      .flatMap((id) => Object.values(this.#book.run(id)?.actions ?? {}))
      .map((id) => this.#book.action(id))
      .filter((entry) => entry !== undefined)
      .filter(({ action }) => action.destructive && hasActed(action))
  }

  /** All actions of an incident's runs that are remembered, in the order in which they were asked for. */
  actionsOf(incidentId: string): readonly ActionEntry[] {
    const runs = this.current(incidentId)?.runs ?? []
    return runs
      .flatMap((id) => Object.values(this.#book.run(id)?.actions ?? {}))
      .map((id) => this.#book.action(id))
      .filter((entry) => entry !== undefined)
  }

  #scopeOf(run: RunEntry, playbook: Playbook, incident: IncidentBrief): Scope {
    return {
      incident,
      subject: run.subject,
      playbook,
      step: (id) => this.#view(run.id, id),
    }
  }

  #view(runId: string, id: string): StepView {
    const run = this.#book.run(runId)
    const entry = this.#book.action(run?.actions[id] ?? '')
    if (entry === undefined) return { state: run?.steps[id] ?? 'not-reached', summary: '' }
    const { state, summary } = entry.action
    return { state: isSettled(entry.action) ? state : 'waiting', summary }
  }

  #write(run: RunEntry, summary: string, turn: Turn): void {
    const next = { ...run, version: run.version + 1 }
    this.#book.setRun(next)
    const step = this.#book.playbook(run.playbook.version)?.steps[run.at]?.id
    const told: Run = {
      id: run.id,
      version: next.version,
      tenant: run.tenant,
      incidentId: run.incidentId,
      playbook: run.playbook,
      ...(run.subject === undefined ? {} : { subject: run.subject }),
      state: run.state,
      dryRun: run.dryRun,
      ...(step === undefined ? {} : { step }),
      startedAt: new Date(run.startedMs).toISOString(),
      at: turn.at,
      summary,
    }
    turn.run(told)
  }
}
