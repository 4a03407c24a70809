/**
 * Groups signals into incidents.
 *
 * Stands after detect and before respond. Pure: time arrives in the records, the runtime keeps the state. Whenever a signal
 * comes, is revised or retracted, the incidents around it are drawn anew from the set of signals, so the order of arrival
 * leaves no trace in what is finally said.
 *
 * Promises: the same signal applied twice changes nothing; the final set of incidents follows from the final set of signals
 * (as long as no limit of options.ts is hit, which is flagged); a closed incident takes no further signal.
 */
import { Decision } from '../../core/decision.ts'
import type { Incident } from '../../core/incident.ts'
import { parseJson } from '../../core/json.ts'
import { Signal } from '../../core/signal.ts'
import type { Outcome, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'
import { clusterSignals, type Cluster } from './clusters.ts'
import { contributionOf, earliest, withFirst, type Contribution, type FirstSaid } from './contribution.ts'
import type { Correlation, Moment } from './correlation.ts'
import { applyDecision } from './decide.ts'
import { IncidentBook, type StoredIncident } from './incident-book.ts'
import { IncidentNames } from './incident-names.ts'
import type { CorrelateOptions } from './options.ts'
import { assessRisk } from './risk.ts'
import { SignalBook } from './signal-book.ts'
import { tellStory } from './story.ts'
import { sweep, type SweepState } from './sweep.ts'

const live: ReadonlySet<Incident['status']> = new Set(['open', 'acknowledged', 'closed'])

export class CorrelateLogic implements StageLogic, Correlation {
  readonly #options: CorrelateOptions
  readonly #context: TaskContext
  readonly signals: SignalBook
  readonly incidents: IncidentBook

  constructor(context: TaskContext, options: CorrelateOptions) {
    this.#options = options
    this.#context = context
    this.signals = new SignalBook(context.state, options)
    this.incidents = new IncidentBook(context.state)
  }

  record(record: StageRecord, out: Outcome): void {
    const parsed = parseJson(record.value)
    if (!parsed.ok) {
      out.deadLetter(parsed.code, parsed.message)
      return
    }
    const moment = { appendedMs: record.appendedMs, arrivedMs: record.arrivedMs }
    if (isWrappedDecision(parsed.value)) {
      const decision = Decision.safeParse(parsed.value.decision)
      if (decision.success) applyDecision(this, decision.data, moment, out)
      else out.deadLetter('NOT_A_DECISION', 'The record does not have the form of a decision.')
      return
    }
    const signal = Signal.safeParse(parsed.value)
    if (!signal.success) {
      out.deadLetter(
        'NOT_A_SIGNAL',
        `The record does not have the form of a signal: ${signal.error.issues[0]?.path.join('.') ?? ''}`,
      )
    } else if (signal.data.rule.shadow) out.drop('shadow')
    else if (signal.data.synthetic === true) out.drop('synthetic')
    else this.#takeSignal(signal.data, moment, out)
  }

  watermark(eventTimeMs: number, out: Outcome): void {
    const state = this.#context.state.get<SweepState>('sweep')
    const next = sweep(this, eventTimeMs, state, this.#options, out)
    if (next !== undefined) this.#context.state.set('sweep', next)
  }

  /** Event time complete so far; a cluster whose window it has passed is settled. */
  get #completeMs(): number {
    return this.#context.state.get<SweepState>('sweep')?.completeMs ?? -Infinity
  }

  #takeSignal(signal: Signal, moment: Moment, out: Outcome): void {
    const known = this.signals.get(signal.id)
    const said = contributionOf(signal, moment.arrivedMs)
    const first = this.#firstSaid(signal, said)
    if (known !== undefined && known.version >= signal.version) {
      if (known.first.atMs === first.atMs && known.first.version === first.version) out.drop('stale')
      else this.redraw(known, moment, out, withFirst(known, first))
      return
    }
    const contribution: Contribution = {
      ...withFirst(said, first),
      ...(known?.sealedBy === undefined ? {} : { sealedBy: known.sealedBy }),
      ...(known?.apart === undefined ? {} : { apart: known.apart }),
      ...(signal.status === 'retracted' ? { gone: true } : {}),
    }
    if (!this.signals.hasRoomFor(contribution)) {
      out.drop('too-many-signals')
      this.#flagFull(contribution, moment, out)
      return
    }
    if (known !== undefined) this.redraw(known, moment, out, contribution)
    else {
      this.signals.put(contribution)
      this.redraw(contribution, moment, out)
    }
  }

  /** What the incident of a finding is named by: over its versions, and over those of what it replaces. */
  #firstSaid(signal: Signal, said: Contribution): FirstSaid {
    const known = this.signals.get(signal.id)
    if (signal.rule.kind === 'sigma')
      return known !== undefined && known.version >= signal.version ? known.first : said.first
    const others = [signal.id, ...signal.supersedes].flatMap((id) => this.signals.get(id)?.first ?? [])
    return earliest([said.first, ...others]) ?? said.first
  }

  /** Draws anew what is around a signal; `replacement` takes its place first. */
  redraw(seed: Contribution, moment: Moment, out: Outcome, replacement?: Contribution): void {
    const around = new Map(this.signals.around(seed).map((signal) => [signal.id, signal]))
    if (replacement !== undefined) {
      this.signals.put(replacement)
      for (const signal of this.signals.around(replacement)) around.set(signal.id, signal)
    }
    const candidates = [...around.values()]
    const previous = new Set(
      candidates.map((signal) => this.incidents.incidentOf(signal.id)).filter((id) => id !== undefined),
    )
    const free = candidates.filter((signal) => signal.gone !== true && signal.sealedBy === undefined)
    const clusters = clusterSignals(free, (entity) => this.signals.isShared(seed.scope, entity), this.#options)
    const drawn = new Map<string, Cluster>()
    const names = new IncidentNames(this, previous, free, this.#options)
    for (const cluster of clusters) {
      const id = this.#draw(cluster, previous, names, moment, out)
      if (id !== undefined) drawn.set(id, cluster)
    }
    for (const id of previous) if (!drawn.has(id)) this.#withdraw(id, drawn, moment, out)
  }

  /** Makes or revises the incident of a cluster; its id, or `undefined` while the cluster is below the line. */
  #draw(
    cluster: Cluster,
    previous: ReadonlySet<string>,
    names: IncidentNames,
    moment: Moment,
    out: Outcome,
  ): string | undefined {
    const assessment = assessRisk(cluster, this.#options)
    const { openedAtMs } = assessment
    if (openedAtMs === undefined) return undefined
    const [first] = cluster
    const lastMs = Math.max(...cluster.map((signal) => signal.atMs))
    const id = names.take(cluster)
    const members = new Set(cluster.map((signal) => signal.id))
    const replaced = [...previous].filter(
      (other) => other !== id && this.incidents.get(other)?.members.some((member) => members.has(member)),
    )
    const before = this.incidents.get(id)
    // A closed incident is drawn only by reopening it; its signals are sealed until then.
    const heirs = [before, ...replaced.map((other) => this.incidents.get(other))].filter(
      (stored) => stored !== undefined,
    )
    const standing = heirs.some((stored) => stored.standing === 'acknowledged') ? 'acknowledged' : 'open'
    const assignee = heirs.find((stored) => stored.incident.assignee !== undefined)?.incident.assignee
    const notes = new Map(heirs.flatMap((stored) => stored.incident.notes).map((note) => [note.id, note]))
    const stillMerged = (before?.incident.supersedes ?? []).filter((other) => !this.#comesBack(other, members))
    const incident: Incident = {
      id,
      version: 1,
      tenant: first.scope,
      status: standing,
      settled: this.#completeMs >= lastMs + this.#options.joinWindowMs,
      severity: assessment.severity,
      risk: assessment.risk,
      ...tellStory(cluster, { ...assessment, openedAtMs }),
      firstSeen: new Date(Math.min(...cluster.map((signal) => signal.sinceMs))).toISOString(),
      lastSeen: new Date(lastMs).toISOString(),
      openedAt: new Date(openedAtMs).toISOString(),
      updatedAt: new Date(moment.appendedMs).toISOString(),
      ...(assignee === undefined ? {} : { assignee }),
      notes: [...notes.values()].sort((a, b) => (a.at < b.at ? -1 : 1)),
      supersedes: [...new Set([...stillMerged, ...replaced])].sort(),
      flags: before?.incident.flags ?? [],
      arrivedMs: moment.arrivedMs,
    }
    const { decided = [], namedToTheMs } = before ?? {}
    const stored: StoredIncident = { incident, members: [...members], standing, decided }
    this.incidents.put(namedToTheMs === undefined ? stored : { ...stored, namedToTheMs }, out)
    return id
  }

  /** Whether a superseded incident's signals have left this cluster again. */
  #comesBack(superseded: string, members: ReadonlySet<string>): boolean {
    return this.incidents.get(superseded)?.members.some((member) => members.has(member)) !== true
  }

  /** An incident that is no longer drawn: another has its signals now, or it has fallen below the line. */
  #withdraw(id: string, drawn: ReadonlyMap<string, Cluster>, moment: Moment, out: Outcome): void {
    const stored = this.incidents.get(id)
    if (stored === undefined || !live.has(stored.incident.status) || stored.standing === 'closed') return
    let heir: string | undefined
    let most = 0
    for (const [other, cluster] of drawn) {
      const shared = cluster.filter((signal) => stored.members.includes(signal.id)).length
      if (shared > most) [heir, most] = [other, shared]
    }
    const { mergedInto: _, ...incident } = stored.incident
    this.incidents.put(
      {
        ...stored,
        incident: {
          ...incident,
          status: heir === undefined ? 'retracted' : 'merged',
          ...(heir === undefined ? {} : { mergedInto: heir }),
          updatedAt: new Date(moment.appendedMs).toISOString(),
          arrivedMs: moment.arrivedMs,
        },
      },
      out,
    )
  }

  #flagFull(contribution: Contribution, moment: Moment, out: Outcome): void {
    for (const neighbor of this.signals.around(contribution)) {
      const stored = this.#storedOf(neighbor)
      if (stored === undefined) continue
      if (stored.incident.flags.some((flag) => flag.code === 'SIGNALS_CAPPED')) return
      const at = new Date(moment.appendedMs).toISOString()
      const message = `More than ${this.#options.signalsPerPrincipalMax} signals of one principal: further ones are in the index, not in this incident.`
      const flags = [...stored.incident.flags, { code: 'SIGNALS_CAPPED', message, at }]
      this.incidents.put({ ...stored, incident: { ...stored.incident, flags, updatedAt: at } }, out)
      return
    }
  }

  #storedOf(signal: Contribution): StoredIncident | undefined {
    const id = this.incidents.incidentOf(signal.id)
    return id === undefined ? undefined : this.incidents.get(id)
  }
}

function isWrappedDecision(value: unknown): value is { readonly kind: 'decision'; readonly decision: unknown } {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'decision' && 'decision' in value
  )
}
