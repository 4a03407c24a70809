/**
 * What a correlation compares, over the entries of one window.
 *
 * Pure. An aggregate takes entries in and, for windows that slide, lets them out again.
 */
import { expressionHolds, polarities } from './correlation-expression.ts'
import type { BaseExpression, Comparison, CorrelationType, SigmaCorrelation } from './types.ts'
import type { Entry, ValueKind } from './window-entries.ts'

export function holds(left: number, op: Comparison, right: number): boolean {
  switch (op) {
    case 'lt':
      return left < right
    case 'lte':
      return left <= right
    case 'gt':
      return left > right
    case 'gte':
      return left >= right
    case 'eq':
      return left === right
    case 'neq':
      return left !== right
  }
}

export function conditionHolds(correlation: SigmaCorrelation, measured: number): boolean {
  // For each event of each group: a loop, not a closure.
  for (const { op, value } of correlation.condition) if (!holds(measured, op, value)) return false
  return true
}

const growing = new Set<CorrelationType>([
  'event_count',
  'value_count',
  'value_sum',
  'temporal',
  'temporal_ordered',
  'temporal_extended',
  'temporal_ordered_extended',
])

/**
 * Whether more events can only help the condition to hold: then a finding can be told at once. Else (`lt`, `lte`, `eq`, `neq`,
 * ranges, averages, percentiles, `not` among rules) a window is judged when the watermark has passed it.
 */
export function decidesAtOnce(correlation: Pick<SigmaCorrelation, 'type' | 'condition' | 'expression'>): boolean {
  if (waitsForAbsence(correlation)) return false
  return growing.has(correlation.type) && correlation.condition.every(({ op }) => op === 'gt' || op === 'gte')
}

/** Whether something has to stay away. */
export function waitsForAbsence({ expression }: Pick<SigmaCorrelation, 'expression'>): boolean {
  return expression !== undefined && polarities(expression).unwanted.size > 0
}

export function valueKindOf(type: CorrelationType): ValueKind {
  if (type === 'value_count') return 'text'
  return type.startsWith('value_') ? 'number' : 'none'
}

/** Whether it matters which of the rules an event matches: one that several match then counts for each. */
export function countsByRule(type: CorrelationType): boolean {
  return type.startsWith('temporal')
}

/** Whether entries may be added up when there are too many of them. */
export function addsUp(type: CorrelationType): boolean {
  return type === 'value_sum' || type === 'value_avg'
}

export interface Aggregate {
  add(entry: Entry): void
  remove(entry: Entry): void
  /** The window is what was taken in and not let out: `entries` from `from` up to `to`, in order of time. */
  measure(entries: readonly Entry[], from: number, to: number): number
}

export function createAggregate(correlation: SigmaCorrelation): Aggregate {
  switch (correlation.type) {
    case 'event_count':
      return new EventCount()
    case 'value_count':
      return new Distinct((entry) => String(entry.v))
    case 'temporal':
      return new Distinct((entry) => String(entry.b))
    case 'value_sum':
      return new Sum()
    case 'value_avg':
      return new FromWindow((entries, from, to) => average(entries.slice(from, to)))
    case 'value_percentile': {
      const share = (correlation.percentile ?? 50) / 100
      return new FromWindow((entries, from, to) => percentile(entries.slice(from, to), share))
    }
    case 'value_median':
      return new FromWindow((entries, from, to) => median(entries.slice(from, to)))
    case 'temporal_extended':
      return new Present(expressionOf(correlation))
    case 'temporal_ordered_extended': {
      const expression = expressionOf(correlation)
      return new FromWindow((entries, from, to) =>
        earliest(expression, entries, from, to, -Infinity) < Infinity ? 1 : 0,
      )
    }
    case 'temporal_ordered': {
      const length = correlation.base.length
      return new FromWindow((entries, from, to) => orderedPrefix(entries, from, to, length))
    }
  }
}

/**
 * What is never less than the correlation's own measure, of any window of the entries that it has taken in: where the condition
 * does not hold for it, it holds for no window. Undefined: more events may make less of a window.
 */
export function createBound(correlation: SigmaCorrelation): Aggregate | undefined {
  if (!decidesAtOnce(correlation)) return undefined
  switch (correlation.type) {
    case 'event_count':
    case 'value_count':
    case 'temporal':
    case 'temporal_extended':
      return createAggregate(correlation)
    case 'temporal_ordered':
      return new Distinct((entry) => String(entry.b))
    case 'temporal_ordered_extended':
      return new Present(expressionOf(correlation))
    case 'value_sum':
      return new Magnitude()
    default:
      return undefined
  }
}

function expressionOf({ expression }: SigmaCorrelation): BaseExpression {
  if (expression === undefined) throw new TypeError('the correlation has no condition over rule names')
  return expression
}

class EventCount implements Aggregate {
  #count = 0

  add(entry: Entry): void {
    this.#count += entry.n
  }

  remove(entry: Entry): void {
    this.#count -= entry.n
  }

  measure(): number {
    return this.#count
  }
}

class Distinct implements Aggregate {
  readonly #seen = new Map<string, number>()
  readonly #of: (entry: Entry) => string

  constructor(of: (entry: Entry) => string) {
    this.#of = of
  }

  add(entry: Entry): void {
    const key = this.#of(entry)
    this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1)
  }

  remove(entry: Entry): void {
    const key = this.#of(entry)
    const left = (this.#seen.get(key) ?? 0) - 1
    if (left > 0) this.#seen.set(key, left)
    else this.#seen.delete(key)
  }

  measure(): number {
    return this.#seen.size
  }
}

