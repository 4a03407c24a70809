import { beforeEach, describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { learnedOf } from '../../../../test/support/learned.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { BehaviorFinding } from '../../types.ts'
import { Account } from '../account/account.ts'
import { shows } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { openReference } from '../honest/reference.ts'
import { shownBy } from '../signs/shown.ts'
import { withWay } from './ways.ts'

let random = randomOf(47)
let normal = normalOf(random)
beforeEach(() => {
  random = randomOf(48)
  normal = normalOf(random)
})
const dimension = 12
const natural = (): Float64Array => Float64Array.from({ length: dimension }, () => normal())
const between = (a: Float64Array, b: Float64Array, t: number): Float64Array => a.map((v, i) => v + t * (b[i]! - v))
const noisy = (x: Float64Array, by: number): Float64Array => x.map((value) => value + by * normal())
const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
const told = learnedOf(natural, labelOf, random)

interface Asked {
  readonly x: Float64Array
  readonly member?: boolean
}

/** The findings of each query, and at which query each threat was first named. */
function run(queries: readonly Asked[]): Pick<AskingAccount, 'named'> & { readonly found: readonly BehaviorFinding[] } {
  const account = new AskingAccount(told)
  const found = queries.flatMap(({ x, member = false }) => account.ask({ x, label: labelOf(x), member }))
  return { found, named: account.named }
}

/** An input of one class or the other. */
function of(label: string): Float64Array {
  for (;;) {
    const x = natural()
    if (labelOf(x) === label) return x
  }
}

/** Halves the way between two inputs of different classes. */
function halved(no: Float64Array, yes: Float64Array, steps: number): Asked[] {
  return Array.from({ length: steps }, () => {
    const x = between(no, yes, 0.5)
    if (labelOf(x) === 'yes') yes = x
    else no = x
    return { x }
  })
}

const reference = openReference(told)!
const scale = told.scale / Math.sqrt(2 * dimension)

/** What the last of these showed and could have shown. */
function last(queries: readonly Asked[]): ReturnType<typeof shownBy> {
  const account = new Account(dimension)
  account.open(account.begin(0))
  const each = queries.map(({ x, member = false }) => {
    const input = { kind: 'features', x, label: labelOf(x), margin: 1, blackAndWhite: false } as const
    const shown = shownBy(account, { input, member }, reference, false)
    account.remember(keyOfText(labelOf(x)), shown.notes)
    return shown
  })
  return each.at(-1)!
}

describe('a way between two inputs', () => {
  test('is another one where it has no end in common with the last three, whichever two of its inputs are known', () => {
    const [a, b, c, d] = [natural(), natural(), natural(), natural()] as const
    const one = withWay([], [a, b])!
    expect(withWay(one, [c, d])).toHaveLength(2)
    expect(withWay(one, [c, b])).toBeUndefined()
    expect(withWay(one, [a, d])).toBeUndefined()
    expect(withWay(one, [a, b])).toBeUndefined()
    // Of halves and quarters of a way that ends where the first does the end itself is not known.
    expect(withWay(one, [between(c, b, 0.5), between(c, b, 0.75)])).toBeUndefined()
    expect(withWay(one, [between(c, d, 0.5), between(c, d, 0.75)])).toHaveLength(2)
    const four = [1, 2, 3].reduce((kept) => withWay(kept, [natural(), natural()])!, one)
    expect(four).toHaveLength(3)
    expect(withWay(four, [a, b])).toHaveLength(3)
  })

  test('begins on a line with two inputs that are natural, of which the older is made of none', () => {
    const [a, b] = [natural(), natural()]
    const half = between(a, b, 0.5)
    const begun = last([{ x: a }, { x: b }, { x: half }]).way
    expect(begun?.map((end) => Math.round(end[0]! * 100))).toEqual([a, b].map((end) => Math.round(end[0]! * 100)))
    expect(last([{ x: a }, { x: b }]).way).toBeUndefined()
    // What lies on it later goes on from what was made.
    const from = { x: between(a, b, 0.2) }
    expect(last([from, { x: a }, { x: b }, { x: half }, { x: between(a, b, 0.35) }]).way).toBeUndefined()
    // Or from the older of two that a way was seen by: it is the same one.
    const again = last([{ x: half }, { x: a }, { x: between(a, b, 0.75) }, { x: between(a, b, 0.625) }]).way
    expect(withWay(withWay([], [half, a])!, again!)).toBeUndefined()
    const odd = a.map((value) => value + 9)
    expect(last([{ x: odd }, { x: b }, { x: between(odd, b, 0.5) }]).way).toBeUndefined()
  })

  test('beside others is a harvest of the boundary: named as extraction besides, once, by the fourth pair', () => {
    const { found, named } = run(
      Array.from({ length: 12 }, () => {
        const [no, yes] = [of('no'), of('yes')]
        return [{ x: no }, { x: yes }, ...halved(no, yes, 8)]
      }).flat(),
    )
    expect(named['boundary-search']).toBeLessThanOrEqual(15)
    expect(named['extraction']).toBeGreaterThan(named['boundary-search']!)
    expect(named['extraction']).toBeLessThanOrEqual(40)
    const theft = found.filter(({ threat }) => threat === 'extraction')
    expect(new Set(theft.map(({ anchor }) => anchor)).size).toBe(1)
    expect(theft.map(({ version }) => version)).toEqual(theft.map((_, n) => n + 1))
    expect(theft[0]!.explanation).toContain('no end in common')
  })

  test('of inputs that were asked long before is a harvest as well, by the third pair', () => {
    const pairs = Array.from({ length: 12 }, () => [of('no'), of('yes')] as const)
    const tried = (x: Float64Array): Asked[] =>
      Array.from({ length: 12 }, (_, n) => ({ x: x.map((v, i) => (i === n % 6 ? v + (n < 6 ? 0.1 : -0.1) : v)) }))
    const walks = pairs.map(([no, yes]) => halved(no, yes, 11))
    const { named } = run([
      ...pairs.flat().map((x) => ({ x })),
      ...walks.flatMap((way) => [...way, ...tried(way.at(-1)!.x)]),
    ])
    expect(named['boundary-search']).toBeLessThanOrEqual(34)
    expect(named['extraction']).toBeLessThanOrEqual(24 + 3 * 23)
  })

  test('that ends at one input again and again is a search around that, and no harvest, in its first hundred queries', () => {
    const target = of('no')
    const { found, named } = run([
      { x: target },
      ...Array.from({ length: 12 }, () => {
        const from = of('yes')
        return [{ x: from }, ...halved(target, from, 8)]
      }).flat(),
    ])
    expect(named['boundary-search']).toBeLessThanOrEqual(15)
    expect(found.length).toBeGreaterThan(3)
    for (const { facts } of found) expect(Number(facts['queries.way'] ?? 0)).toBeLessThanOrEqual(1)
  })
})

test('membership inference that is named besides a search is told once, also while nothing but the search is seen', () => {
  const record = of('no')
  const pairs = Array.from({ length: 40 }, () => [of('no'), of('yes')] as const)
  const { found } = run([
    ...pairs.slice(0, 2).flatMap(([no, yes]) => [{ x: no }, { x: yes }, ...halved(no, yes, 8)]),
    { x: record, member: true },
    ...halved(record, of('yes'), 8),
    // Others that are made of no record speak against an inference, but the search goes on.
    ...pairs
      .slice(2)
      .flatMap(([no, yes]) => [
        ...Array.from({ length: 8 }, () => ({ x: natural() })),
        { x: no },
        { x: yes },
        ...halved(no, yes, 8),
      ]),
  ])
  const inference = found.filter(({ threat }) => threat === 'membership-inference')
  expect(new Set(inference.map(({ anchor }) => anchor)).size).toBe(1)
  expect(inference.map(({ version }) => version)).toEqual(inference.map((_, n) => n + 1))
})

describe('wide noise around a record', () => {
  test('that looks natural says nothing against what was asked being records, if it lies closest to one', () => {
    const [record, other] = [natural(), natural()]
    const copy = {
      x: noisy(
        record.map((v) => 0.6 * v),
        0.7 * scale,
      ),
    }
    const counted = (member: boolean): number => last([{ x: other }, { x: record, member }, copy]).counts & shows.member
    expect(counted(true)).toBe(0)
    expect(counted(false)).toBe(shows.member)
    expect(
      last([{ x: record, member: true }, { x: other }, { x: noisy(other, 0.4 * scale) }]).counts & shows.member,
    ).toBe(shows.member)
  })
})
