import { expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { shows } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { isMasked, isOneOfTwo } from './masked.ts'
import { learnReference, openReference } from '../honest/reference.ts'
import { shownBy } from '../signs/shown.ts'

const random = randomOf(41)
const normal = normalOf(random)
const side = 8
/** A bright thing on a black background. */
const picture = (): Float64Array =>
  Float64Array.from({ length: side * side }, (_, i) =>
    i % side < 2 ? 0 : Math.min(1, Math.max(0, 0.5 + 0.3 * normal())),
  )
const masked = (x: Float64Array, ring: readonly Float64Array[]): boolean =>
  isMasked(x, ring, ring.map((earlier) => earlier.filter((value, i) => value !== x[i]).length)) // prettier-ignore
const inBlock = (i: number, n: number): boolean =>
  Math.floor(i / side / 2) === n >> 2 && Math.floor((i % side) / 2) === n % 4

test('pieces that are put to one value, one after the other or half of them at a time, are masked', () => {
  const x = picture()
  for (const mask of [0, 0.5, 0.437]) {
    const one = (n: number): Float64Array => x.map((value, i) => (inBlock(i, n) ? mask : value))
    expect(masked(one(6), [one(5), one(4)])).toBe(true)
    expect(masked(one(6), [picture(), one(3), picture()])).toBe(true)
    const half = (): Float64Array => {
      const off = Array.from({ length: 16 }, () => random() < 0.5)
      return x.map((value, i) => (off.some((is, n) => is && inBlock(i, n)) ? mask : value))
    }
    const last = Array.from({ length: 20 }, half)
    expect(last.filter((each, n) => n > 3 && masked(each, last.slice(n - 4, n))).length).toBeGreaterThan(13)
  }
})

test('what a search changes is not, nor what two inputs have nothing to do with each other', () => {
  const x = picture()
  const patched = (n: number, by: number): Float64Array =>
    x.map((value, i) => (inBlock(i, n) ? Math.min(1, Math.max(0, value + by)) : value))
  for (const by of [-0.1, 0.1]) expect(masked(patched(6, by), [patched(5, -by), x])).toBe(false)
  // A patch over the background, and single values that are tried one after the other.
  expect(masked(patched(4, 0.25), [x])).toBe(false)
  const tried = x.with(16, 0.2).with(17, 0.2).with(24, 0.2)
  expect(masked(tried, [x])).toBe(false)
  expect(Array.from({ length: 50 }, () => masked(picture(), [picture()])).includes(true)).toBe(false)
  // How often each of many words is there: most are not.
  const words = (): Float64Array =>
    Float64Array.from({ length: 64 }, () => (random() < 0.15 ? Math.ceil(5 * random()) : 0))
  const texts = Array.from({ length: 300 }, () => masked(words(), [words()]))
  expect(texts.filter((is) => is).length).toBeLessThan(9)
})

test('pieces that are masked and then filled with something else are no explanation, in whatever order and with whatever masks', () => {
  const quarter = (i: number): number => 2 * (i % side < side / 2 ? 0 : 1) + (i < x.length / 2 ? 0 : 1)
  const x = picture()
  const filled = (masks: readonly number[], chains: number): boolean[] => {
    const ends = Array.from({ length: chains }, picture)
    const asked: Float64Array[] = []
    return Array.from({ length: 120 }, (_, n) => {
      const [last, turn] = [ends[n % chains]!, Math.floor(n / chains)]
      const next = picture()
      const mask = masks[turn % masks.length]!
      const filledNow = (turn + 4 - masks.length) % 4
      const now = last.map((value, i) => (quarter(i) === turn % 4 ? mask : quarter(i) === filledNow ? next[i]! : value))
      ends[n % chains] = now
      const is = masked(now, asked.slice(-8).reverse())
      asked.push(now)
      return is
    })
  }
  for (const [masks, chains] of [
    [[0.5], 1],
    [[0.5], 3],
    [[0.5], 5],
    [[0.5, 0.25], 1],
    [[0.5, 0.25], 3],
  ] as const)
    expect(filled(masks, chains).filter((is) => is).length).toBeLessThan(12)
})

const columns = 30
const record = (): Float64Array => {
  const of = [normal(), normal(), normal()]
  return Float64Array.from({ length: columns }, (_, i) => of[i % 3]! * (1 + (i % 7) / 5) + normal() / 10)
}
/** Each of the columns by chance another value. */
const changed = (x: Float64Array, share: number, to: (i: number) => number): Float64Array =>
  x.map((value, i) => (random() < share ? to(i) : value))
const times = (count: number, make: () => Float64Array): Float64Array[] => Array.from({ length: count }, make)

test('a record some of whose values are put to what is usual of each has values that are one of two; one with other values has not', () => {
  const ofTwo = (x: Float64Array, ring: readonly Float64Array[]): boolean =>
    isOneOfTwo(x, ring, ring.map((earlier) => earlier.filter((value, i) => value !== x[i]).length)) // prettier-ignore
  const [x, usual] = [record(), record()]
  const shares = (make: () => Float64Array): number => {
    const [first, ...last] = times(9, make)
    return ofTwo(first!, last) ? 1 : 0
  }
  const share = (make: () => Float64Array): number => times(100, record).filter(() => shares(make) === 1).length / 100
  expect(share(() => changed(x, 0.2, (i) => usual[i]!))).toBeGreaterThan(0.95)
  expect(share(() => changed(x, 0.2, () => normal()))).toBeLessThan(0.05)
  expect(share(record)).toBe(0)
  // One other tells nothing: of two inputs each value is one of two.
  expect(
    ofTwo(
      changed(x, 0.2, (i) => usual[i]!),
      [x],
    ),
  ).toBe(false)
})

test('explanations of a table say nothing of how unlike honest ones they are, and other changes of a few columns do', () => {
  const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
  const sampleOf = (x: Float64Array) => ({ x, label: labelOf(x), margin: 1 })
  const accounts = Array.from({ length: 8 }, () => times(100, record).map(sampleOf))
  const reference = openReference(learnReference(accounts))!
  const counted = (queries: readonly Float64Array[]): number => {
    const account = new Account(columns)
    account.open(account.begin(0))
    return queries.filter((x) => {
      const input = { kind: 'features', blackAndWhite: false, ...sampleOf(x) } as const
      const shown = shownBy(account, { input, member: false }, reference, false)
      account.remember(keyOfText(input.label), shown.notes)
      return (shown.counts & shows.novelty(0)) !== 0
    }).length
  }
  const usual = record()
  const explained = times(6, record).flatMap((x) => [x, ...times(24, () => changed(x, 0.25, (i) => usual[i]!))])
  expect(counted(explained)).toBeLessThan(0.3 * explained.length)
  const varied = times(6, record).flatMap((x) => [x, ...times(24, () => changed(x, 0.25, () => normal()))])
  expect(counted(varied)).toBeGreaterThan(0.6 * varied.length)
})
