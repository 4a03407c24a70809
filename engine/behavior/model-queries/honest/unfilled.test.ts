import { describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { learnReference } from './reference.ts'
import { unfilledOf, unfilledScorer } from './unfilled.ts'

const random = randomOf(73)
const normal = normalOf(random)
const dimension = 13
const causes = 4
const mixing = Array.from({ length: dimension }, () => Float64Array.from({ length: causes }, () => normal() / 2))
/** Records of a table: measures of a few causes, none of which is ever nought. */
const natural = (): Float64Array => {
  const of = Array.from({ length: causes }, () => normal())
  return Float64Array.from(mixing, (row) => 6 + row.reduce((sum, weight, n) => sum + weight * of[n]!, 0.2 * normal()))
}
const labelOf = (x: Float64Array): string => (x[0]! > 6 ? 'yes' : 'no')
/** The same record with each field left open with a probability. */
const leftOpen = (x: Float64Array, share: number, code = 0): Float64Array =>
  x.map((value) => (random() < share ? code : value))
const times = (count: number, make: () => Float64Array): Float64Array[] => Array.from({ length: count }, make)
const told = learnReference(
  Array.from({ length: 10 }, () => times(120, natural).map((x) => ({ x, label: labelOf(x), margin: 0.1 + random() }))),
)

/** At which query an account was named for copying. */
function namedAt(queries: readonly Float64Array[]): number | undefined {
  const account = new AskingAccount(told)
  for (const x of queries) account.ask({ x, label: labelOf(x) })
  return account.named['extraction']
}

describe('a customer that leaves fields open, for which its form sends nought or a code', () => {
  test('is not named for copying, be they always the same or others each time', () => {
    for (const code of [0, -1, 999]) {
      expect(namedAt(times(500, () => leftOpen(natural(), 0.06, code)))).toBeUndefined()
    }
    expect(namedAt(times(500, () => natural().map((value, i) => (i === 2 || i === 7 ? 0 : value))))).toBeUndefined()
  })
})

describe('a thief', () => {
  const foreign = (): Float64Array => Float64Array.from({ length: dimension }, () => 6 + 2 * normal())

  test('whose random inputs have noughts among them is named as fast as without', () => {
    expect(namedAt(times(50, foreign))).toBeLessThanOrEqual(6)
    expect(namedAt(times(50, () => leftOpen(foreign(), 0.15)))).toBeLessThanOrEqual(6)
  })

  test('gets no room by noughts in more fields than a form leaves open', () => {
    expect(namedAt(times(50, () => natural().map((value, i) => (i < 4 ? 0 : value))))).toBeLessThanOrEqual(6)
  })
})

describe('the distance but for what was not filled in', () => {
  // Columns that hang together: a unit more of the first makes half a unit more of the second likely.
  const fit = {
    dimension: 3,
    labels: ['a'],
    whitening: Float64Array.from([1, -0.5, 1, 0, 0, 2]),
    means: new Float64Array(6),
  }
  const distance = unfilledScorer(fit)

  test('is the least that any values there would make, and the whole one where all was', () => {
    expect(distance([3, 0, 1], [])).toBeCloseTo(Math.hypot(3, 1.5, 2))
    expect(distance([3, 0, 1], [1])).toBeCloseTo(Math.hypot(3, 2))
    // With the first open, the second is held against its own mean and variance, of 1 and a quarter.
    expect(distance([0, 3, 1], [0])).toBeCloseTo(Math.hypot(3 / Math.sqrt(1.25), 2))
    expect(distance([0, 0, 1], [0, 1])).toBeCloseTo(2)
  })

  test('is that to the nearest class, since such values lead to another one', () => {
    const two = unfilledScorer({ ...fit, labels: ['a', 'b'], means: Float64Array.from([0, 0, 0, 4, 0, 0, 2, 0, 0]) })
    expect(two([1, 0, 0], [1])).toBeCloseTo(1)
    expect(two([3, 0, 0], [1])).toBeCloseTo(1)
  })

  test('leaves open what is exactly nought or a code, of at most a quarter of the fields', () => {
    expect(unfilledOf([0, 1, 2, 3, 1e-9, 5, 6, 0])).toEqual([0, 7])
    expect(unfilledOf([-1, 1, 2, 3, 1e-9, 5, 6, 999])).toEqual([0, 7])
    expect(unfilledOf([-99, 1, 2, 3, 4, 5, 9, 99])).toEqual([0])
    expect(unfilledOf([0, 1, 2, 3, 0, 5, 6, 0])).toEqual([])
    expect(unfilledOf(Array.from({ length: 100 }, (_, i) => (i < 17 ? 0 : 1)))).toEqual([])
    expect(unfilledOf(Array.from({ length: 100 }, (_, i) => (i < 16 ? 0 : 1)))).toHaveLength(16)
  })
})
