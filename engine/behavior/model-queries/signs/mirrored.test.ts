import { beforeEach, describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Mirrored } from './mirrored.ts'
import { learnReference, type Sample } from '../honest/reference.ts'

let random = randomOf(31)
let normal = normalOf(random)
beforeEach(() => {
  random = randomOf(32)
  normal = normalOf(random)
})
type Values = Float64Array<ArrayBuffer>
const dimension = 20
const direction = (): Values => Float64Array.from({ length: dimension }, () => normal())
const natural = direction
const moved = (x: Values, by: number, u: Values): Values => x.map((value, i) => value + by * u[i]!)
const times = <T>(n: number, one: (n: number) => T): T[] => Array.from({ length: n }, (_, m) => one(m))
const told = learnReference(
  times(10, () => times(120, (): Sample => ({ x: Float32Array.from(natural()), label: 'a', margin: 0.1 + random() }))),
)!
const drawn = { units: { from: times(dimension, () => 0), by: times(dimension, () => 1) } }

/** All steps there, then all steps back. */
function slopes(center: Values, count: number, by: number): Values[] {
  const steps = times(count, direction)
  return [...steps.map((u) => moved(center, by, u)), ...steps.map((u) => moved(center, -by, u))]
}

/** At which query each threat was first named. */
function named(inputs: readonly Values[], reference: object = told): Readonly<Record<string, number>> {
  const account = new AskingAccount(reference)
  for (const x of inputs) account.ask({ x, label: 'a' })
  return account.named
}

describe('steps there, and the same steps back', () => {
  test.each([
    ['wide ones', 0.15],
    ['ones that 16 bits of what is kept of an input do not tell', 0.0005],
  ])('a slope is estimated by ten there and then ten back: %s', (_, by) => {
    const center = natural()
    expect(named([center, ...slopes(center, 10, by), natural()])['boundary-search']).toBeLessThanOrEqual(20)
  })

  test('between other queries, and by pairs with small steps', () => {
    const center = natural()
    const between = slopes(center, 10, 0.1).flatMap((x, n) => (n % 3 === 0 ? [x, natural()] : [x]))
    expect(named([center, ...between])['boundary-search']).toBeLessThanOrEqual(30)
    const pairs = times(12, direction).flatMap((u) => [moved(center, 0.0005, u), moved(center, -0.0005, u)])
    expect(named([center, ...pairs])['boundary-search']).toBeLessThanOrEqual(25)
  })

  test('in a table with one column a thousand times as wide as the others', () => {
    const by = times(dimension, (n) => (n === 0 ? 1_024 : 1))
    const center = natural()
    const asked = [center, ...slopes(center, 10, 0.1)].map((x) => x.map((value, i) => value * by[i]!))
    expect(named(asked, { ...told, units: { ...drawn.units, by } })['boundary-search']).toBeLessThanOrEqual(20)
  })
})

describe('what comes again by itself', () => {
  test.each([
    ['noise', (): Values[] => times(60, () => moved(new Float64Array(dimension), 0.1, direction()))],
    [
      'to and fro along one line',
      (): Values[] => {
        const [from, way] = [natural(), direction()]
        return times(60, (n) => moved(moved(from, 0.3 * Math.sin(n / 3), way), 0.002, direction()))
      },
    ],
    [
      'there and back on the same way',
      (): Values[] => {
        const way = times(12, () => moved(new Float64Array(dimension), 0.2, direction()))
        return times(5, () => [...way, ...way.toReversed()])
          .flat()
          .map((x) => moved(x, 0.0005, direction()))
      },
    ],
    [
      'round and round',
      (): Values[] => {
        const [a, b] = [direction(), direction()]
        const at = (n: number): Values => moved(moved(new Float64Array(dimension), Math.cos(n), a), Math.sin(n), b)
        return times(60, (n) => at((2 * Math.PI * n) / 4 + 0.0001 * n))
      },
    ],
    ...[6.05, 18, 24].map((period): [string, () => Values[]] => [
      `round, as days go, ${period} to each`,
      () => {
        const [a, b] = [direction(), direction()]
        const at = (n: number): Values => moved(moved(new Float64Array(dimension), Math.cos(n), a), Math.sin(n), b)
        return times(60, (n) => at((2 * Math.PI * n) / period))
      },
    ]),
  ])('%s makes no pairs', (_, inputs) => {
    const [first, ...others] = inputs()
    const mirrored = Mirrored.begin(first!)!
    const pairs = others.filter((x) => mirrored.take(x)).length
    expect(pairs).toBeLessThanOrEqual(2)
  })

  test('what was cut off at the ends of a scale says nothing, what is left does', () => {
    const center = Float64Array.from({ length: dimension }, (_, n) => (n < 9 ? 0.5 : 0.02))
    const [first, ...others] = slopes(center, 10, 0.05).map((x) => x.map((value) => Math.min(1, Math.max(0, value))))
    const mirrored = Mirrored.begin(first!)!
    expect(others.filter((x) => mirrored.take(x))).toHaveLength(8)
  })
})

describe('what is kept', () => {
  test('comes back as it was; what is none of it begins afresh', () => {
    const [first, ...others] = slopes(natural(), 10, 0.1)
    const mirrored = Mirrored.begin(first!)!
    for (const x of others.slice(0, 13)) mirrored.take(x)
    const again = Mirrored.of(JSON.parse(JSON.stringify(mirrored)))!
    expect(again.isOf(dimension)).toBe(true)
    expect(again.isOf(dimension - 1)).toBe(false)
    for (const x of others.slice(13)) expect([mirrored.take(x), again.take(x)]).toEqual([true, true])
    expect(JSON.stringify(again)).toBe(JSON.stringify(mirrored))
    for (const none of [undefined, 7, '', 'AAAA', JSON.stringify(mirrored).slice(1, -9)]) {
      expect(Mirrored.of(none)).toBeUndefined()
    }
    expect(Mirrored.begin([1, 2, 3])).toBeUndefined()
  })

  test('ends when eight others were asked', () => {
    const mirrored = Mirrored.begin(natural())!
    expect(times(8, () => mirrored.passes())).toEqual([...times(7, () => true), false])
    mirrored.take(natural())
    expect(mirrored.passes()).toBe(true)
  })
})
