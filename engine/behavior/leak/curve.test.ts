import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { curveOf, shareAfter, type Answered } from './curve.ts'
import { Ridge } from './ridge.ts'

const normal = normalOf(randomOf(4))
const vector = (length: number): number[] => Array.from({ length }, normal)
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

const weights = Array.from({ length: 4 }, () => vector(12))

/** What a linear model of four classes answers, with or without its log-odds. */
function answered(told: boolean): Answered {
  const x = vector(12)
  const logits = weights.map((row) => dot(row, x))
  const mean = logits.reduce((sum, logit) => sum + logit, 0) / 4
  const label = String(logits.indexOf(Math.max(...logits)))
  return { x, label, ...(told && { odds: logits.map((logit) => logit - mean) }) }
}

function accounts(count: number, each: number, told: boolean): Answered[][] {
  return Array.from({ length: count }, () => Array.from({ length: each }, () => answered(told)))
}

describe('ridge regression', () => {
  test('finds the weights that made its targets', () => {
    const ridge = new Ridge(12, 4)
    for (let n = 0; n < 40; n++) {
      const x = vector(12)
      ridge.add(
        x,
        weights.map((row) => dot(row, x)),
      )
    }
    const found = ridge.solve(1e-9)
    for (let i = 0; i < 12; i++) for (let k = 0; k < 4; k++) expect(found[i * 4 + k]).toBeCloseTo(weights[k]![i]!, 4)
  })

  test('stays small where there are fewer rows than values', () => {
    const ridge = new Ridge(12, 1)
    ridge.add(
      vector(12).map(() => 1),
      [1],
    )
    for (const value of ridge.solve(0.1)) expect(Math.abs(value)).toBeLessThan(0.1)
  })
})

describe('a learning curve', () => {
  test('of a linear model that tells its log-odds is at its end after as many answers as it has values', () => {
    const told = curveOf(accounts(8, 60, true))!
    const silent = curveOf(accounts(8, 60, false))!
    expect(shareAfter(told, 25)).toBeGreaterThan(0.97)
    expect(shareAfter(silent, 25)).toBeLessThan(0.85)
    expect(shareAfter(silent, 360)).toBeGreaterThan(shareAfter(silent, 25))
    expect([told.tried, told.odds, silent.odds]).toEqual([120, true, false])
  })

  test('goes between sizes and beyond the last, and never falls', () => {
    const curve = { at: [25, 100, 400], linear: [0.5, 0.5, 0.8], nearest: [0.4, 0.6, 0.7], tried: 200, odds: false }
    expect([1, 25, 100, 400, 1_600].map((n) => shareAfter(curve, n))).toEqual([0.5, 0.5, 0.6, 0.8, expect.closeTo(0.9)])
    expect(shareAfter(curve, 200)).toBeCloseTo(0.7)
  })

  test('is none of too few answers, of one answer alone, or of more classes than are told apart', () => {
    expect(curveOf(accounts(3, 60, true))).toBeUndefined()
    expect(curveOf(accounts(8, 5, true))).toBeUndefined()
    expect(curveOf(accounts(8, 60, true).map((list) => list.map((each) => ({ ...each, label: 'a' }))))).toBeUndefined()
    const many = accounts(8, 60, true).map((list) => list.map((each, n) => ({ ...each, label: `c${n}` })))
    expect(curveOf(many)).toBeUndefined()
  })
})
