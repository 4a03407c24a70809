/** What is only known by looking at a whole window: averages, percentiles, the order in which rules were met. Pure. */
import type { BaseExpression } from './types.ts'
import type { Entry } from './window-entries.ts'

export function average(window: readonly Entry[]): number {
  let sum = 0
  let count = 0
  for (const { v, n } of window) {
    sum += Number(v)
    count += n
  }
  return count === 0 ? 0 : sum / count
}

/** More than a product and a quotient of doubles are off, and far less than a share misses a whole number by. */
const rounding = 2 ** -50

/** Nearest rank (Hyndman and Fan 1996, definition 1): the least value that `percent` of all do not exceed. */
export function percentile(window: readonly Entry[], percent: number): number {
  const { valueAt, total } = ranked(window)
  // As doubles 0.55 of 100 values are more than 55 of them, and 64.4 hundredths of 250 more than 161.
  const share = ((percent * total) / 100) * (1 - rounding)
  return total === 0 ? 0 : valueAt(Math.max(1, Math.ceil(share)))
}

/** The middle value; of an even number of values the average of the two in the middle. */
export function median(window: readonly Entry[]): number {
  const { valueAt, total } = ranked(window)
  return total === 0 ? 0 : (valueAt(Math.ceil(total / 2)) + valueAt(Math.floor(total / 2) + 1)) / 2
}

/** The values by rank, from 1 on: entries stand for many events, which are not listed. */
function ranked(window: readonly Entry[]): { readonly total: number; readonly valueAt: (rank: number) => number } {
  const sorted = window.map(({ v, n }) => ({ value: Number(v), n })).sort((a, b) => a.value - b.value)
  const total = sorted.reduce((sum, { n }) => sum + n, 0)
  const valueAt = (rank: number): number => {
    let passed = 0
    return sorted.find(({ n }) => (passed += n) >= rank)!.value
  }
  return { total, valueAt }
}

/**
 * When, at the earliest, the operands of each `and` have been seen in their order, beginning at `sinceMs`; Infinity: not yet.
 * Events of one instant count as in order.
 */
export function earliest(
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
export function orderedPrefix(entries: readonly Entry[], from: number, to: number, length: number): number {
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
