/**
 * What correlations must find, by brute force: every window written out, every combination tried.
 *
 * Written from docs/decisions/010-sigma-windows.md alone; shares no code with the engine, and is far too slow for anything but
 * comparing. Takes the events that count: each once, none that came too late.
 */

/** An event that one of a correlation's rules matched, or a finding of a correlation that it stands on. */
export interface Happening {
  readonly id: string
  readonly t: number
  readonly base: number
  readonly value: string
  /** A finding that may be other than it should. */
  readonly incomplete?: boolean
}

export type Expression = string | readonly ['not', Expression] | readonly ['and' | 'or', ...Expression[]]

export interface Asked {
  readonly type: string
  readonly bases: readonly string[]
  readonly spanMs: number
  readonly comparisons: readonly (readonly [op: string, value: number])[]
  readonly percentile: number
  readonly expression: Expression | undefined
}

export interface Found {
  readonly anchor: number
  readonly first: number
  readonly last: number
  readonly count: number
  readonly peak: number
  /** It stands on such a finding. */
  readonly incomplete: boolean
}

export function reference(asked: Asked, happenings: readonly Happening[]): Found[] {
  const events = [...happenings].sort((a, b) => a.t - b.t)
  if (asked.expression !== undefined && hasNot(asked.expression)) return absences(asked, events)
  return slides(asked) ? bursts(asked, events) : windows(asked, events)
}

function slides(asked: Asked): boolean {
  if (asked.expression !== undefined) return !hasNot(asked.expression)
  if (['value_avg', 'value_percentile', 'value_median'].includes(asked.type)) return false
  return asked.comparisons.every(([op]) => op === 'gt' || op === 'gte')
}

/** An event that several rules match is one event. */
function distinct(happenings: readonly Happening[]): number {
  return new Set(happenings.map(({ id }) => id)).size
}

/** Whether any of what was looked at may be other than it should. */
function doubtful(happenings: readonly Happening[]): boolean {
  return happenings.some(({ incomplete }) => incomplete === true)
}

function compares(asked: Asked, measured: number): boolean {
  return asked.comparisons.every(([op, value]) => {
    if (op === 'gt') return measured > value
    if (op === 'gte') return measured >= value
    if (op === 'lt') return measured < value
    if (op === 'lte') return measured <= value
    return op === 'eq' ? measured === value : measured !== value
  })
}

/** At each instant the window is what happened in the timespan up to it. */
function bursts(asked: Asked, events: readonly Happening[]): Found[] {
  const found: Found[] = []
  for (const t of new Set(events.map((event) => event.t))) {
    const window = events.filter((event) => event.t >= t - asked.spanMs && event.t <= t)
    const peak = measure(asked, window)
    if (!compares(asked, peak)) continue
    const before = found.at(-1)
    const goesOn = before !== undefined && t - before.last <= asked.spanMs
    if (goesOn) found.pop()
    const anchor = goesOn ? before.anchor : window[0]!.t
    found.push({
      anchor,
      first: goesOn ? before.first : t,
      last: t,
      count: distinct(events.filter((event) => event.t >= anchor && event.t <= t)),
      incomplete: doubtful(events.filter((event) => event.t >= anchor && event.t <= t)),
      peak: goesOn ? Math.max(before.peak, peak) : peak,
    })
  }
  return found
}

/** A window opens with the first event that no window before it holds. */
function windows(asked: Asked, events: readonly Happening[]): Found[] {
  const found: Found[] = []
  let rest = [...events]
  while (rest.length > 0) {
    const anchor = rest[0]!.t
    const window = rest.filter((event) => event.t <= anchor + asked.spanMs)
    rest = rest.filter((event) => event.t > anchor + asked.spanMs)
    const peak = measure(asked, window)
    const last = window.at(-1)!.t
    if (!compares(asked, peak)) continue
    found.push({ anchor, first: last, last, count: distinct(window), peak, incomplete: doubtful(window) })
  }
  return found
}

function measure(asked: Asked, window: readonly Happening[]): number {
  const numbers = window.map(({ value }) => Number(value)).sort((a, b) => a - b)
  switch (asked.type) {
    case 'event_count':
      return window.length
    case 'value_count':
      return new Set(window.map(({ value }) => value)).size
    case 'value_sum':
      return numbers.reduce((sum, value) => sum + value, 0)
    case 'value_avg':
      return numbers.reduce((sum, value) => sum + value, 0) / numbers.length
    case 'value_percentile':
      return numbers.find((_, at) => (at + 1) / numbers.length >= asked.percentile / 100)!
    case 'value_median': {
      const half = numbers.length / 2
      return numbers.length % 2 === 1 ? numbers[Math.floor(half)]! : (numbers[half - 1]! + numbers[half]!) / 2
    }
    case 'temporal':
      return new Set(window.map(({ base }) => base)).size
    case 'temporal_ordered':
      return longestPrefix(asked.bases.length, window, 0, -Infinity)
    case 'temporal_extended':
      return holds(asked, asked.expression!, window, window) ? 1 : 0
    case 'temporal_ordered_extended':
      return endings(asked, asked.expression!, window, [-Infinity]).length > 0 ? 1 : 0
    default:
      throw new Error(`no reference for ${asked.type}`)
  }
}

