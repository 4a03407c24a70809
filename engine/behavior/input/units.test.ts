import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { Account } from '../model-queries/account/account.ts'
import { shows } from '../model-queries/account/evidence.ts'
import { keyOfText } from './input.ts'
import { learnReference, openReference, type Sample } from '../model-queries/honest/reference.ts'
import { shownBy } from '../model-queries/signs/shown.ts'
import { inUnits, unitsOf } from './units.ts'

const normal = normalOf(randomOf(47))
/** What columns vary by, and about what. */
const widths = [600, 0.01, 0.3, 2, 0.05, 20, 1, 0.4]
const middles = [1_000, 0.1, 1, 14, 0.2, 90, 1.7e9, 3]
/** Values that hang together. */
const row = (): Float64Array => {
  const [a, b] = [normal(), normal()]
  return Float64Array.from(widths, (width, i) => middles[i]! + width * ((i % 2 === 0 ? a : b) + 0.3 * normal()))
}
const labelOf = (x: ArrayLike<number>): string => (x[0]! > middles[0]! ? 'yes' : 'no')
const accountsOf = (next: () => Float64Array): Sample[][] =>
  Array.from({ length: 10 }, () => Array.from({ length: 100 }, () => next()).map((x) => ({ x, label: labelOf(x), margin: 0.5 }))) // prettier-ignore

describe('a table with columns as they are', () => {
  const accounts = accountsOf(row)
  const told = learnReference(accounts)!
  const reference = openReference(JSON.parse(JSON.stringify({ ...told, alike: 0.1 })))!

  test('is compared in units of what each varies by, powers of two, and counted from near where it lies', () => {
    const units = unitsOf(accounts)!
    for (const [i, width] of widths.entries()) {
      expect(Number.isInteger(Math.log2(units.by[i]!))).toBe(true)
      expect(Math.abs(Math.log2(units.by[i]! / width))).toBeLessThan(1)
      expect(Math.abs(inUnits(Float64Array.from(middles), units)[i]!)).toBeLessThan(64)
    }
    expect(units.from.filter((place) => place !== 0)).toHaveLength(1)
    expect(told.scale).toBeLessThan(10)
  })

  test('shows what is far from honest inputs in a narrow column alone', () => {
    const odd = row().map((value, i) => (i === 1 ? value + 10 * widths[1]! : value))
    expect(reference.novelty(odd, 'no')).toBeGreaterThan(reference.told.lines.novelty[3]!)
    const beyond = Array.from({ length: 500 }, () => row()).filter(
      (x) => reference.novelty(x, labelOf(x)) > reference.told.lines.novelty[1]!,
    )
    expect(beyond.length).toBeLessThan(20)
  })

  test('shows noise around one place as such, and not where the widest column is the same', () => {
    const about = (next: () => Float64Array): number => {
      const account = new Account(widths.length)
      account.open(account.begin(0))
      return Array.from({ length: 60 }, () => {
        const x = next()
        const input = { kind: 'features', x, label: 'no', margin: 1, blackAndWhite: false } as const
        const { bits, notes } = shownBy(account, { input, member: false }, reference, false)
        account.remember(keyOfText('no'), notes)
        return bits & shows.ball
      }).filter((bit) => bit !== 0).length
    }
    const center = row().map((value, i) => value + (i % 3 === 0 ? 3 : -3) * widths[i]!)
    expect(about(() => center.map((value, i) => value + 0.3 * widths[i]! * normal()))).toBeGreaterThan(40)
    expect(about(() => row().map((value, i) => (i === 0 ? 400 : value + 4 * widths[i]! * normal())))).toBeLessThan(6)
  })
})

test('pictures, what is standardized, and what was reduced to fewer values are as they are', () => {
  const even = accountsOf(() => row().map((value, i) => (value - middles[i]!) / widths[i]!))
  const pictures = accountsOf(() => Float64Array.from({ length: 8 }, (_, i) => (i === 0 ? 1e-4 : 1) * Math.min(1, Math.abs(normal())))) // prettier-ignore
  const reduced = accountsOf(() => Float64Array.from({ length: 64 }, (_, i) => (i === 0 ? 1_000 : 1) * normal()))
  for (const accounts of [even, pictures, reduced]) expect(unitsOf(accounts)).toBeUndefined()
})

test('a column that never changes has a unit of its own', () => {
  const accounts = accountsOf(() => row().with(2, 7))
  expect(unitsOf(accounts)!.by[2]).toBe(1)
  expect(learnReference(accounts)!.lines.novelty.every(Number.isFinite)).toBe(true)
})
