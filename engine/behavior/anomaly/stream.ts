/**
 * Scores a stream of numbers, value by value, as they come.
 *
 * The score of a value is the weighted sum of how far out it lies in each channel's tails (each capped), less a part of the
 * third-highest earlier peak: a stream that peaks now and then must peak higher to be told. One episode is told once, and
 * again only if it gets worse.
 *
 * A place may have no value, as an hour without a call has no mean: it says nothing, and the season stays where it is.
 *
 * What must be remembered is the newest values and the peaks (`StreamState`, JSON). The tails are a function of these
 * and are made anew when they are missing: so a restart changes nothing. Promises: bounded; the same values give the
 * same scores.
 */
import { channelNames, Channels, valuesKept, weights } from './channels.ts'
import { TailWindow } from './tail.ts'

const cap = 6
const episodeValues = 120
const peakShare = 0.2
const peakRank = 3
const peakValues = 5_000
const peaksMax = 128

export interface StreamState {
  /** Places so far. */
  count: number
  /** Those of them without a value; absent: none. */
  empty?: number
  /** The newest values, a ring: the n-th is at n modulo its length. `null`: there was none. */
  values: (number | null)[]
  readonly period: number
  readonly history: number
  /** Earlier episodes: number of the place and score. */
  peaks: [number, number][]
  /** The present one. */
  best: number
  bestAt: number
}

export interface Scored {
  /** 0: nothing to say. */
  readonly score: number
  /** The channel that says most, and how far out the value is there. */
  readonly channel: string
  readonly novelty: number
}

interface Derived {
  readonly channels: Channels
  readonly tails: readonly TailWindow[]
}

export function newStream(period: number, history: number): StreamState {
  return { count: 0, values: [], period, history, peaks: [], best: 0, bestAt: -1 }
}

const derivedOf = new WeakMap<StreamState, Derived>()

/** Values so far. */
export function seen({ count, empty = 0 }: StreamState): number {
  return count - empty
}

/** `null`: a place without a value. */
export function score(state: StreamState, value: number | null): Scored {
  const derived = derivedOf.get(state) ?? rebuilt(state)
  const kept = valuesKept(state.history, state.period)
  state.values[state.count % kept] = value
  state.count++
  if (value === null) state.empty = (state.empty ?? 0) + 1
  const channels = derived.channels.next(reader(state, kept, state.count), Math.min(state.count, kept))
  let [sum, most, which] = [0, 0, 0]
  for (const [n, each] of channels.entries()) {
    const tail = derived.tails[n]!
    const novelty = tail.novelty(each)
    tail.add(each)
    sum += weights[n]! * Math.min(cap, novelty)
    if (novelty > most) [most, which] = [novelty, n]
  }
  return { score: judged(state, sum), channel: channelNames[which]!, novelty: most }
}

/** An episode's score counts where it exceeds the best so far of the same episode. */
function judged(state: StreamState, sum: number): number {
  const at = state.count - 1
  if (at - state.bestAt > episodeValues && state.best > 0) {
    state.peaks.push([state.bestAt, state.best])
    if (state.peaks.length > peaksMax) state.peaks.shift()
    state.best = 0
  }
  if (sum <= state.best) return 0
  const peaks = state.peaks.filter(([number]) => at - number < peakValues).map(([, peak]) => peak)
  const usual = peaks.length < peakRank ? 0 : peaks.sort((a, b) => b - a)[peakRank - 1]!
  state.best = sum
  state.bestAt = at
  return Math.max(0, sum - peakShare * usual)
}

function rebuilt(state: StreamState): Derived {
  const derived: Derived = {
    channels: new Channels(state.period),
    tails: channelNames.map(() => new TailWindow(state.history)),
  }
  const kept = valuesKept(state.history, state.period)
  const first = Math.max(0, state.count - kept)
  for (let count = first + 1; count <= state.count; count++) {
    const channels = derived.channels.next(reader(state, kept, count, first), count - first)
    for (const [n, each] of channels.entries()) derived.tails[n]!.add(each)
  }
  derivedOf.set(state, derived)
  return derived
}

function reader(state: StreamState, kept: number, count: number, first = Math.max(0, count - kept)) {
  return (back: number): number | undefined => {
    const number = count - 1 - back
    return number < first ? undefined : (state.values[number % kept] ?? undefined)
  }
}
