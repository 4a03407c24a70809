/**
 * Correlations whose condition more events can only help: windows that slide over event time, findings told at once.
 *
 * Pure. The semantics are docs/decisions/010-sigma-windows.md's: at each instant at which an event happened, the window is what
 * happened in the timespan up to it. Instants at which the condition holds, no more than a timespan apart, are one burst; a
 * burst is one finding, anchored at the first event of the first such window.
 *
 * Promises: once the watermark has passed, the findings left open are those of the events sorted and without duplicates,
 * however they arrived. An event in order costs amortized constant time (temporal_ordered: the window's length), a late one
 * the length of what the group remembers. A group that outgrows `entriesMax` does not wait for late events as long as it
 * should, and counts in bulk where that is not enough: the findings that this may concern say so (`incomplete`).
 */
import type { EvidenceRef } from '../../core/signal.ts'
import { addsUp, conditionHolds, countsByRule, createAggregate, valueKindOf, type Aggregate } from './aggregates.ts'
import { StateViews } from './state-views.ts'
import type {
  CorrelationFinding,
  CorrelationOperator,
  GroupState,
  Observation,
  OperatorStep,
  SigmaCorrelation,
} from './types.ts'
import {
  carriers,
  compress,
  entriesMax,
  entriesOf,
  idAs,
  insertAt,
  placeFor,
  shortId,
  spread,
  type Entry,
  type ValueKind,
} from './window-entries.ts'

/** Entries after which it is looked whether the watermark has passed some. */
const lookEvery = 16
/** The share of all room that must be free again once a group has outgrown it. */
const roomShare = 0.9
/** Findings taken back whose version is remembered, in case they return. */
const retractedMax = 64

interface Burst {
  anchor: number
  /** First and last instant at which the condition held. */
  first: number
  last: number
  /** Events from anchor to last. */
  count: number
  peak: number
}

/** The part of a burst that the watermark has passed. */
interface Head extends Burst {
  evidence: readonly EvidenceRef[]
}

/** A finding as it was last told. */
interface Told {
  anchor: number
  first: number
  last: number
  count: number
  peak: number
  version: number
  retracted?: true
  incomplete?: true
}

/** What is kept of a group. JSON. */
interface State {
  /** Instants before it are settled; null: none. */
  settledMs: number | null
  entries: Entry[]
  head: Head | null
  told: Told[]
  /** Up to here the group has not waited for all late events, or has counted in bulk; null: nowhere. */
  roughMs: number | null
}

/** What can be computed from a state, kept while the state is in memory. */
interface View {
  readonly aggregate: Aggregate
  /** Entries that carry evidence. */
  carrying: number
  /** First entry of the window that ends with the last entry. */
  low: number
  /** Events after the last burst's last instant. */
  pending: number
  /** Events in the window. */
  inWindow: number
  /** Bursts not yet closed, the head's first. */
  bursts: Burst[]
}

export class SlidingOperator implements CorrelationOperator {
  readonly correlation: SigmaCorrelation
  readonly stateVersion = 3
  readonly #spanMs: number
  readonly #kind: ValueKind
  /** An event that several rules match counts for each of them. */
  readonly #byRule: boolean
  readonly #views = new StateViews<State, View>()

  constructor(correlation: SigmaCorrelation) {
    this.correlation = correlation
    this.#spanMs = correlation.timespanMs
    this.#kind = valueKindOf(correlation.type)
    this.#byRule = countsByRule(correlation.type)
  }

