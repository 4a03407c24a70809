/**
 * Respond: incidents and people's decisions in, actions out.
 *
 * Stands after correlate and before licensing and the world. A function of one log, `warden.effects`: incidents and
 * decisions are relayed into it, its own records and the sidecar's come back through it, and ticks bring the time. Pure: the
 * sidecar alone calls anybody.
 */
import type { Bundle, ContentFile } from '../../core/content.ts'
import type { ContentSet } from '../../core/control.ts'
import type { Decision } from '../../core/decision.ts'
import { Effect, type Policy } from '../../core/effect.ts'
import type { Mistake } from '../../core/errors.ts'
import { complaintText } from '../../core/form-words.ts'
import type { Incident } from '../../core/incident.ts'
import { parseJson } from '../../core/json.ts'
import type { Outcome, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'
import { Book, type IncidentEntry } from './book.ts'
import type { Catalog } from './catalog.ts'
import { compilePlaybooks } from './compile.ts'
import { mayDecide } from './ids.ts'
import { briefOf, type IncidentBrief } from './incident-brief.ts'
import { playbookLimits, type Playbook } from './playbook.ts'
import { Pruner } from './prune.ts'
import { Runs } from './runs.ts'
import { isOpen, isTriggered, subjectsOf } from './trigger.ts'
import { Turn } from './turn.ts'

/** Incidents that wait for the first policy, at most. */
const parkedMax = 10_000

export class RespondLogic implements StageLogic {
  readonly #book: Book
  readonly #runs: Runs
  readonly #catalog: Catalog
  readonly #pruner: Pruner
  readonly #partition: number
  #playbooks: readonly Playbook[] = []

  constructor(context: TaskContext, catalog: Catalog) {
    this.#book = new Book(context.state)
    this.#catalog = catalog
    this.#runs = new Runs(this.#book, catalog)
    this.#pruner = new Pruner(this.#book)
    this.#partition = context.at.partition
  }

  record(record: StageRecord, out: Outcome): void {
    const json = parseJson(record.value)
    if (!json.ok) {
      out.deadLetter(json.code, json.message)
      return
    }
    const effect = Effect.safeParse(json.value)
    if (!effect.success) {
      out.deadLetter('NOT_AN_EFFECT', complaintText(effect.error))
      return
    }
    const turn = new Turn(out, this.#partition, record.appendedMs, record.arrivedMs)
    this.#expire(turn)
    this.#apply(effect.data, turn)
    this.#runs.drain(turn)
  }

  tick(appendedMs: number, out: Outcome): void {
    const turn = new Turn(out, this.#partition, appendedMs, appendedMs)
    this.#expire(turn)
    this.#runs.drain(turn)
    this.#pruner.prune(appendedMs)
  }

  content(_set: ContentSet, _bundle: Bundle, files: readonly ContentFile[]): readonly Mistake[] {
    const { playbooks, mistakes } = compilePlaybooks(files, this.#catalog)
    // What answers only where nobody else does is asked last.
    if (mistakes.length === 0)
      this.#playbooks = playbooks.toSorted((a, b) => Number(a.trigger.unanswered) - Number(b.trigger.unanswered))
    return mistakes
  }

  #apply(effect: Effect, turn: Turn): void {
    switch (effect.kind) {
      case 'incident':
        this.#incident(effect.incident, turn)
        break
      case 'decision':
        this.#decision(effect.decision, turn)
        break
      case 'action':
        this.#runs.desk.report(effect.action, turn)
        break
      case 'policy':
        this.#policy(effect.policy, turn)
        break
      case 'run':
      case 'flag':
        turn.out.drop('own-record')
        break
    }
  }

  /** From here on these bounds hold; what came before the first ones is looked at now. */
  #policy(policy: Policy, turn: Turn): void {
    this.#book.state.set('policy', policy)
    const parked = [...this.#book.state.entries<IncidentBrief>('parked/')]
    for (const [key, incident] of parked) {
      this.#book.state.delete(key)
      this.#answer(incident, turn)
    }
  }

  #incident(incident: Incident, turn: Turn): void {
    const brief = briefOf(incident, turn.arrivedMs)
    if (this.#book.policy() !== undefined) {
      this.#answer(brief, turn)
      return
    }
    const parked = [...this.#book.state.entries('parked/')].length
    if (parked >= parkedMax) turn.out.deadLetter('NOT_AN_EFFECT', `${parkedMax} incidents wait for a policy already.`)
    else this.#book.state.set(`parked/${brief.id}`, brief)
  }

  /** Stops, takes up again or begins what an incident's new version asks for. */
  #answer(incident: IncidentBrief, turn: Turn): void {
    const known = this.#book.incident(incident.id)
    if (known !== undefined && known.incident.version >= incident.version) {
      turn.out.drop('stale')
      return
    }
    const runs = this.#runsOf(incident, known)
    let entry: IncidentEntry = { incident, runs, flagged: known?.flagged ?? [], touchedMs: turn.nowMs }
    // An incident that nothing was ever begun for need not be remembered.
    if (runs.length > 0) this.#book.setIncident(entry)
    if (incident.status === 'closed' || incident.status === 'retracted')
      this.#runs.withdraw(runs, `Stopped: the incident is ${incident.status}.`, turn)
    if (runs.length > 0) entry = this.#flagWithdrawn(entry, turn)
    if (!isOpen(incident)) return
    this.#runs.resume(runs, turn)
    // The two come over different partitions: the one that is superseded may come last, and is answered already.
    if (this.#book.supersededBy(incident.id) !== undefined) turn.out.drop('superseded')
    else this.#begin(entry, turn)
    this.#book.noteSuperseded(incident, known?.incident.supersedes ?? [])
  }

  /** Its own runs, and those of the incidents that were merged into it. */
  #runsOf(incident: IncidentBrief, known: IncidentEntry | undefined): readonly string[] {
    const merged = incident.supersedes.flatMap((id) => this.#book.incident(id)?.runs ?? [])
    return [...new Set([...(known?.runs ?? []), ...merged])]
  }

  #begin(entry: IncidentEntry, turn: Turn): void {
    const { incident } = entry
    const flagged = [...entry.flagged]
    const runs = [...entry.runs]
    const begun: string[] = []
    for (const playbook of this.#playbooks) {
      if (!isTriggered(playbook, incident)) continue
      if (playbook.trigger.unanswered && this.#isAnswered(runs, playbook)) continue
      for (const subject of subjectsOf(playbook, incident)) {
        if (this.#runs.find(runs, playbook, subject) !== undefined) continue
        const code = `SUBJECTS_MAX/${playbook.id}`
        if (this.#countOf(runs, playbook) >= playbookLimits.subjectsMax) {
          if (!flagged.includes(code)) {
            flagged.push(code)
            const message = `The incident has more than ${playbookLimits.subjectsMax} of what ${playbook.id} acts upon; the others are left to a person.`
            turn.flag(code, {
              tenant: incident.tenant,
              incidentId: incident.id,
              code: 'SUBJECTS_MAX',
              message,
              actions: [],
            })
          }
          break
        }
        const id = this.#runs.start(incident, playbook, subject, turn)
        runs.push(id)
        begun.push(id)
      }
    }
    if (begun.length === 0 && flagged.length === entry.flagged.length) return
    this.#book.setIncident({ ...entry, runs, flagged })
  }

  #isAnswered(runs: readonly string[], playbook: Playbook): boolean {
    return runs.some((id) => this.#book.run(id)?.playbook.id !== playbook.id)
  }

  #countOf(runs: readonly string[], playbook: Playbook): number {
    return runs.filter((id) => this.#book.run(id)?.playbook.id === playbook.id).length
  }

  /** What was done on a finding that no longer holds is never silently taken back: a person decides. */
  #flagWithdrawn(entry: IncidentEntry, turn: Turn): IncidentEntry {
    const { incident } = entry
    const why = withdrawnBecause(incident)
    if (why === undefined || entry.flagged.includes(`ACTED_ON_WITHDRAWN/${why}`)) return entry
    const acted = this.#runs.acted(entry.runs)
    if (acted.length === 0) return entry
    const about = incident.mergedInto ?? incident.id
    const deeds = acted.slice(0, 10).map(({ what, action, undoable }) => {
      return undoable ? `${what} (npx modelwarden incidents undo ${about} ${action.id})` : `${what} (this is final)`
    })
    const message = `The incident ${incident.id} ${why}, but this was done on it and stands: ${deeds.join('; ')}. Decide whether to take it back.`
    turn.flag(`${incident.id}/${why}`, {
      tenant: incident.tenant,
      incidentId: about,
      code: 'ACTED_ON_WITHDRAWN',
      message: message.slice(0, 4_000),
      actions: acted.map(({ action }) => action.id),
    })
    const flagged: IncidentEntry = { ...entry, flagged: [...entry.flagged, `ACTED_ON_WITHDRAWN/${why}`] }
    this.#book.setIncident(flagged)
    return flagged
  }

  #decision(decision: Decision, turn: Turn): void {
    switch (decision.kind) {
      case 'approval':
        this.#runs.words.decide(decision, (version) => this.#book.playbook(version), turn)
        break
      case 'undo':
        this.#runs.words.undo(decision, turn)
        break
      case 'global-stop':
        this.#globalStop(decision, turn)
        break
      case 'acknowledge':
      case 'assign':
      case 'note':
      case 'close':
      case 'reopen':
      case 'unmerge':
      case 'license.put':
      case 'credential.put':
        // Correlate's and licensing's to obey; an incident that changes by it comes as its next version.
        turn.out.drop('not-for-respond')
        break
    }
  }

  #globalStop(decision: Extract<Decision, { kind: 'global-stop' }>, turn: Turn): void {
    if (!mayDecide(decision.roles, 'responder')) {
      turn.out.drop('not-allowed')
      return
    }
    this.#book.state.set('stopped', decision.stopped)
    if (decision.stopped) {
      for (const id of this.#book.open()) this.#regate(id, turn)
    } else {
      for (const id of this.#book.held()) this.#regate(id, turn)
    }
  }

  /** What is let go but not attempted is held; what was held goes before the gates again. */
  #regate(id: string, turn: Turn): void {
    const entry = this.#book.action(id)
    if (entry === undefined || entry.undoOf !== undefined) return
    if (entry.action.state !== 'reserved' && entry.action.state !== 'asked') return
    this.#runs.desk.again(entry, this.#book.playbook(entry.action.playbook.version), turn)
  }

  #expire(turn: Turn): void {
    for (const timer of this.#book.takeDue(turn.nowMs)) {
      if (timer.kind === 'wait') turn.ready.add(timer.id)
      else this.#runs.desk.expire(timer.kind, timer.id, turn)
    }
  }
}

/** Why what was done on an incident needs a second look; undefined where it does not. */
function withdrawnBecause({ status, verdict, mergedInto }: IncidentBrief): string | undefined {
  if (status === 'retracted') return 'was retracted'
  if (status === 'closed' && (verdict === 'false-positive' || verdict === 'benign-true-positive'))
    return `was closed as ${verdict}`
  if (status === 'merged') return `was merged into ${mergedInto ?? 'another'}`
  return undefined
}
