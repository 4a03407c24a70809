/**
 * Correlations whose condition more events can also break (`lt`, `lte`, `eq`, `neq`, ranges, averages, percentiles): judged window by
 * window, when the watermark has passed it.
 *
 * Pure. A window opens with the first event that no window before it holds, lasts one timespan, and is told at most once, as
 * final: docs/decisions/010-sigma-windows.md.
 */
import { addsUp, conditionHolds, countsByRule, createAggregate, valueKindOf } from './aggregates.ts'
import type {
  CorrelationFinding,
  CorrelationOperator,
  GroupState,
  Observation,
  OperatorStep,
  SigmaCorrelation,
} from './types.ts'
import { compress, EntryIndex, entriesMax, entriesOf, idAs, shortId, spread, type Entry } from './window-entries.ts'
import { distinctEvents, distinctEvidence } from './window-events.ts'

/** What is kept of a group. JSON. */
interface State {
  entries: Entry[]
  incomplete: boolean
}

export class CompleteOperator implements CorrelationOperator {
  readonly correlation: SigmaCorrelation
  readonly stateVersion = 3
  readonly #spanMs: number
  /** An event that several rules match counts for each of them. */
  readonly #byRule: boolean
  readonly #indexes = new WeakMap<State, EntryIndex>()

  constructor(correlation: SigmaCorrelation) {
    this.correlation = correlation
    this.#spanMs = correlation.timespanMs
    this.#byRule = countsByRule(correlation.type)
  }

  apply(given: GroupState | undefined, observation: Observation, watermarkMs: number): OperatorStep {
    if (observation.timestampMs < watermarkMs) return { state: given, findings: [], dropped: 'late' }
    const state = (given as State | undefined) ?? { entries: [], incomplete: false }
    const id = this.#byRule ? idAs(observation, observation.base) : shortId(observation.eventId)
    if (observation.retracted === true) {
      const known = this.#index(state).has(id)
      if (!known) return { state: given, findings: [], dropped: 'duplicate' }
      state.entries = state.entries.filter((entry) => entry.id !== id)
      this.#indexes.delete(state)
      return { state: state.entries.length === 0 ? undefined : state, findings: [] }
    }
    if (this.#index(state).has(id)) return { state: given, findings: [], dropped: 'duplicate' }
    const added = entriesOf(observation, id, valueKindOf(this.correlation.type))
    if (added.length === 0) return { state: given, findings: [], dropped: 'no-value' }
    const findings = this.#makeRoom(state, added.length, watermarkMs)
    if (state.entries.length + added.length > entriesMax) {
      state.incomplete = true
      return { state, findings, dropped: 'overflow' }
    }
    this.#index(state).insert(state.entries, added)
    return { state, findings }
  }

  advance(given: GroupState, watermarkMs: number): OperatorStep {
    const state = given as State
    const findings = this.#judge(state, watermarkMs)
    return { state: state.entries.length === 0 ? undefined : state, findings }
  }

  dueMs(given: GroupState): number {
    const first = (given as State).entries[0]
    return first === undefined ? -Infinity : first.t + this.#spanMs + 1
  }

  #index(state: State): EntryIndex {
    const known = this.#indexes.get(state)
    if (known !== undefined) return known
    const index = new EntryIndex(state.entries)
    this.#indexes.set(state, index)
    return index
  }

  #makeRoom(state: State, more: number, watermarkMs: number): readonly CorrelationFinding[] {
    const findings = this.#judge(state, watermarkMs)
    // A percentile and a median need each value: they would rather miss the last ones than tell a wrong one.
    const each = this.correlation.type === 'value_percentile' || this.correlation.type === 'value_median'
    if (state.entries.length + more > entriesMax && !each) {
      state.entries = compress(state.entries, this.#spanMs, addsUp(this.correlation.type))
      state.incomplete = true
      this.#indexes.delete(state)
    }
    return findings
  }

  /** Judges the windows that the watermark has passed, and forgets them. */
  #judge(state: State, watermarkMs: number): readonly CorrelationFinding[] {
    const findings: CorrelationFinding[] = []
    let from = 0
    while (from < state.entries.length && state.entries[from]!.t + this.#spanMs < watermarkMs) {
      const endMs = state.entries[from]!.t + this.#spanMs
      let end = from
      while (end < state.entries.length && state.entries[end]!.t <= endMs) end++
      const finding = this.#finding(state, state.entries.slice(from, end))
      if (finding !== undefined) findings.push(finding)
      from = end
    }
    if (from === 0) return findings
    state.entries = state.entries.slice(from)
    if (state.entries.length === 0) state.incomplete = false
    this.#indexes.delete(state)
    return findings
  }

  #finding(state: State, window: readonly Entry[]): CorrelationFinding | undefined {
    const aggregate = createAggregate(this.correlation)
    for (const entry of window) aggregate.add(entry)
    const measured = aggregate.measure(window, 0, window.length)
    if (!conditionHolds(this.correlation, measured)) return undefined
    const lastMs = window.at(-1)!.t
    return {
      anchorMs: window[0]!.t,
      version: 1,
      status: 'open',
      supersedes: [],
      firstHeldMs: lastMs,
      lastHeldMs: lastMs,
      count: this.#byRule ? distinctEvents(window) : window.reduce((sum, { n }) => sum + n, 0),
      peak: measured,
      final: true,
      incomplete: state.incomplete,
      evidence: spread(distinctEvidence(window)),
    }
  }
}