  apply(given: GroupState | undefined, observation: Observation, watermarkMs: number): OperatorStep {
    const t = observation.timestampMs
    if (t < watermarkMs) return { state: given, findings: [], dropped: 'late' }
    const state = (given as State | undefined) ?? newState()
    const id = this.#byRule ? idAs(observation, observation.base) : shortId(observation.eventId)
    if (observation.retracted === true) return this.#takeBack(given, state, id)
    let at = placeFor(state.entries, t, id)
    if (at < 0) return { state: given, findings: [], dropped: 'duplicate' }
    const added = entriesOf(observation, id, this.#kind)
    if (this.#byRule && this.#isKnownAsAnother(state, observation)) Object.assign(added[0]!, { n: 0, e: undefined })
    if (added.length === 0) return { state: given, findings: [], dropped: 'no-value' }
    const before = state.entries
    const settled = this.#makeRoom(state, added.length, watermarkMs)
    if (before !== state.entries) at = placeFor(state.entries, t, id)
    const view = this.#view(state)
    const inserted = insertAt(state.entries, at, added, view.carrying)
    view.carrying = inserted.carrying
    if (at + added.length === state.entries.length && !this.#mayUndo(state, at)) this.#judge(state, view, at, Infinity)
    else this.#replay(state, view)
    const told = this.#tell(state, -Infinity)
    const findings = settled.length === 0 ? told : [...settled, ...told]
    return { state, findings, changedFrom: before === state.entries ? inserted.changedFrom : 0 }
  }

  advance(given: GroupState, watermarkMs: number): OperatorStep {
    const state = given as State
    const before = state.entries
    const findings = this.#settle(state, watermarkMs)
    const nothing = state.entries.length === 0 && state.head === null
    return { state: nothing ? undefined : state, findings, changedFrom: before === state.entries ? Infinity : 0 }
  }

  dueMs(given: GroupState): number {
    const state = given as State
    const last = this.#view(state).bursts[0]?.last ?? state.entries.at(-1)?.t
    return last === undefined ? -Infinity : last + this.#spanMs + 1
  }

  /** A negative value takes from the sum of an instant that has been judged without it. */
  #mayUndo({ entries }: State, at: number): boolean {
    return this.correlation.type === 'value_sum' && entries[at - 1]?.t === entries[at]!.t
  }

  /** It is one event all the same: counted, and shown, once. */
  #isKnownAsAnother({ entries }: State, observation: Observation): boolean {
    return this.correlation.base.some(
      (_, base) => base !== observation.base && placeFor(entries, observation.timestampMs, idAs(observation, base)) < 0,
    )
  }

  /** The observation of this id is taken back. */
  #takeBack(given: GroupState | undefined, state: State, id: string): OperatorStep {
    const kept = state.entries.filter((entry) => entry.id !== id)
    if (kept.length === state.entries.length) return { state: given, findings: [], dropped: 'duplicate' }
    state.entries = kept
    this.#views.delete(state)
    return { state, findings: this.#tell(state, -Infinity) }
  }

  #view(state: State): View {
    const known = this.#views.get(state)
    if (known !== undefined) return known
    const view = this.#newView(state, carriers(state.entries))
    this.#views.set(state, view)
    this.#judge(state, view, 0, Infinity)
    return view
  }

