import { describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { learnedOf } from '../../../../test/support/learned.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { offScorer } from './always-off.ts'
import { fitTo, Table, type Fit } from './fit.ts'
import { unfilledScorer } from './unfilled.ts'

const random = randomOf(79)
const normal = normalOf(random)
const dimension = 24
const causes = 6
const mixing = Array.from({ length: dimension }, () => Float64Array.from({ length: causes }, () => normal() / 2))
const natural = (): Float64Array => {
  const of = Array.from({ length: causes }, () => normal())
  return Float64Array.from(mixing, (row) => 3 + row.reduce((sum, weight, n) => sum + weight * of[n]!, 0.2 * normal()))
}
const labelOf = (x: Float64Array): string => (x[0]! > 3 ? 'yes' : 'no')
const times = (count: number, make: () => Float64Array): Float64Array[] => Array.from({ length: count }, make)
const told = learnedOf(natural, labelOf, random)
/** The same with some fields as this makes them. */
const changed = (x: Float64Array, fields: readonly number[], make: (value: number) => number): Float64Array =>
  x.map((value, i) => (fields.includes(i) ? make(value) : value))
const anyFields = (count: number): number[] => Array.from({ length: count }, () => Math.floor(random() * dimension))

/** At which query an account was named for copying. */
function namedAt(queries: readonly Float64Array[]): number | undefined {
  const account = new AskingAccount(told)
  for (const x of queries) account.ask({ x, label: labelOf(x) })
  return account.named['extraction']
}

describe('a customer some of whose fields are always off', () => {
  test('is not named for copying, be they stuck from the first query on, in another unit or both', () => {
    expect(namedAt(times(500, () => changed(natural(), [1, 9, 17], () => 6)))).toBeUndefined()
    expect(namedAt(times(500, () => changed(natural(), [4], (value) => 1.8 * value + 32)))).toBeUndefined()
    expect(namedAt(times(500, () => changed(natural(), [4, 7], (value) => value / 10)))).toBeUndefined()
    const both = (): Float64Array =>
      changed(
        changed(natural(), [2], (value) => 100 * value),
        [3, 8],
        () => -4.25,
      )
    expect(namedAt(times(500, both))).toBeUndefined()
  })

  test('is not named where one of them tells of the class that the model answers', () => {
    expect(namedAt(times(500, () => changed(natural(), [0], () => 12)))).toBeUndefined()
  })

  test('is not named where they break later, in an account of long standing', () => {
    const broken = times(300, () => changed(natural(), [5, 6], () => 7.5))
    expect(namedAt([...times(200, natural), ...broken])).toBeUndefined()
  })
})

describe('a thief', () => {
  const foreign = (): Float64Array => Float64Array.from({ length: dimension }, () => 3 + 1.2 * normal())

  test('gets no room by fields that are always the same in random inputs', () => {
    expect(namedAt(times(50, () => changed(foreign(), [1, 9, 17], () => 6)))).toBeLessThanOrEqual(6)
  })

  test('gets none any more once he is named: it costs too much to look again at each query', () => {
    const account = new AskingAccount(told)
    const stuck = times(200, () => changed(natural(), [1, 9, 17], () => 6))
    const facts = [...times(20, foreign), ...stuck].flatMap((x) => account.ask({ x, label: labelOf(x) })).at(-1)!.facts
    expect(facts['queries.novel']).toBeGreaterThan(80)
  })

  test('gets none for other inputs by such fields in natural ones before', () => {
    const before = times(100, () => changed(natural(), [1, 9, 17], () => 6))
    const named = namedAt([...before, ...times(50, () => changed(foreign(), [1, 9, 17], () => 6))])
    expect(named! - 100).toBeLessThanOrEqual(12)
  })

  test('gets none where now these and now those fields of natural inputs are off, or more than a quarter', () => {
    expect(namedAt(times(60, () => changed(natural(), anyFields(3), () => 3 + 3 * normal())))).toBeLessThanOrEqual(30)
    const half = Array.from({ length: dimension / 2 }, (_, n) => 2 * n)
    expect(namedAt(times(50, () => changed(natural(), half, () => 3 + 3 * normal())))).toBeLessThanOrEqual(6)
  })
})

describe('the distance but for fields that are always off', () => {
  /** Fields that have nothing to do with each other, with a deviation of one; of two classes. */
  const fitOf = (d: number): Fit => ({
    dimension: d,
    labels: ['a', 'b'],
    whitening: Float64Array.from(Array.from({ length: d }, (_, i) => [...new Uint8Array(i), 1]).flat()),
    means: Float64Array.from({ length: 3 * d }, (_, n) => (n === d ? 6 : 0)),
  })
  const d = 8
  const line = 4
  const distance = offScorer(fitOf(d), line)
  const at = (...places: readonly (readonly [field: number, value: number])[]): Float64Array => {
    const x = new Float64Array(d)
    for (const [field, value] of places) x[field] = value
    return x
  }

  test('is what the others leave, as if there were as many of them', () => {
    expect(distance(at([2, 9], [5, 3]), [at([2, 9])])).toBeCloseTo(3 * Math.sqrt(d / (d - 1)))
    expect(distance(at([2, 9], [3, -7], [5, 3]), [at([2, 9], [3, -6])])).toBeCloseTo(3 * Math.sqrt(d / (d - 2)))
  })

  test('is that to the nearest class once they are left out', () => {
    expect(distance(at([0, 6], [2, 9], [5, 2]), [at([2, 9])])).toBeCloseTo(2 * Math.sqrt(d / (d - 1)))
  })

  test('is none for who asked nothing odd before, was off elsewhere, or only now and then', () => {
    expect(distance(at([2, 9]), [])).toBe(Infinity)
    expect(distance(at([2, 9]), [at([3, 9])])).toBe(Infinity)
    expect(distance(at([2, 9]), [at([2, 9]), at([2, 9]), at([3, 9]), at([4, 9])])).toBe(Infinity)
    expect(distance(at([2, 9]), [at([2, 9]), at([2, 9]), at([2, 9]), at([4, 9])])).toBeLessThan(1)
  })

  test('is none where a field is off by so much that rounding hides the others, which would be ordinary by that', () => {
    expect(distance(at([2, 1e5], [5, 30]), [at([2, 1e5])])).toBeCloseTo(30 * Math.sqrt(d / (d - 1)))
    expect(distance(at([2, 1e9], [5, 30]), [at([2, 1e9])])).toBe(Infinity)
    expect(distance(at([2, Infinity]), [at([2, 9])])).toBe(Infinity)
  })

  test('leaves out no more than makes all of them ordinary', () => {
    const slight = at([2, 3], [3, 3])
    expect(distance(slight, [slight, slight])).toBeCloseTo(3 * Math.sqrt(d / (d - 1)))
  })

  test('is none where a field is off by less than what tells of it, which is less the more inputs there are', () => {
    const slight = at([2, 3], [3, 3])
    expect(distance(slight, [slight])).toBe(Infinity)
    const near = offScorer(fitOf(d), 1.5)
    const by = (off: number): number => near(at([2, off]), Array<Float64Array>(8).fill(at([2, off])))
    expect(by(1.9)).toBe(Infinity)
    expect(by(2.1)).toBe(0)
  })

  test('is none where nothing is left out, though what was odd for its answer is like another class', () => {
    expect(distance(at([2, 9]), [at([0, 6])])).toBe(Infinity)
  })

  test('is none where more fields are off than a quarter, or than eight', () => {
    const three = at([2, 9], [3, 9], [4, 9])
    expect(distance(three, [three])).toBe(Infinity)
    expect(distance(at([2, 9], [3, 9]), [at([2, 9], [3, 9])])).toBe(0)
    const wide = offScorer(fitOf(40), line)
    const first = (count: number): Float64Array =>
      Float64Array.from({ length: 40 }, (_, i) => (i > 0 && i <= count ? 9 : 0))
    expect(wide(first(8), [first(8)])).toBe(0)
    expect(wide(first(9), [first(9)])).toBe(Infinity)
  })

  test('is that of the other columns where all hang together, as of fields that nobody filled in', () => {
    const rows = [times(400, natural).map((x) => ({ x, label: '' }))]
    const table = new Table(rows)
    const fit = fitTo(table, table.queriesOf('all'))
    const stuck = [1, 5, 9, 14, 20]
    const [x, ...earlier] = times(9, () => changed(natural(), stuck, () => -20))
    const expected = unfilledScorer(fit)(x!, stuck) * Math.sqrt(dimension / (dimension - stuck.length))
    expect(offScorer(fit, 0.1)(x!, earlier)).toBe(Infinity)
    expect(offScorer(fit, 9)(x!, earlier)).toBeCloseTo(expected, 5)
  })
})
