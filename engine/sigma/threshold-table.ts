/**
 * Thresholds of many rules on one field: which of them a number lies above, or below.
 *
 * Pure. Promise: a lookup costs a binary search and what is found, not how many thresholds there are.
 */
import type { Comparison } from './types.ts'

/** Comparisons that more, or less, of a number can only help. */
export type ThresholdOp = Extract<Comparison, 'gt' | 'gte' | 'lt' | 'lte'>

export interface Threshold {
  readonly op: ThresholdOp
  readonly to: number
  readonly entries: readonly number[]
}

const numeric = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** The number that a text is; not a number: it is none. */
export function numberOf(text: string): number {
  const trimmed = text.trim()
  return numeric.test(trimmed) ? Number(trimmed) : NaN
}

/** Thresholds of one direction, the easiest first: what a number passes is a beginning of the list. */
class Ladder {
  readonly #steps: readonly Threshold[]
  readonly #passes: (number: number, step: Threshold) => boolean

  constructor(steps: readonly Threshold[], passes: (number: number, step: Threshold) => boolean) {
    this.#steps = steps
    this.#passes = passes
  }

  look(number: number, found: (entries: readonly number[]) => void): void {
    let low = 0
    let high = this.#steps.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#passes(number, this.#steps[middle]!)) low = middle + 1
      else high = middle
    }
    for (let at = 0; at < low; at++) found(this.#steps[at]!.entries)
  }
}

export class ThresholdTable {
  readonly #above: Ladder
  readonly #below: Ladder

  constructor(thresholds: readonly Threshold[]) {
    // What is no number, nothing passes.
    const numbers = thresholds.filter(({ to }) => !Number.isNaN(to))
    const above = numbers.filter(({ op }) => op === 'gt' || op === 'gte')
    const below = numbers.filter(({ op }) => op === 'lt' || op === 'lte')
    // Of one number, what takes the number itself is the easier one.
    const strict = ({ op }: Threshold): number => (op === 'gt' || op === 'lt' ? 1 : 0)
    above.sort((a, b) => a.to - b.to || strict(a) - strict(b))
    below.sort((a, b) => b.to - a.to || strict(a) - strict(b))
    this.#above = new Ladder(above, (number, { op, to }) => (op === 'gt' ? number > to : number >= to))
    this.#below = new Ladder(below, (number, { op, to }) => (op === 'lt' ? number < to : number <= to))
  }

  look(text: string, found: (entries: readonly number[]) => void): void {
    const number = numberOf(text)
    if (Number.isNaN(number)) return
    this.#above.look(number, found)
    this.#below.look(number, found)
  }
}