  #newView(state: State, carrying: number): View {
    const bursts = state.head === null ? [] : [burstOf(state.head)]
    return { carrying, aggregate: createAggregate(this.correlation), low: 0, pending: 0, inWindow: 0, bursts }
  }

  /** A late event has come in between: judges all again. */
  #replay(state: State, view: View): void {
    const again = this.#newView(state, view.carrying)
    this.#views.set(state, again)
    this.#judge(state, again, 0, Infinity)
  }

  /** Judges the instants of the entries from `from` on that lie before `untilMs`. */
  #judge(state: State, view: View, from: number, untilMs: number): void {
    const { entries, head } = state
    const settledMs = state.settledMs ?? -Infinity
    for (let at = from; at < entries.length && entries[at]!.t < untilMs;) {
      const t = entries[at]!.t
      for (; at < entries.length && entries[at]!.t === t; at++) {
        const entry = entries[at]!
        view.aggregate.add(entry)
        view.inWindow += entry.n
        view.pending += entry.n
      }
      for (; entries[view.low]!.t < t - this.#spanMs; view.low++) {
        const entry = entries[view.low]!
        view.aggregate.remove(entry)
        view.inWindow -= entry.n
      }
      if (t >= settledMs) this.#judgeInstant(entries, view, t, at)
      // What is settled was judged before; only what the head has not counted yet is still to be counted.
      else if (head === null || t <= head.last) view.pending = 0
    }
  }

  #judgeInstant(entries: readonly Entry[], view: View, t: number, end: number): void {
    const measured = view.aggregate.measure(entries, view.low, end)
    if (!conditionHolds(this.correlation, measured)) return
    const burst = view.bursts.at(-1)
    if (burst !== undefined && t - burst.last <= this.#spanMs) {
      burst.last = t
      burst.count += view.pending
      burst.peak = Math.max(burst.peak, measured)
    } else {
      view.bursts.push({ anchor: entries[view.low]!.t, first: t, last: t, count: view.inWindow, peak: measured })
    }
    view.pending = 0
  }

  /** Forgets what the watermark has passed once that is half of what is kept, and more where that is not enough. */
  #makeRoom(state: State, more: number, watermarkMs: number): readonly CorrelationFinding[] {
    const { length } = state.entries
    // Looked at now and then; when, follows from the state alone.
    const passed = length % lookEvery === 0 && length > 0 && state.entries[length >>> 1]!.t < watermarkMs - this.#spanMs
    const settled = passed ? this.#settle(state, watermarkMs) : nothingToTell
    if (state.entries.length + more <= entriesMax) return settled
    return [...settled, ...this.#outgrow(state, more)]
  }

  /** There is no more room: late events are waited for no further back than three quarters of it reach. */
  #outgrow(state: State, more: number): readonly CorrelationFinding[] {
    const { entries } = state
    const untilMs = Math.min(entries[entries.length >>> 2]!.t + this.#spanMs, entries.at(-1)!.t)
    state.roughMs = Math.max(state.roughMs ?? untilMs, untilMs)
    const findings = this.#settle(state, untilMs)
    if (state.entries.length + more > entriesMax * roomShare) {
      state.roughMs = state.entries.at(-1)!.t
      state.entries = compress(state.entries, this.#spanMs, addsUp(this.correlation.type), state.head?.last)
      this.#views.delete(state)
    }
    return findings
  }

  /** No instant before `untilMs` is to be judged again: tells the bursts that it closes, and forgets what none needs any more. */
  #settle(state: State, untilMs: number): readonly CorrelationFinding[] {
    if (untilMs <= (state.settledMs ?? -Infinity)) return []
    const findings = this.#tell(state, untilMs)
    const settled = this.#newView(state, 0)
    this.#judge(state, settled, 0, untilMs)
    const last = settled.bursts.at(-1)
    const open = last !== undefined && last.last + this.#spanMs >= untilMs ? last : undefined
    const evidence = open === undefined ? [] : spread(evidenceOf(state, open))
    state.head = open === undefined ? null : { ...open, evidence }
    state.settledMs = untilMs
    state.entries = state.entries.filter((entry) => entry.t >= untilMs - this.#spanMs)
    this.#views.delete(state)
    return findings
  }

  /**
   * Tells what has changed of the bursts since they were last told. Those that can't go on at `untilMs` are told for the last
   * time, and forgotten.
   */
  #tell(state: State, untilMs: number): readonly CorrelationFinding[] {
    const { bursts } = this.#view(state)
    if (bursts.length === 0 && state.told.length === 0) return nothingToTell
    const findings: CorrelationFinding[] = []
    const gone = state.told.filter(
      (told) => told.retracted !== true && !bursts.some((burst) => burst.anchor === told.anchor),
    )
    for (const burst of bursts) {
      const final = burst.last + this.#spanMs < untilMs
      const supersedes = gone.filter((told) => told.anchor <= burst.last && told.last >= burst.anchor)
      const told = state.told.find(({ anchor }) => anchor === burst.anchor)
      const incomplete = this.#isIncomplete(state, burst)
      if (told === undefined || worthTelling(told, burst, supersedes.length > 0, final, incomplete)) {
        const version = (told?.version ?? 0) + 1
        findings.push(this.#finding(state, burst, version, 'open', supersedes, final))
        const now: Told = { ...burst, version, ...(incomplete ? { incomplete } : {}) }
        state.told = [...state.told.filter((other) => other !== told), now]
      }
      if (final) state.told = state.told.filter(({ anchor }) => anchor !== burst.anchor)
    }
    for (const told of gone) {
      told.version++
      told.retracted = true
      findings.push(this.#finding(state, told, told.version, 'retracted', [], false))
    }
    const retracted = state.told.filter((told) => told.retracted === true)
    if (retracted.length > retractedMax) {
      const forgotten = new Set(retracted.slice(0, retracted.length - retractedMax))
      state.told = state.told.filter((told) => !forgotten.has(told))
    }
    return findings
  }

  #finding(
    state: State,
    burst: Burst,
    version: number,
    status: CorrelationFinding['status'],
    supersedes: readonly Told[],
    final: boolean,
  ): CorrelationFinding {
    return {
      anchorMs: burst.anchor,
      version,
      status,
      supersedes: supersedes.map(({ anchor }) => anchor),
      firstHeldMs: burst.first,
      lastHeldMs: burst.last,
      count: burst.count,
      peak: burst.peak,
      final,
      incomplete: this.#isIncomplete(state, burst),
      evidence: spread(evidenceOf(state, burst)),
    }
  }

  /** Its first window, or one that it would have gone on from, begins where something may be missing. */
  #isIncomplete({ roughMs }: State, { first }: Burst): boolean {
    return roughMs !== null && first - this.#spanMs <= roughMs
  }
}

const nothingToTell: readonly CorrelationFinding[] = []

function newState(): State {
  return { settledMs: null, entries: [], head: null, told: [], roughMs: null }
}

function burstOf({ anchor, first, last, count, peak }: Burst): Burst {
  return { anchor, first, last, count, peak }
}

/**
 * A finding is told again when it is taken for others, when it doubled, and, if it grew at all or has become incomplete, when
 * it is over: a burst of n events takes about log n versions.
 */
function worthTelling(told: Told, burst: Burst, supersedes: boolean, final: boolean, incomplete: boolean): boolean {
  if (told.retracted === true || supersedes || told.first !== burst.first) return true
  if (burst.count >= 2 * told.count || burst.peak >= 2 * told.peak) return true
  if (!final) return false
  const grew = told.count !== burst.count || told.last !== burst.last || told.peak !== burst.peak
  return grew || (incomplete && told.incomplete !== true)
}

/** What the events of a burst left behind: the head's part, and those since. */
function evidenceOf(state: State, burst: Burst): readonly EvidenceRef[] {
  const head = state.head?.anchor === burst.anchor ? state.head : undefined
  const since = state.entries.flatMap(({ t, e }) =>
    e !== undefined && t <= burst.last && (head === undefined ? t >= burst.anchor : t > head.last) ? [e] : [],
  )
  return head === undefined ? since : [...head.evidence, ...since]
}
