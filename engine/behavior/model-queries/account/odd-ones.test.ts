import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Account } from './account.ts'
import { Evidence, lineOf, queryThreats, restartWeight, shows } from './evidence.ts'
import { keyOfText } from '../../input/input.ts'
import { OddOnes } from './odd-ones.ts'
import { learnReference, openReference } from '../honest/reference.ts'
import { shownBy } from '../signs/shown.ts'
import { alikeOf } from '../learn/usual.ts'

const random = randomOf(87)
const normal = normalOf(random)
const dimension = 24
const causes = 6
const mixing = Array.from({ length: dimension }, () => Float64Array.from({ length: causes }, () => normal() / 4))
/** Honest inputs: 24 values of six causes. */
const natural = (): Float64Array => {
  const of = Array.from({ length: causes }, () => normal())
  return Float64Array.from(mixing, (row) => row.reduce((sum, weight, n) => sum + weight * of[n]!, 0.05 * normal()))
}
const stepped = (x: Float64Array): Float64Array => x.map((value) => value + (random() < 0.5 ? 0.1 : -0.1))
const foreign = (): Float64Array => natural().map((value) => value + 0.1 * normal())
const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
const history = Array.from({ length: 12 }, () =>
  Array.from({ length: 150 }, () => {
    const x = natural()
    return { x, label: labelOf(x), margin: 0.1 + random() }
  }),
)
const told = { ...learnReference(history)!, alike: alikeOf(history) }
const reference = openReference(JSON.parse(JSON.stringify(told)))!

/**
 * Of what it was shown that odd inputs are steps from odd ones, how often; and after how many of the queries it was
 * named for copying.
 */
function weigh(queries: readonly Float64Array[]): { readonly steps: number; readonly namedAt: number | undefined } {
  const evidence = new Evidence(reference.told.lines.share, 0.5)
  const account = new Account(dimension)
  const block = account.begin(0)
  const totals = new Float64Array(queryThreats.length)
  let [steps, namedAt]: [number, number | undefined] = [0, undefined]
  for (const [n, x] of queries.entries()) {
    account.open(block)
    account.ask(keyOfText(x.join()), n)
    const input = { kind: 'features', x, label: labelOf(x), margin: 1, blackAndWhite: false } as const
    const shown = shownBy(account, { input, member: false }, reference, false)
    account.remember(keyOfText(input.label), shown.notes)
    evidence.take(account.values, shown.bits, shown.counts, totals, restartWeight(account.distinct, 10_000))
    account.putBack(block)
    if ((shown.bits & shows.oddStep) !== 0) steps++
    if (totals[0]! >= lineOf(0.01, 10_000)) namedAt ??= n + 1
  }
  return { steps, namedAt }
}

/** One in so many is of the attack. */
const blended = (attack: readonly Float64Array[], every: number): Float64Array[] =>
  attack.flatMap((x) => [...Array.from({ length: every - 1 }, natural), x])

/** Each made of one of those before it, the seeds included. */
function augmented(seeds: number, count: number): Float64Array[] {
  const all = Array.from({ length: seeds }, natural)
  while (all.length < seeds + count) all.push(stepped(all[Math.floor(random() * all.length)]!))
  return all
}

describe('an augmentation that is mixed with ten times as many natural inputs', () => {
  test('is known by odd inputs that are steps from odd ones', () => {
    for (let seed = 0; seed < 3; seed++) {
      const { steps, namedAt } = weigh(blended(augmented(20, 100), 11))
      expect(steps).toBeGreaterThan(20)
      expect(namedAt).toBeLessThan(11 * 60)
    }
  })

  test('is none where odd inputs have nothing to do with one another, or are near copies of natural ones', () => {
    const some = [
      blended(Array.from({ length: 100 }, foreign), 11),
      Array.from({ length: 1_000 }, foreign),
      Array.from({ length: 1_000 }, natural),
      Array.from({ length: 200 }, natural).flatMap((x) => [
        x,
        ...Array.from({ length: 4 }, () => x.map((v) => v + 0.05 * normal())),
      ]),
      Array.from({ length: 1_000 }, () => natural().map((value) => Math.round(value * 8) / 8)),
    ]
    for (const queries of some) expect(weigh(queries).steps).toBe(0)
  })
})

test('steps about one place, or from what was just asked, are a search', () => {
  const center = natural()
  const steps = Array.from({ length: 12 }, () => center.map(() => (random() < 0.5 ? 0.1 : -0.1)))
  const about = [1, -1].flatMap((way) => steps.map((step) => center.map((value, i) => value + way * step[i]!)))
  const chain = [natural()]
  while (chain.length < 40) chain.push(stepped(chain.at(-1)!))
  for (const queries of [about, chain]) expect(weigh(queries).steps).toBeLessThanOrEqual(1)
})

describe('odd inputs that are kept', () => {
  test('are the last 48, of each sixteen values that lie evenly among those that are looked at', () => {
    const odd = new OddOnes(64)
    const input = (n: number): Float64Array => odd.valuesOf(Float64Array.from({ length: 32 }, (_, i) => n + i / 32))
    expect([...input(0)]).toEqual(Array.from({ length: 16 }, (_, n) => n / 16))
    expect(odd.closest(input(0), 0)).toBeUndefined()
    for (let n = 0; n < 50; n++) odd.keep(input(n), n)
    expect(odd.closest(input(2.5), 50)?.[0]).toBe(2)
    expect(odd.closest(input(0), 50)?.[0]).toBe(2)
    // The same again tells nothing.
    expect(odd.closest(input(49), 50)?.[0]).toBe(48)
  })
})
