import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { centerOf } from './centers.ts'
import { Evidence, lineOf, queryThreats, restartWeight, shows } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { learnReference, openReference, type ToldReference } from './reference.ts'
import { surroundingsOf } from '../shapes/geometry.ts'
import { shownBy } from '../signs/shown.ts'

const random = randomOf(61)
const normal = normalOf(random)
const dimension = 14
const causes = Array.from({ length: 6 }, () => Array.from({ length: dimension }, () => normal() / 2))
const natural = (): Float64Array => {
  const weights = causes.map(() => normal())
  return Float64Array.from({ length: dimension }, (_, i) =>
    causes.reduce((sum, cause, n) => sum + weights[n]! * cause[i]!, 0.7 * normal()),
  )
}
const learned = (make: () => Float64Array): ToldReference =>
  learnReference(
    Array.from({ length: 10 }, () =>
      Array.from({ length: 150 }, () => ({ x: make(), label: 'yes', margin: 0.1 + random() })),
    ),
  )!
const told = learned(natural)
/** Noise by which an input is so much of the usual distance away, in the mean. */
const noisy = (x: Float64Array, share: number): Float64Array =>
  x.map((value) => value + ((share * told.scale) / Math.sqrt(dimension)) * normal())

interface Asked {
  readonly x: Float64Array
  readonly member?: boolean
}

function run(queries: readonly Asked[], at = told) {
  const reference = openReference(at)!
  const evidence = new Evidence(at.lines.share, 0.5)
  const account = new Account(dimension)
  account.open(account.begin(0))
  const totals = new Float64Array(queryThreats.length)
  let named: number | undefined
  const each = queries.map(({ x, member = false }, n) => {
    account.ask(keyOfText(x.join()), n)
    const input = { kind: 'features', x, label: 'yes', margin: 1, blackAndWhite: false } as const
    const shown = shownBy(account, { input, member }, reference, false)
    account.remember(keyOfText('yes'), shown.notes)
    evidence.take(account.values, shown.bits, shown.counts, totals, restartWeight(account.distinct, 10_000))
    if (totals[3]! >= lineOf(0.01, 10_000)) named ??= n + 1
    return shown
  })
  return { each, named }
}

const copiesOf = (member: boolean, count: number, share: number): Asked[] => {
  const x = natural()
  return [{ x, member }, ...Array.from({ length: count }, () => ({ x: noisy(x, share) }))]
}
/** Of each query whether it is the first that is made of an input, and of a record. */
const counted = (queries: readonly Asked[], at = told): string =>
  run(queries, at)
    .each.map(({ bits, counts }) => ((counts & shows.copied) === 0 ? '.' : (bits & shows.copied) === 0 ? 'o' : 'R'))
    .join('')

describe('copies of an input with noise that is wide', () => {
  test('are known by the fifth mostly, of a record as of another input, and count once', () => {
    for (const share of [0.2, 0.3]) {
      const runs = Array.from({ length: 40 }, (_, n) => counted(copiesOf(n % 2 === 0, 8, share)))
      const known = (which: string): number =>
        runs.filter((run) => new RegExp(`^[.]{1,5}${which}[.]*$`).test(run)).length
      expect(known('R')).toBeGreaterThanOrEqual(18)
      expect(known('o')).toBeGreaterThanOrEqual(18)
    }
  })

  test('tell after three records among other candidates that these are asked, ten copies of each', () => {
    const attack = Array.from({ length: 12 }, (_, n) => copiesOf(n % 2 === 0, 10, 0.35)).flat()
    expect(run(attack).named).toBeLessThanOrEqual(75)
    // Without what is known of how far apart honest inputs lie.
    expect(run(attack, { ...told, reach: [] }).named).toBeUndefined()
  })

  test('are none of what was asked before or after them', () => {
    const [first, other] = [copiesOf(true, 8, 0.1), copiesOf(false, 8, 0.3)]
    expect(counted([...first, ...other]).slice(9)).toMatch(/^\.{1,5}o\.*$/)
  })

  test('are known also where one column is a thousand times as wide as the others', () => {
    const wide = (x: Float64Array): Float64Array => x.with(0, 1_000 * x[0]!)
    const at = learned(() => wide(natural()))
    const runs = Array.from({ length: 20 }, () =>
      counted(
        copiesOf(true, 8, 0.3).map(({ x, member = false }) => ({ x: wide(x), member })),
        at,
      ),
    )
    expect(runs.filter((run) => /^\.{1,5}R\.*$/.test(run)).length).toBeGreaterThanOrEqual(17)
  })
})

describe('honest inputs', () => {
  const centerAmong = (x: Float64Array, ring: readonly Float64Array[]): number =>
    centerOf(ring, surroundingsOf(x, ring, 0).squares, told.reach)

  test('lie about an earlier one by chance no oftener than one in a hundred times', () => {
    const xs = Array.from({ length: 6_000 }, natural)
    const found = xs.filter((x, n) => n >= 8 && centerAmong(x, xs.slice(n - 8, n).reverse()) >= 0)
    expect(found.length / xs.length).toBeLessThan(0.01)
  })

  test('after copies of a record are none of these, though one of them lies near it', () => {
    const [record, ...copies] = copiesOf(true, 7, 0.1)
    const ring = [...copies.toReversed(), record!].map(({ x }) => x)
    const next = noisy(record!.x, 0.5)
    const away = next.reduce((sum, value, i) => sum + (value - record!.x[i]!) ** 2, 0)
    expect(away).toBeLessThan(told.reach!.at(-1)!)
    expect(centerAmong(next, ring)).toBe(-1)
  })

  test('that are records and lie about another one are not made of it', () => {
    const x = natural()
    const near = { x: noisy(x, 0.05), member: true }
    expect(counted([{ x, member: true }, near])).toBe('..')
    // One that was asked after its copy is a record that copies are made of.
    expect(counted([{ x }, near])).toBe('.R')
    // After copies that were made of something else it passes for one by chance.
    const copies = Array.from({ length: 3 }, () => ({ x: noisy(x, 0.05) }))
    expect(counted([{ x }, ...copies, near, ...copies.map(({ x: of }) => ({ x: noisy(of, 0.02) }))])).toBe('.o......')
  })
})
