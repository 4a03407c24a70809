/**
 * What a sliding correlation keeps of a group: its entries, its bursts, and what was told of them.
 *
 * Pure. Read by the windows (sliding-windows.ts), which find the bursts, and by the findings (sliding-findings.ts), which tell
 * them; changed by the operator (sliding-operator.ts).
 */
import type { EvidenceRef } from '../../core/signal.ts'
import { anyIncomplete, type Entry } from './window-entries.ts'

export interface Burst {
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
  /** It stands on a finding that says so. */
  incomplete?: true
}

/** A finding as it was last told. */
export interface Told {
  anchor: number
  first: number
  last: number
  count: number
  peak: number
  version: number
  retracted?: true
  incomplete?: true
}

/** JSON. */
export interface SlidingState {
  /** Instants before it are settled; null: none. */
  settledMs: number | null
  entries: Entry[]
  head: Head | null
  told: Told[]
  /** Up to here the group has not waited for all late events, or has counted in bulk; null: nowhere. */
  roughMs: number | null
  /** Findings that say `incomplete` are, or were, among the entries: which, these say. */
  standsOnIncomplete?: true
}

export function newState(): SlidingState {
  return { settledMs: null, entries: [], head: null, told: [], roughMs: null }
}

/** What the events of a burst left behind: the head's part, and those since. */
export function evidenceOf(state: SlidingState, burst: Burst): readonly EvidenceRef[] {
  const head = state.head?.anchor === burst.anchor ? state.head : undefined
  const since = state.entries.flatMap(({ t, e }) =>
    e !== undefined && t <= burst.last && (head === undefined ? t >= burst.anchor : t > head.last) ? [e] : [],
  )
  return head === undefined ? since : [...head.evidence, ...since]
}

/** Whether a burst may be other than it should: for what the group has not kept, or for findings that it stands on. */
export function isIncomplete(state: SlidingState, burst: Burst, spanMs: number): boolean {
  const { roughMs, head, entries } = state
  // Its first window, or one that it would have gone on from, begins where something may be missing.
  if (roughMs !== null && burst.first - spanMs <= roughMs) return true
  if (state.standsOnIncomplete !== true) return false
  if (head?.incomplete === true && head.anchor === burst.anchor) return true
  return anyIncomplete(entries, burst.anchor, burst.last)
}
