/**
 * What the operators have in common that judge a window when the watermark has passed it: taking events in, telling
 * duplicates, taking back, making room.
 *
 * Pure. Which windows there are, and when one holds, is said by those that extend it: absence-operator.ts, complete-operator.ts.
 *
 * Promises: a group remembers at most `entriesMax` entries. One that outgrows them is judged as far as the watermark goes, then
 * counts in bulk; what would need each single value drops what has no room. The findings that this may concern say
 * `incomplete`, and those that stand on such.
 */
import { addsUp, countsByRule, valueKindOf } from './aggregates.ts'
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
  anyIncomplete,
  compress,
  EntryIndex,
  entriesMax,
  entriesOf,
  idAs,
  markIncomplete,
  shortId,
  spread,
  type Entry,
  type ValueKind,
} from './window-entries.ts'
import { distinctEvidence } from './window-events.ts'

/** What is kept of a group. JSON. */
export interface LateState {
  entries: Entry[]
  incomplete: boolean
}

export abstract class LateOperator<State extends LateState> implements CorrelationOperator {
  abstract readonly stateVersion: number
  readonly correlation: SigmaCorrelation
  protected readonly spanMs: number
  /** An event that several rules match counts for each of them. */
  protected readonly byRule: boolean
  readonly #kind: ValueKind
  readonly #indexes = new StateViews<State, EntryIndex>()

  constructor(correlation: SigmaCorrelation) {
    this.correlation = correlation
    this.spanMs = correlation.timespanMs
    this.byRule = countsByRule(correlation.type)
    this.#kind = valueKindOf(correlation.type)
  }

  /** A group before its first event. */
  protected abstract newState(): State
  /** Judges the windows that the watermark has passed, and forgets what none can see any more. */
  protected abstract judge(state: State, watermarkMs: number): readonly CorrelationFinding[]
  /** The entry that the next window to be judged opens with; undefined: there is none yet. */
  protected abstract opening(state: State): Entry | undefined

  apply(given: GroupState | undefined, observation: Observation, watermarkMs: number): OperatorStep {
    const id = this.byRule ? idAs(observation, observation.base) : shortId(observation.eventId)
    if (observation.incomplete === 'since') {
      const { changedFrom } = markIncomplete((given as State | undefined)?.entries ?? [], id)
      return { state: given, findings: [], changedFrom }
    }
    if (observation.timestampMs < watermarkMs) return { state: given, findings: [], dropped: 'late' }
    const state = (given as State | undefined) ?? this.newState()
    const known = this.#index(state).has(id)
    if (known !== (observation.retracted === true)) return { state: given, findings: [], dropped: 'duplicate' }
    if (known) {
      this.keep(
        state,
        state.entries.filter((entry) => entry.id !== id),
      )
      return { state: orNothing(state), findings: [] }
    }
    const added = entriesOf(observation, id, this.#kind)
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
    const findings = this.judge(state, watermarkMs)
    return { state: orNothing(state), findings }
  }

  dueMs(given: GroupState): number {
    const state = given as State
    const first = this.opening(state) ?? state.entries[0]
    return first === undefined ? -Infinity : first.t + this.spanMs + 1
  }

  neededFromMs(given: GroupState): number {
    return (given as State).entries[0]?.t ?? Infinity
  }

  /** The group remembers these entries from now on. */
  protected keep(state: State, entries: Entry[]): void {
    state.entries = entries
    this.#indexes.delete(state)
  }

  /** The one finding of a window that is over. `held`: the events that made it hold; `seen`: all that it looked at. */
  protected finding(
    state: State,
    anchorMs: number,
    { held, seen }: { readonly held: readonly Entry[]; readonly seen: readonly Entry[] },
    of: { readonly count: number; readonly peak: number },
  ): CorrelationFinding {
    const lastMs = held.at(-1)!.t
    return {
      anchorMs,
      version: 1,
      status: 'open',
      supersedes: [],
      firstHeldMs: lastMs,
      lastHeldMs: lastMs,
      count: of.count,
      peak: of.peak,
      final: true,
      incomplete: state.incomplete || anyIncomplete(seen),
      evidence: spread(distinctEvidence(held)),
    }
  }

  #index(state: State): EntryIndex {
    const known = this.#indexes.get(state)
    if (known !== undefined) return known
    const index = new EntryIndex(state.entries)
    this.#indexes.set(state, index)
    return index
  }

  #makeRoom(state: State, more: number, watermarkMs: number): readonly CorrelationFinding[] {
    if (state.entries.length + more <= entriesMax) return []
    const findings = this.judge(state, watermarkMs)
    const { type } = this.correlation
    // A percentile and a median need each value: they would rather miss the last ones than tell a wrong one.
    if (state.entries.length + more <= entriesMax || type === 'value_percentile' || type === 'value_median')
      return findings
    this.keep(state, compress(state.entries, this.spanMs, addsUp(type)))
    state.incomplete = true
    return findings
  }
}

function orNothing<State extends LateState>(state: State): State | undefined {
  return state.entries.length === 0 ? undefined : state
}
