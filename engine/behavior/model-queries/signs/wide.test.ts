import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { shows } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { learnReference, openReference } from '../honest/reference.ts'
import { shownBy } from './shown.ts'

const normal = normalOf(randomOf(41))
const dimension = 16
const causes = Array.from({ length: 4 }, () => Array.from({ length: dimension }, () => normal()))
/** Values that hang together, as those of honest inputs do, but for some noise. */
const natural = (spread = 1, noise = 0.1): Float64Array => {
  const weights = causes.map(() => spread * normal())
  return Float64Array.from({ length: dimension }, (_, i) =>
    causes.reduce((sum, cause, n) => sum + weights[n]! * cause[i]!, noise * normal()),
  )
}
const told = learnReference(
  Array.from({ length: 10 }, () =>
    Array.from({ length: 100 }, () => {
      const x = natural()
      return { x, label: x[0]! > 0 ? 'yes' : 'no', margin: NaN }
    }),
  ),
)!
const reference = openReference(told)!
const { scale, lines } = told
const noveltyOf = (x: Float64Array): number => reference.novelty(x, 'yes')
const away = (x: Float64Array, from: Float64Array): number => Math.hypot(...x.map((value, i) => value - from[i]!))
const sine = (x: Float64Array, to: Float64Array): number => {
  const dot = x.reduce((sum, value, i) => sum + value * to[i]!, 0)
  return Math.sqrt(1 - (dot / Math.hypot(...x) / Math.hypot(...to)) ** 2)
}
/** From a place, so far in one direction. */
const moved = (x: Float64Array, by: number): Float64Array => {
  const way = Float64Array.from(x, () => normal())
  return x.map((value, i) => value + (by * way[i]!) / Math.hypot(...way))
}

/** What a query of the class `yes` shows after others of these classes, oldest first. */
function isPlace(
  x: Float64Array,
  before: readonly (readonly [x: Float64Array, label: string])[],
  isNamed = false,
): boolean {
  const account = new Account(dimension)
  account.open(account.begin(0))
  if (isNamed) account.told[0] = 1
  const ask = (of: Float64Array, label: string): number => {
    const input = { kind: 'features', x: of, label, margin: undefined, blackAndWhite: false } as const
    const { bits, notes } = shownBy(account, { input, member: false }, reference, false)
    account.remember(keyOfText(label), notes)
    return bits
  }
  for (const [of, label] of before) ask(of, label)
  return (ask(x, 'yes') & shows.ball) !== 0
}

describe('inputs beyond all honest ones that lie wider than a place', () => {
  const base = new Float64Array(dimension).fill(6)
  const ringOf = (others: number) =>
    Array.from(
      { length: 8 },
      (_, n) => [moved(base, (0.6 + 0.01 * n) * scale), n >= 8 - others ? 'no' : 'yes'] as const,
    )

  test('are about one while no more than one of the last is of another class', () => {
    const ring = ringOf(0)
    expect(ring.every(([x]) => away(x, base) > 0.5 * scale && away(x, base) < 0.8 * scale)).toBe(true)
    // The closest is of the same.
    const found = [0, 1, 2, 3].map((others) => isPlace(base, ringOf(others)))
    expect(found).toEqual([true, true, false, false])
  })

  test('are about one where six of the last eight are as near, and not where five are', () => {
    const found = [6, 5].map((near) =>
      isPlace(
        base,
        ringOf(0).map(([x, label], n) => [n < near ? x : moved(base, 0.9 * scale), label] as const),
      ),
    )
    expect(found).toEqual([true, false])
  })
})

