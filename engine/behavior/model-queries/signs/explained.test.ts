import { expect, test } from 'vitest'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account, noted } from '../account/account.ts'
import { explains } from './explained.ts'
import { learnReference, openReference } from '../honest/reference.ts'
import { shows } from '../account/evidence.ts'
import { shownBy } from './shown.ts'
import { keyOfText } from '../../input/input.ts'

const columns = 20
const random = randomOf(7)
const normal = normalOf(random)
/** Columns that hang together in fours, about a mean of 2. */
function record(): Float64Array {
  const of = Array.from({ length: columns / 4 }, normal)
  return Float64Array.from({ length: columns }, (_, i) => 2 + of[i >> 2]! + 0.2 * normal())
}
const labelOf = (x: ArrayLike<number>): string => (x[0]! + x[7]! > 4 ? 'yes' : 'no')
const reference = openReference(
  learnReference(
    Array.from({ length: 8 }, () =>
      Array.from({ length: 100 }, record).map((x) => ({ x, label: labelOf(x), margin: 1 })),
    ),
  ),
)!
const mean = new Float64Array(columns).fill(2.05)
const maskOf = (x: Float64Array, put: Float64Array, share = 0.4): Float64Array =>
  x.map((value, i) => (random() < share ? put[i]! : value))
/** One that is not about the mean itself. */
function farRecord(): Float64Array {
  for (;;) {
    const x = record()
    if (Math.hypot(...x.map((value) => value - 2)) > 1.1 * Math.sqrt(columns)) return x
  }
}
/** Coalitions of all sizes by turns with what they leave (KernelSHAP). */
const coalitions = (x: Float64Array, put: Float64Array): Float64Array[] =>
  Array.from({ length: 20 }, () => {
    const share = random()
    const own = x.map(() => (random() < share ? 1 : 0))
    return [0, 1].map((side) => x.map((value, i) => (own[i] === side ? value : put[i]!)))
  }).flat()
/** A record is put to other values one column after the other, as long as the answer stays another. */
function search(x: Float64Array, from: Float64Array): Float64Array[] {
  let best = from
  const asked: Float64Array[] = []
  for (let i = 0; i < columns; i++) {
    const next = best.with(i, x[i]!)
    asked.push(next)
    if (i % 3 > 0) best = next
  }
  return asked
}

/** The share of a stream that explains; `notes`: what the account notes of each. */
function share(stream: readonly Float64Array[], notes = 0): number {
  const account = new Account(columns)
  account.open(account.begin(0))
  const entries = new KeptEntries()
  const told = stream.filter((asked) => {
    const x = account.rounded(asked).slice()
    account.ring()
    const is = explains(entries, account, x, reference)
    account.rounded(asked)
    account.remember(1, notes)
    return is
  })
  return told.length / stream.length
}

test('masks of a record that put columns to what is usual explain it, and so do those of the records after it', () => {
  const explained = Array.from({ length: 5 }, () => {
    const x = record()
    return [x, ...Array.from({ length: 24 }, () => maskOf(x, mean))]
  })
  expect(share(explained.flat())).toBeGreaterThan(0.85)
  const x = record()
  expect(share([x, ...coalitions(x, mean)])).toBeGreaterThan(0.85)
  expect(share([x, ...coalitions(x, mean)], noted.step)).toBe(0)
})

test('records of their own, and mixtures of two records or with ever other values, explain none', () => {
  expect(share(Array.from({ length: 60 }, record))).toBe(0)
  const pool = Array.from({ length: 8 }, () => [farRecord(), farRecord()] as const)
  expect(share(pool.flatMap(([a, b]) => [a, b, ...Array.from({ length: 12 }, () => maskOf(a, b))]))).toBeLessThan(0.05)
  const x = record()
  const drawn = Array.from({ length: 60 }, () => maskOf(x, mean.map((value) => value + 0.3 * normal()))) // prettier-ignore
  expect(share([x, ...drawn])).toBeLessThan(0.05)
})

test('steps there and back around the mean are none, whatever they are the same but for', () => {
  const steps = Array.from({ length: 40 }, () => mean.map((value) => value + (random() < 0.5 ? 0.3 : -0.3)))
  expect(share([mean, ...steps])).toBeLessThan(0.25)
})

test('a search that puts one column after the other back goes on from its masks', () => {
  const x = record()
  expect(share([x, mean, ...search(x, mean)])).toBeLessThan(0.4)
})

test('an explanation shows no search and no inversion, and all else as ever', () => {
  const stream = Array.from({ length: 6 }, record).flatMap((x) => [x, ...coalitions(x, mean)])
  const explaining = new Set<number>()
  const bitsOf = (isAsked: boolean): number[] => {
    const account = new Account(columns)
    account.open(account.begin(0))
    const entries = new KeptEntries()
    return stream.map((x, n) => {
      const input = { kind: 'features', blackAndWhite: false, values: undefined, x, label: labelOf(x), margin: 1 } as const // prettier-ignore
      const shown = shownBy(account, { input, member: false }, reference, false, (kept) => {
        const is = isAsked && explains(entries, account, kept, reference)
        if (is) explaining.add(n)
        return is
      })
      account.remember(keyOfText(input.label), shown.notes)
      if (explaining.has(n) && isAsked) expect(shown.isMask).toBe(true)
      return shown.bits
    })
  }
  const [now, before] = [bitsOf(true), bitsOf(false)]
  const count = (all: readonly number[], bits: number): number =>
    all.filter((of, n) => explaining.has(n) && (of & bits) !== 0).length
  const searches = shows.ball | shows.around | shows.pair | shows.flip | shows.drift | shows.sparse | shows.turn
  expect(count(before, searches)).toBeGreaterThan(5)
  expect(count(now, searches)).toBe(0)
  expect(now.map((bits) => bits & ~searches)).toEqual(before.map((bits) => bits & ~searches))
})
