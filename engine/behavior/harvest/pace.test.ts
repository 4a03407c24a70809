import { expect, test } from 'vitest'
import { betsOver } from './bets.ts'
import { allowed, intervalRoom, shares } from './lines.ts'

/** Intervals, in their mean, each as likely as the others. */
const intervals = Array.from({ length: 500 }, (_, n) => -Math.log(1 - (n + 0.5) / 500))
const isEven = intervals.map((before) => intervals.map((next) => next < 2 * before && before < 2 * next))

/**
 * Eigenvalue and spread of the positive function of the last interval that a bet's factors leave as it is, but for the
 * eigenvalue.
 */
function perron(even: number, odd: number): { readonly eigenvalue: number; readonly spread: number } {
  let h = intervals.map(() => 1)
  let eigenvalue = 1
  for (let round = 0; round < 60; round++) {
    const total = h.reduce((sum, value) => sum + value, 0)
    const next = isEven.map((row) => {
      const within = row.reduce((sum, is, n) => (is ? sum + h[n]! : sum), 0)
      return (even * within + odd * (total - within)) / intervals.length
    })
    eigenvalue = Math.max(...next)
    h = next.map((value) => value / eigenvalue)
  }
  return { eigenvalue, spread: Math.max(...h) / Math.min(...h) }
}

test('of independent calls with as many long answers as are allowed no bet grows in the mean, though two comparisons share an interval', () => {
  for (const [line, bets] of betsOver(allowed).entries()) {
    const long = Math.sqrt(shares[line]!)
    for (const { hit, miss } of bets) {
      const { eigenvalue, spread } = perron(long * Math.exp(hit) + (1 - long) * Math.exp(miss), Math.exp(miss))
      expect(eigenvalue).toBeLessThanOrEqual(1)
      expect(spread).toBeLessThanOrEqual(intervalRoom)
    }
  }
})
