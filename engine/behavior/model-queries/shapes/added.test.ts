import { describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { surroundingsOf } from './geometry.ts'
import { learnReference } from '../honest/reference.ts'

const dimension = 30
const random = randomOf(83)
const normal = normalOf(random)
const natural = (): Float64Array => Float64Array.from({ length: dimension }, () => Math.fround(normal()))
const base = natural()
/** Values of it put elsewhere: which, and by how much. */
const but = (changes: Readonly<Record<number, number>>, of = base): Float64Array =>
  of.map((value, i) => value + (changes[i] ?? 0))
const addedOf = (x: Float64Array, ...ring: readonly Float64Array[]): number => surroundingsOf(x, ring, 8).added
/** Each after the first has one value more; newest first. */
const kept = (by: number, count: number, of = base): Float64Array[] =>
  Array.from({ length: count }, (_, n) => but(Object.fromEntries(Array.from({ length: n }, (_, i) => [i, by])), of)).reverse() // prettier-ignore

describe('equal changes that add up', () => {
  test('are three of an input and an earlier one, where five values were tried, up or down, and one was cut off', () => {
    const tried = [but({ 7: 0.4 }), but({ 8: -0.4 })]
    expect(addedOf(but({ 1: 0.4, 5: -0.4, 9: 0.4 }), ...tried, base)).toBeCloseTo(0.4, 2)
    expect(addedOf(but({ 1: 0.4, 5: -0.4, 9: 0.4, 2: 0.1 }), ...tried, base)).toBeCloseTo(0.4, 2)
    const [newest, ...before] = kept(-0.3, 6)
    expect(addedOf(newest!, ...before)).toBeCloseTo(0.3, 2)
  })

  test('are none of what was tried and put back, nor of a few values that are moved up and down together', () => {
    const tried = [1, 2, 3, 4, 6, 7].map((at) => but({ [at]: 0.4 }))
    expect(addedOf(but({ 5: 0.4 }), ...tried, base)).toBe(0)
    expect(addedOf(base, ...tried)).toBe(0)
    const moved = [0, 1, 2, 3, 4, 5, 6].map((n) => but({ 1: 0.4 * (n & 1), 5: 0.2 * (n & 2), 9: 0.1 * (n & 4) }))
    expect(addedOf(but({ 1: 0.4, 5: 0.4, 9: 0.4 }), ...moved)).toBe(0)
  })

  test('are none that differ, where two others were changed as well, or more values than few', () => {
    const tried = [but({ 7: 0.4 }), but({ 8: 0.4 }), but({ 10: 0.4 })]
    expect(addedOf(but({ 1: 0.4, 5: 0.5, 9: 0.6 }), ...tried, base)).toBe(0)
    const longer = (x: Float64Array): Float64Array => Float64Array.of(...x, ...base)
    const others = (changes: Readonly<Record<number, number>>): number =>
      addedOf(longer(but({ 1: 0.4, 5: 0.4, 9: 0.4, ...changes })), ...[...tried, base].map(longer))
    expect(others({ 2: 0.1 })).toBeCloseTo(0.4, 2)
    expect(others({ 2: 0.1, 3: 0.2 })).toBe(0)
    expect(addedOf(but(Object.fromEntries(Array.from({ length: 8 }, (_, n) => [n, 0.4]))), base)).toBe(0)
  })

  test('are none that lie on one grid, as whole numbers, shades and ink do, nor from one end of a scale to the other', () => {
    const of = (by: number, from: Float64Array): number => {
      const [newest, ...before] = kept(by, 6, from)
      return addedOf(newest!, ...before)
    }
    expect(of(1, base)).toBeGreaterThan(0)
    expect(of(1, base.map(Math.round))).toBe(0)
    const empty = new Float64Array(dimension)
    expect(of(0.8, empty)).toBe(0)
    expect(
      of(
        0.8,
        empty.map((_, i) => (i % 2) / 4),
      ),
    ).toBeCloseTo(0.8, 2)
    expect(of(1, empty)).toBe(0)
  })
})

describe('an account that tries one value after another by one size', () => {
  const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
  const told = learnReference(
    Array.from({ length: 10 }, () =>
      Array.from({ length: 150 }, () => {
        const x = natural()
        return { x, label: labelOf(x), margin: 0.1 + random() }
      }),
    ),
  )!
  /** One that is kept with a probability of `keep`; `by`: the size of the change. */
  const namedAt = (keep: number, by: () => number): number => {
    const account = new AskingAccount(told)
    let now = natural()
    account.ask({ x: now, label: labelOf(now) })
    for (let n = 1; n < 29; n++) {
      const next = but({ [n]: random() < 0.5 ? by() : -by() }, now)
      account.ask({ x: next, label: labelOf(next) })
      if (random() < keep) now = next
    }
    return account.named['boundary-search'] ?? Infinity
  }

  test('and keeps what helps is named for a search within 10 queries; where it puts all back or sizes differ, later', () => {
    const equal = (): number => 0.5
    for (let n = 0; n < 5; n++) {
      expect(namedAt(0.5, equal)).toBeLessThanOrEqual(10)
      expect(namedAt(0, equal)).toBeGreaterThan(10)
      expect(namedAt(0.5, () => 0.3 + 0.4 * random())).toBeGreaterThan(10)
    }
  })

  test('is not named so for what is no more than a flicker', () => {
    for (let n = 0; n < 5; n++) expect(namedAt(0.5, () => 0.2)).toBeGreaterThan(10)
  })
})
