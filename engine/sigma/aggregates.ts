/**
 * What a correlation compares, over the entries of one window.
 *
 * Pure. An aggregate takes entries in and, for windows that slide, lets them out again.
 */
import { expressionHolds, polarities } from './correlation-expression.ts'
import { ExactSum } from './exact-sum.ts'
import { average, earliest, median, orderedPrefix, percentile } from './whole-window.ts'
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
      const percent = correlation.percentile ?? 50
      return new FromWindow((entries, from, to) => percentile(entries.slice(from, to), percent))
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

class Sum implements Aggregate {
  readonly #sum = new ExactSum()

  add(entry: Entry): void {
    this.#sum.add(Number(entry.v))
  }

  remove(entry: Entry): void {
    this.#sum.add(-Number(entry.v))
  }

  measure(): number {
    return this.#sum.value
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