/** 1 where the rules that are there satisfy an expression, else 0. */
class Present implements Aggregate {
  readonly #expression: BaseExpression
  readonly #seen: number[] = []

  constructor(expression: BaseExpression) {
    this.#expression = expression
  }

  add({ b }: Entry): void {
    this.#seen[b] = (this.#seen[b] ?? 0) + 1
  }

  remove({ b }: Entry): void {
    this.#seen[b] = (this.#seen[b] ?? 0) - 1
  }

  measure(): number {
    return expressionHolds(this.#expression, (base) => (this.#seen[base] ?? 0) > 0) ? 1 : 0
  }
}

/**
 * The exact sum, rounded once when it is asked for: it is the same in whatever order values came and went. Kept as numbers that
 * add up to it without loss, of growing size and without common bits (Shewchuk 1997, "Adaptive Precision Floating-Point
 * Arithmetic", Grow-Expansion); of whole numbers as bytes and tokens it is one.
 */
class Sum implements Aggregate {
  readonly #parts: number[] = []

  add(entry: Entry): void {
    this.#take(Number(entry.v))
  }

  remove(entry: Entry): void {
    this.#take(-Number(entry.v))
  }

  #take(value: number): void {
    const parts = this.#parts
    let length = 0
    let sum = value
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!
      const high = sum + part
      const lost = Math.abs(sum) < Math.abs(part) ? sum - (high - part) : part - (high - sum)
      if (lost !== 0) parts[length++] = lost
      sum = high
    }
    parts.length = length
    if (sum !== 0) parts.push(sum)
  }

  measure(): number {
    const parts = this.#parts
    let at = parts.length - 1
    let sum = parts[at] ?? 0
    let lost = 0
    while (at > 0 && lost === 0) {
      const part = parts[--at]!
      const high = sum + part
      lost = part - (high - sum)
      sum = high
    }
    // Half of the last place was lost: what is smaller still decides to which side.
    if (at > 0 && lost < 0 === parts[at - 1]! < 0) {
      const next = sum + 2 * lost
      if (next - sum === 2 * lost) return next
    }
    return sum
  }
}

/** Of all values, with room for what sums lose to rounding. */
class Magnitude implements Aggregate {
  #sum = 0

  add(entry: Entry): void {
    this.#sum += Math.abs(Number(entry.v))
  }

  remove(entry: Entry): void {
    this.#sum -= Math.abs(Number(entry.v))
  }

  measure(): number {
    return this.#sum * 1.000_001
  }
}

type OfWindow = (entries: readonly Entry[], from: number, to: number) => number

class FromWindow implements Aggregate {
  readonly #of: OfWindow

  constructor(of: OfWindow) {
    this.#of = of
  }

  add(): void {
    // Nothing to keep: it looks at the whole window.
  }

  remove(): void {
    // Likewise.
  }

  measure(entries: readonly Entry[], from: number, to: number): number {
    return this.#of(entries, from, to)
  }
}

function average(window: readonly Entry[]): number {
  let sum = 0
  let count = 0
  for (const { v, n } of window) {
    sum += Number(v)
    count += n
  }
  return count === 0 ? 0 : sum / count
}

/** Nearest rank (Hyndman and Fan 1996, definition 1): the least value that `share` of all do not exceed. */
function percentile(window: readonly Entry[], share: number): number {
  const sorted = [...window].sort((a, b) => Number(a.v) - Number(b.v))
  const total = sorted.reduce((sum, { n }) => sum + n, 0)
  const rank = Math.max(1, Math.ceil(share * total))
  let passed = 0
  for (const { v, n } of sorted) {
    passed += n
    if (passed >= rank) return Number(v)
  }
  return 0
}

/** The middle value; of an even number of values the average of the two in the middle. */
function median(window: readonly Entry[]): number {
  const values = window.flatMap(({ v, n }) => Array.from({ length: n }, () => Number(v))).sort((a, b) => a - b)
  const middle = values.length >>> 1
  if (values.length === 0) return 0
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2
}

/**
 * When, at the earliest, the operands of each `and` have been seen in their order, beginning at `sinceMs`; Infinity: not yet.
 * Events of one instant count as in order.
 */
function earliest(
  expression: BaseExpression,
  entries: readonly Entry[],
  from: number,
  to: number,
  sinceMs: number,
): number {
  switch (expression.kind) {
    case 'base': {
      for (let at = from; at < to; at++) {
        const { b, t } = entries[at]!
        if (b === expression.base && t >= sinceMs) return t
      }
      return Infinity
    }
    case 'and':
      return expression.of.reduce((since, each) => earliest(each, entries, from, to, since), sinceMs)
    case 'or':
      return Math.min(...expression.of.map((each) => earliest(each, entries, from, to, sinceMs)))
    case 'not':
      throw new TypeError('absence is judged by an operator of its own')
  }
}

/** How many of the base rules are seen in their order. Events of one instant count as in order, whichever came first. */
function orderedPrefix(entries: readonly Entry[], from: number, to: number, length: number): number {
  let next = 0
  for (let at = from; at < to && next < length;) {
    const { t } = entries[at]!
    let end = at + 1
    while (end < to && entries[end]!.t === t) end++
    for (let found = true; found && next < length;) {
      found = false
      for (let of = at; of < end; of++) {
        if (entries[of]!.b !== next) continue
        next++
        found = true
        break
      }
    }
    at = end
  }
  return next
}