/** How many of the rules can be found one after the other; events of one instant may be taken in either order. */
function longestPrefix(length: number, window: readonly Happening[], base: number, since: number): number {
  if (base === length) return length
  const next = window.filter((event) => event.base === base && event.t >= since)
  return Math.max(base, ...next.map((event) => longestPrefix(length, window, base + 1, event.t)))
}

/** Whether something has to stay away; what is negated twice has not. */
function hasNot(expression: Expression): boolean {
  return names(expression, false, false).length > 0
}

/** `within`: where what is wanted is sought; `around`: where what is not wanted is. */
function holds(
  asked: Asked,
  expression: Expression,
  within: readonly Happening[],
  around: readonly Happening[],
): boolean {
  if (typeof expression === 'string') return within.some(({ base }) => asked.bases[base] === expression)
  const of = expression.slice(1)
  // What is wanted inside of a negation is what must not be there, and the other way around.
  if (expression[0] === 'not') return !holds(asked, of[0]!, around, within)
  return expression[0] === 'and'
    ? of.every((each) => holds(asked, each, within, around))
    : of.some((each) => holds(asked, each, within, around))
}

/** All times at which an expression without `not` can have been fulfilled in order, beginning at one of `starts`. */
function endings(
  asked: Asked,
  expression: Expression,
  window: readonly Happening[],
  starts: readonly number[],
): readonly number[] {
  if (typeof expression === 'string') {
    const times = window.filter(({ base }) => asked.bases[base] === expression).map(({ t }) => t)
    return times.filter((t) => starts.some((start) => start <= t))
  }
  const of = expression.slice(1)
  if (expression[0] === 'or') return of.flatMap((each) => endings(asked, each, window, starts))
  return of.reduce((ends, each) => endings(asked, each, window, ends), starts)
}

function names(expression: Expression, negated: boolean, wanted: boolean): readonly string[] {
  if (typeof expression === 'string') return negated === wanted ? [] : [expression]
  const turned = expression[0] === 'not' ? !negated : negated
  return expression.slice(1).flatMap((each) => names(each, turned, wanted))
}

/** A window opens with an event of a rule that is wanted, unless a window that was told holds it. */
function absences(asked: Asked, events: readonly Happening[]): Found[] {
  const { spanMs, expression } = asked
  const wanted = new Set(names(expression!, false, true))
  const mine = events.filter(({ base }) => wanted.has(asked.bases[base]!))
  const found: Found[] = []
  for (const { t } of mine) {
    if (found.some(({ anchor }) => t <= anchor + spanMs)) continue
    const within = events.filter((event) => event.t >= t && event.t <= t + spanMs)
    const around = events.filter((event) => event.t >= t - spanMs && event.t <= t + spanMs)
    const ordered = asked.type === 'temporal_ordered_extended'
    if (!(ordered ? inOrder(asked, around, t) : holds(asked, expression!, within, around))) continue
    const counted = mine.filter((event) => event.t >= t && event.t <= t + spanMs)
    const last = counted.at(-1)!.t
    const peak = new Set(counted.map(({ base }) => base)).size
    found.push({ anchor: t, first: last, last, count: distinct(counted), peak, incomplete: doubtful(around) })
  }
  return found
}

/** Some choice of one time for each wanted operand, in order, has nothing unwanted between its neighbors. */
function inOrder(asked: Asked, around: readonly Happening[], t: number): boolean {
  const timesOf = (expression: Expression): readonly number[] => {
    const of = new Set(names(expression, false, true))
    return around.filter(({ base }) => of.has(asked.bases[base]!)).map((event) => event.t)
  }
  const flat = (expression: Expression): readonly Expression[] =>
    typeof expression !== 'string' && expression[0] === 'and' ? expression.slice(1).flatMap(flat) : [expression]
  const choose = (
    operands: readonly Expression[],
    since: number,
    started: boolean,
    banned: readonly number[],
  ): boolean => {
    const [next, ...rest] = operands
    if (next === undefined) return !banned.some((time) => time >= since && time <= t + asked.spanMs)
    if (typeof next !== 'string' && next[0] === 'not') {
      return choose(rest, since, started, [...banned, ...timesOf(next[1])])
    }
    return timesOf(next).some(
      (time) =>
        (started ? time >= since : time === t) &&
        !banned.some((bad) => bad >= since && bad <= time) &&
        choose(rest, time, true, []),
    )
  }
  return choose(flat(asked.expression!), -Infinity, false, [])
}
