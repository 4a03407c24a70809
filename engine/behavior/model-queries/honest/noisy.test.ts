import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from '../account/account.ts'
import { Evidence, lineOf, queryThreats, restartWeight } from '../account/evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { countNoise, isNoisy } from './noisy.ts'
import { learnReference, openReference } from './reference.ts'
import { shownBy } from '../signs/shown.ts'

const random = randomOf(61)
const normal = normalOf(random)
const dimension = 64
const causes = 12
const mixing = Array.from({ length: dimension }, () => Float64Array.from({ length: causes }, () => normal() / 5))
/** Honest inputs: 64 values of a dozen causes, as those of pictures and machines hang together. */
const mixed = (of: ArrayLike<number>): Float64Array =>
  Float64Array.from(mixing, (row) => row.reduce((sum, weight, n) => sum + weight * of[n]!, 0.02 * normal()))
const natural = (): Float64Array => mixed(Array.from({ length: causes }, () => normal()))
const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
const withNoise = (x: Float64Array, by: number): Float64Array => x.map((value) => value + by * normal())
/** Read in steps of `step`. */
const coarse = (x: Float64Array, step: number): Float64Array => x.map((value) => step * Math.round(value / step))
const deviation = Math.sqrt(causes) / 5
const reference = openReference(
  JSON.parse(
    JSON.stringify(
      learnReference(
        Array.from({ length: 10 }, () =>
          Array.from({ length: 120 }, () => {
            const x = natural()
            return { x, label: labelOf(x), margin: 0.1 + random() }
          }),
        ),
      ),
    ),
  ),
)!
const times = (count: number, make: (n: number) => Float64Array): Float64Array[] =>
  Array.from({ length: count }, (_, n) => make(n))

/** At which different query an account was named for copying. */
function namedAt(queries: readonly Float64Array[]): number | undefined {
  const evidence = new Evidence(reference.told.lines.share, 0.5)
  const account = new Account(dimension)
  account.open(account.begin(0))
  const totals = new Float64Array(queryThreats.length)
  for (const [n, x] of queries.entries()) {
    account.ask(keyOfText(x.join()), n)
    const input = { kind: 'features', x, label: labelOf(x), margin: 1, blackAndWhite: false } as const
    const shown = shownBy(account, { input, member: false }, reference, false)
    account.remember(keyOfText(input.label), shown.notes)
    evidence.take(account.values, shown.bits, shown.counts, totals, restartWeight(account.distinct, 10_000))
    if (totals[0]! >= lineOf(0.01, 10_000)) return account.distinct
  }
  return undefined
}

describe('a customer whose inputs have noise that honest ones have not', () => {
  test('is not named for copying, whether its scanner is bad or its sensors are read in coarse steps', () => {
    for (const share of [0.1, 0.15, 0.2, 0.3]) {
      expect(namedAt(times(500, () => withNoise(natural(), share * deviation)))).toBeUndefined()
      expect(namedAt(times(500, () => coarse(natural(), Math.sqrt(12) * share * deviation)))).toBeUndefined()
    }
  })
})

describe('a thief', () => {
  test('whose inputs are foreign is named as fast as without room for noise, also with noise on them', () => {
    const foreign = (): Float64Array => Float64Array.from({ length: dimension }, () => deviation * normal())
    const other = (): Float64Array => withNoise(foreign(), 0.2 * deviation)
    expect(namedAt(times(50, foreign))).toBeLessThanOrEqual(6)
    expect(namedAt(times(50, other))).toBeLessThanOrEqual(6)
  })

  test('who asks noise of ever other strength around one place gets no room for it', () => {
    const place = natural()
    const around = times(200, () => withNoise(place, (0.08 + 0.22 * random()) * deviation))
    expect(namedAt(around)).toBeLessThanOrEqual(60)
  })

  test('does not get room by natural inputs before, nor by a few with noise among them', () => {
    const foreign = (): Float64Array => withNoise(natural(), 0.7 * deviation)
    const before = times(200, (n) => (n % 10 === 0 ? withNoise(natural(), 0.2 * deviation) : natural()))
    const named = namedAt([...before, ...times(50, foreign)])
    expect(named! - 200).toBeLessThanOrEqual(12)
  })
})

describe('room for noise', () => {
  const after = (...asked: readonly (readonly [count: number, odd: boolean, left: boolean])[]): number => {
    let counts = 0
    for (const [count, odd, left] of asked) for (let n = 0; n < count; n++) counts = countNoise(counts, odd, left)
    return counts
  }

  test('is for an account most of whose odd inputs are ordinary with noise, from the first on', () => {
    expect(isNoisy(after())).toBe(true)
    expect(isNoisy(after([1, true, true]))).toBe(false)
    expect(isNoisy(after([4, true, false]))).toBe(true)
    expect(isNoisy(after([9, true, false], [1, true, true]))).toBe(true)
    expect(isNoisy(after([4, true, false], [2, true, true]))).toBe(false)
    expect(isNoisy(after([1_000, true, false], [30, true, true]))).toBe(false)
  })

  test('is for none whose inputs are mostly ordinary as they are, since noise is always there', () => {
    expect(isNoisy(after([30, false, false], [4, true, false]))).toBe(false)
    expect(isNoisy(after([30, false, false], [10, true, false]))).toBe(true)
    expect(isNoisy(after([100, true, false], [400, false, false]))).toBe(false)
  })

  test('makes no input odder, so the bound on false alarms holds as without it', () => {
    for (let n = 0; n < 500; n++) {
      const x = n % 2 === 0 ? withNoise(natural(), random() * deviation) : mixed(times(causes, () => natural())[0]!)
      expect(reference.noveltyWithRoom(x, labelOf(x))).toBeLessThanOrEqual(reference.novelty(x, labelOf(x)))
    }
  })
})
