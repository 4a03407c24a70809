/**
 * What has been used of a license, in event time: a small, JSON-ready account whose size follows neither calls nor time.
 *
 * Promises: a count is never higher than what happened, so a cap that is reported as passed was passed, whatever the order
 * in which events come; seconds and days are the clock's (UTC), a minute is any 60 seconds that begin with one.
 */
import type { Caps } from './params.ts'

const dayMs = 86_400_000
const minuteSeconds = 60
/** How long counts of seconds and days are kept for what comes late. */
const secondsKept = 180
const daysKept = 3
/** Calls under way that are remembered; a cap above that is not judged. */
const busyMax = 1_024

export interface Counts {
  /** Second of the clock, calls in it; ascending. */
  seconds: [second: number, calls: number][]
  days: Record<string, { calls: number; tokens: number }>
  /** Calls that may be under way, by their ends, ascending; absent in what an older version has kept. */
  calls?: [startMs: number, endMs: number][]
}

export function emptyCounts(): Counts {
  return { seconds: [], days: {} }
}

export interface Passed {
  readonly kind: 'rate-second' | 'rate-minute' | 'requests-day' | 'tokens-day' | 'concurrency'
  readonly count: number
  readonly cap: number
}

/** Adds a use; the caps that are passed with it. */
export function count(
  counts: Counts,
  caps: Caps,
  use: { readonly timeMs: number; readonly tokens: number; readonly latencyMs: number },
): Passed[] {
  const passed: Passed[] = []
  const over = (kind: Passed['kind'], number: number, cap: number | undefined): void => {
    if (cap !== undefined && number > cap) passed.push({ kind, count: number, cap })
  }
  if (caps.second !== undefined || caps.minute !== undefined) {
    const at = addSecond(counts, Math.floor(use.timeMs / 1_000))
    if (at !== undefined) {
      over('rate-second', counts.seconds[at]![1], caps.second)
      if (caps.minute !== undefined) over('rate-minute', fullestMinute(counts.seconds, at), caps.minute)
    }
  }
  const day = addDay(counts, use)
  if (day !== undefined) {
    over('requests-day', day.calls, caps.day)
    over('tokens-day', day.tokens, caps.tokensDay)
  }
  if (caps.concurrent !== undefined && caps.concurrent < busyMax && use.latencyMs > 0) {
    over('concurrency', underWay(counts, use.timeMs, use.latencyMs), caps.concurrent)
  }
  return passed
}

/** The place of its second; undefined: it comes too late to be counted. */
function addSecond(counts: Counts, second: number): number | undefined {
  const { seconds } = counts
  const last = seconds[seconds.length - 1]
  if (last !== undefined && second < last[0] - secondsKept) return undefined
  let at = seconds.length
  while (at > 0 && seconds[at - 1]![0] > second) at--
  if (at > 0 && seconds[at - 1]![0] === second) at--
  else seconds.splice(at, 0, [second, 0])
  seconds[at]![1]++
  let old = 0
  while (seconds[old]![0] < seconds[seconds.length - 1]![0] - secondsKept) old++
  if (old > 0) seconds.splice(0, old)
  return at - old
}

/** The most calls in 60 seconds that hold the one at `at`. */
function fullestMinute(seconds: Counts['seconds'], at: number): number {
  const second = seconds[at]![0]
  let from = at
  while (from > 0 && seconds[from - 1]![0] > second - minuteSeconds) from--
  let most = 0
  let calls = 0
  let to = from
  for (; from <= at; from++) {
    while (to < seconds.length && seconds[to]![0] < seconds[from]![0] + minuteSeconds) calls += seconds[to++]![1]
    most = Math.max(most, calls)
    calls -= seconds[from]![1]
  }
  return most
}

function addDay(
  counts: Counts,
  use: { readonly timeMs: number; readonly tokens: number },
): { calls: number; tokens: number } | undefined {
  const number = Math.floor(use.timeMs / dayMs)
  const known = Object.keys(counts.days).map(Number)
  const latest = Math.max(number, ...known)
  if (number <= latest - daysKept) return undefined
  for (const old of known) if (old <= latest - daysKept) Reflect.deleteProperty(counts.days, String(old))
  const day = (counts.days[number] ??= { calls: 0, tokens: 0 })
  day.calls++
  day.tokens += use.tokens
  return day
}

/**
 * The most calls under way at one time while this one was, itself among them. What is logged when it ends comes after
 * shorter calls that began later: those that ended before it began, or began after it ended, are not with it, whatever
 * the order.
 */
function underWay(counts: Counts, startMs: number, latencyMs: number): number {
  const endMs = startMs + latencyMs
  const known = counts.calls ?? []
  const starts = Float64Array.from(known, ([start]) => start).sort()
  let [begun, ended, most] = [0, 0, 0]
  // Only when a call begins can there be more of them: this one, or another before its end.
  let moment = startMs
  do {
    while (begun < starts.length && starts[begun]! <= moment) begun++
    while (ended < known.length && known[ended]![1] <= moment) ended++
    most = Math.max(most, begun - ended)
    moment = starts[begun] ?? Infinity
  } while (moment < endMs)
  const latest = Math.max(startMs, starts.at(-1) ?? startMs)
  const kept = [...known, [startMs, endMs] as [number, number]].filter(([, end]) => end > latest)
  counts.calls = kept.sort(([, a], [, b]) => a - b).slice(-busyMax)
  return 1 + most
}
