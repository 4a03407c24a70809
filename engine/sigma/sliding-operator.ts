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
 * should, and counts in bulk where that is not enough: the findings that this may concern say so (`incomplete`), and those that
 * stand on such.
 */
import { addsUp, countsByRule, valueKindOf } from './aggregates.ts'
import { tellBursts } from './sliding-findings.ts'
import { evidenceOf, isIncomplete, newState, type SlidingState as State } from './sliding-state.ts'
import { SlidingWindows, type SlidingView as View } from './sliding-windows.ts'
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
  inserting,
  insertAt,
  markIncomplete,
  placeFor,
  shortId,
  spread,
  type ValueKind,
} from './window-entries.ts'

/** Entries after which it is looked whether the watermark has passed some. */
const lookEvery = 16
/** The share of all room that must be free again once a group has outgrown it. */
const roomShare = 0.9
const nothingToTell: readonly CorrelationFinding[] = []

export class SlidingOperator implements CorrelationOperator {
  readonly correlation: SigmaCorrelation
  readonly stateVersion = 3
  readonly #spanMs: number
  readonly #kind: ValueKind
  /** An event that several rules match counts for each of them. */
  readonly #byRule: boolean
  readonly #windows: SlidingWindows
  readonly #views = new StateViews<State, View>()

  constructor(correlation: SigmaCorrelation) {
    this.correlation = correlation
    this.#spanMs = correlation.timespanMs
    this.#kind = valueKindOf(correlation.type)
    this.#byRule = countsByRule(correlation.type)
    this.#windows = new SlidingWindows(correlation)
  }

  apply(given: GroupState | undefined, observation: Observation, watermarkMs: number): OperatorStep {
    const t = observation.timestampMs
    const id = this.#byRule ? idAs(observation, observation.base) : shortId(observation.eventId)
    if (observation.incomplete === 'since') return this.#doubt(given, t, id)
    if (t < watermarkMs) return { state: given, findings: [], dropped: 'late' }
    const state = (given as State | undefined) ?? newState()
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
    if (observation.incomplete !== undefined) state.standsOnIncomplete = true
    // The first are the list: one that grows takes room for many, and most groups have one event.
    const isFirst = state.entries.length === 0
    if (isFirst) state.entries = added
    const inserted = isFirst ? inserting(added, 0, view.carrying) : insertAt(state.entries, at, added, view.carrying)
    view.carrying = inserted.carrying
    if (at + added.length === state.entries.length && !this.#mayUndo(state, at)) this.#windows.append(state, view, at)
    else if (!this.#windows.insertQuietly(state, view, at, added.length)) this.#replay(state, view)
    const told = this.#tell(state, -Infinity)
    const findings = settled.length === 0 ? told : [...settled, ...told]
    const { changedFrom, thinned } = inserted
    return { state, findings, changedFrom: before === state.entries ? changedFrom : 0, thinned }
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

  neededFromMs(given: GroupState): number {
    const { head, entries } = given as State
    return Math.min(head?.anchor ?? Infinity, entries[0]?.t ?? Infinity)
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

  /** A finding that the group stands on has come to say `incomplete`, however late: no window changes by that. */
  #doubt(given: GroupState | undefined, t: number, id: string): OperatorStep {
    const state = given as State | undefined
    if (state === undefined) return { state, findings: [] }
    const { head } = state
    const inHead = head !== null && t >= head.anchor && t <= head.last
    if (inHead) head.incomplete = true
    const { known, changedFrom } = markIncomplete(state.entries, id)
    if (!known && !inHead) return { state, findings: [], changedFrom }
    state.standsOnIncomplete = true
    return { state, findings: this.#tell(state, -Infinity), changedFrom }
  }

  #view(state: State): View {
    const known = this.#views.get(state)
    if (known !== undefined) return known
    const view = this.#windows.begin(state, carriers(state.entries))
    this.#views.set(state, view)
    this.#windows.judge(state, view, 0, Infinity)
    return view
  }

  /** A late event has come in between: judges all again. */
  #replay(state: State, view: View): void {
    const again = { ...this.#windows.begin(state, view.carrying), bound: view.bound }
    this.#views.set(state, again)
    this.#windows.judge(state, again, 0, Infinity)
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
    const settled = this.#windows.begin(state, 0)
    this.#windows.judge(state, settled, 0, untilMs)
    const last = settled.bursts.at(-1)
    const open = last !== undefined && last.last + this.#spanMs >= untilMs ? last : undefined
    const evidence = open === undefined ? [] : spread(evidenceOf(state, open))
    const doubted = open !== undefined && isIncomplete(state, open, this.#spanMs)
    state.head = open === undefined ? null : { ...open, evidence, ...(doubted ? { incomplete: true } : {}) }
    state.settledMs = untilMs
    state.entries = state.entries.filter((entry) => entry.t >= untilMs - this.#spanMs)
    this.#views.delete(state)
    return findings
  }

  #tell(state: State, untilMs: number): readonly CorrelationFinding[] {
    return tellBursts(state, this.#view(state).bursts, this.#spanMs, untilMs)
  }
}
