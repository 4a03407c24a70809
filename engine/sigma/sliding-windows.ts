/**
 * Slides the window of a correlation over a group's entries, and finds the bursts.
 *
 * Pure. What can be computed from a state is a view, kept while the state is in memory: an entry behind all others is judged
 * by going on from there.
 */
import { conditionHolds, createAggregate, createBound, type Aggregate } from './aggregates.ts'
import type { Burst, SlidingState } from './sliding-state.ts'
import type { SigmaCorrelation } from './types.ts'
import type { Entry } from './window-entries.ts'

export interface SlidingView {
  readonly aggregate: Aggregate
  /** Entries that carry evidence. */
  carrying: number
  /** First entry of the window that ends with the last entry. */
  low: number
  /** Events after the last burst's last instant; of no matter while there is none. */
  pending: number
  /** Events in the window. */
  inWindow: number
  /** Bursts not yet closed, the head's first. */
  bursts: Burst[]
  /** Over all entries at once, whatever the window: never less than any window's measure. Kept once it has been asked for. */
  bound: Aggregate | undefined
}

export class SlidingWindows {
  readonly #correlation: SigmaCorrelation
  readonly #spanMs: number

  constructor(correlation: SigmaCorrelation) {
    this.#correlation = correlation
    this.#spanMs = correlation.timespanMs
  }

  /** Before the first entry. `carrying`: how many of the entries carry evidence. */
  begin({ head }: SlidingState, carrying: number): SlidingView {
    const bursts = head === null ? [] : [burstOf(head)]
    return {
      carrying,
      aggregate: createAggregate(this.#correlation),
      low: 0,
      pending: 0,
      inWindow: 0,
      bursts,
      bound: undefined,
    }
  }

  /** Judges the instants of the entries from `from` on that lie before `untilMs`. */
  judge(state: SlidingState, view: SlidingView, from: number, untilMs: number): void {
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

  /** The entries from `from` on have come in behind all others: judges them. */
  append(state: SlidingState, view: SlidingView, from: number): void {
    if (view.bound !== undefined)
      for (let at = from; at < state.entries.length; at++) view.bound.add(state.entries[at]!)
    this.judge(state, view, from, Infinity)
  }

  /**
   * Entries have come in between, `count` of them at `from`. True where nothing has to be judged again: there is no burst, and
   * the condition does not hold for all entries together, so it does for no window.
   */
  insertQuietly({ entries }: SlidingState, view: SlidingView, from: number, count: number): boolean {
    const added = entries.slice(from, from + count)
    const unknown = view.bound === undefined ? entries : added
    view.bound = view.bursts.length > 0 ? undefined : (view.bound ?? createBound(this.#correlation))
    if (view.bound === undefined) return false
    for (const entry of unknown) view.bound.add(entry)
    if (conditionHolds(this.#correlation, view.bound.measure(entries, 0, entries.length))) return false
    const windowMs = entries.at(-1)!.t - this.#spanMs
    for (const entry of added) {
      if (entry.t < windowMs) view.low += 1
      else {
        view.aggregate.add(entry)
        view.inWindow += entry.n
      }
    }
    return true
  }

  #judgeInstant(entries: readonly Entry[], view: SlidingView, t: number, end: number): void {
    const measured = view.aggregate.measure(entries, view.low, end)
    if (!conditionHolds(this.#correlation, measured)) return
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
}

function burstOf({ anchor, first, last, count, peak }: Burst): Burst {
  return { anchor, first, last, count, peak }
}