describe('noise of one strength beyond all honest inputs, answered as it comes', () => {
  const base = new Float64Array(dimension).fill(6)
  const ringOf = (of: (n: number) => number) =>
    Array.from({ length: 8 }, (_, n) => [moved(base, of(n) * scale), n % 2 === 0 ? 'no' : 'yes'] as const)

  test('is about one place of an account that is named already, and of no other', () => {
    expect(
      isPlace(
        base,
        ringOf((n) => 0.6 + 0.01 * n),
        true,
      ),
    ).toBe(true)
    expect(
      isPlace(
        base,
        ringOf((n) => 0.6 + 0.01 * n),
      ),
    ).toBe(false)
  })

  test('is about none where it is further off, or some is much nearer', () => {
    expect(
      isPlace(
        base,
        ringOf((n) => 0.81 + 0.01 * n),
        true,
      ),
    ).toBe(false)
    // What leads somewhere leaves the oldest behind, or comes from one that is nearer.
    expect(
      isPlace(
        base,
        ringOf((n) => (n < 2 ? 0.2 : 0.7)),
        true,
      ),
    ).toBe(false)
  })
})

describe('synthetic inputs that some honest one is as far out as', () => {
  const isOdd = (x: Float64Array): boolean =>
    noveltyOf(x) > 1.02 * lines.novelty[1]! && noveltyOf(x) < 0.98 * lines.novelty[3]!
  const some = (make: () => Float64Array, is: (x: Float64Array) => boolean): Float64Array => {
    for (;;) {
      const x = make()
      if (is(x)) return x
    }
  }
  const base = some(() => natural(1, 0.16), isOdd)
  const shifted = (spread: number): Float64Array => natural(spread, 0.01).map((value, i) => value + base[i]!)
  /** So far from it, and not it made stronger or weaker as a whole. */
  const between = (from: number, to: number) => (x: Float64Array) =>
    away(x, base) > from * scale && away(x, base) < to * scale && sine(x, base) * Math.hypot(...base) > 0.2 * scale

  test('are about no place that is wider', () => {
    const ring = (from: number, to: number) =>
      Array.from({ length: 8 }, () => [some(() => shifted(0.3), between(from, to)), 'yes'] as const)
    expect(isPlace(base, ring(0.52, 0.75))).toBe(false)
    expect(isPlace(base, ring(0.2, 0.45))).toBe(true)
  })

  test('have the class of the closest; those that are far out have that of any about there', () => {
    const far = new Float64Array(dimension).fill(6)
    const odd = Array.from({ length: 8 }, (_, n) => some(() => shifted(0.2), between(0.21 + 0.02 * n, 0.23 + 0.02 * n)))
    const out = Array.from({ length: 8 }, (_, n) => moved(far, (0.2 + 0.02 * n) * scale))
    const all = ['no', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes'] as const
    const labelled = (xs: readonly Float64Array[], labels: readonly string[]) =>
      xs.map((x, n) => [x, labels[n]!] as const)
    expect(isPlace(base, labelled(odd, all))).toBe(false)
    expect(isPlace(base, labelled(odd, all.toReversed()))).toBe(true)
    expect(isPlace(far, labelled(out, all))).toBe(true)
    expect(
      isPlace(
        far,
        labelled(
          out,
          all.map(() => 'no'),
        ),
      ),
    ).toBe(false)
  })

  test('are far out where they are a third further out than any honest one, and not where they are a seventh', () => {
    const honest = some(natural, (x) => Math.hypot(...x) > scale)
    const way = moved(new Float64Array(dimension), 1)
    const found = [1.15, 1.45].map((ratio) => {
      const towards = (by: number): Float64Array => honest.map((value, i) => value + by * way[i]!)
      const far = towards(bisected((by) => noveltyOf(towards(by)) < ratio * lines.novelty[3]!))
      const before = Array.from(
        { length: 8 },
        (_, n) => [moved(far, (0.2 + 0.02 * n) * scale), n === 0 ? 'no' : 'yes'] as const,
      )
      return isPlace(far, before)
    })
    expect(found).toEqual([false, true])
  })
})

/** The number up to 100 from which on it is no longer so. */
function bisected(is: (value: number) => boolean): number {
  let [low, high] = [0, 100]
  for (let n = 0; n < 40; n++) {
    const middle = (low + high) / 2
    if (is(middle)) low = middle
    else high = middle
  }
  return high
}
