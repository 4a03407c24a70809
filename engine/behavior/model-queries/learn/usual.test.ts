import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { Evidence, kindsShown, queryThreats, shows } from '../account/evidence.ts'
import { learnReference, type Sample } from '../honest/reference.ts'
import { usualOf } from './usual.ts'

const flip = kindsShown.indexOf(shows.flip)

/** Customers of a table of few values, who ask about three places in turn by chance. */
function customers(random: () => number, answers: (n: number) => string): Sample[][] {
  return Array.from({ length: 12 }, (_, n) =>
    Array.from({ length: 80 }, () => {
      const place = 3 * Math.floor(random() * 3)
      return { x: Float32Array.from({ length: 4 }, () => place + random()), label: answers(n), margin: NaN }
    }),
  )
}

describe('what honest accounts show of each kind', () => {
  test('is learned: where neighbors of another class are frequent, they say less', () => {
    const random = randomOf(5)
    const accounts = customers(random, () => String(Math.floor(random() * 3)))
    const told = learnReference(accounts)!
    const usual = usualOf(told, accounts, 'features')
    expect(usual[flip]).toBeGreaterThan(0.2)
    expect(usual[kindsShown.indexOf(shows.ball)]).toBeLessThan(0.05)
    // Asked as these are, for long: named by the table, and not by what is usual.
    for (const [rates, most] of [
      [[], Infinity],
      [usual, 1e4],
    ] as const) {
      const evidence = new Evidence(told.lines.share, 0.5, 0.5, rates)
      const [values, totals] = [new Float32Array(evidence.size), new Float64Array(queryThreats.length)]
      for (let n = 0; n < 400; n++) evidence.take(values, n % 4 === 0 ? shows.flip : 0, shows.flip, totals)
      const value = totals[queryThreats.indexOf('boundary-search')]!
      if (most === Infinity) expect(value).toBeGreaterThan(4e6)
      else expect(value).toBeLessThan(most)
    }
  })

  test('and where neighbors of another class are frequent, those that are close still tell of a search', () => {
    const usual = kindsShown.map((bit) => (bit === shows.flip ? 0.25 : 0.02))
    const evidence = new Evidence([0.05, 0.01, 0.002, 0.001], 0.5, 0.5, usual)
    const [values, totals] = [new Float32Array(evidence.size), new Float64Array(queryThreats.length)]
    const both = shows.flip | shows.turn
    for (let n = 0; n < 120; n++) evidence.take(values, n % 5 < 2 ? both : 0, both, totals)
    expect(totals[queryThreats.indexOf('boundary-search')]).toBeGreaterThan(4e6)
  })

  test('is not taught by one account alone, and never lowers what is allowed', () => {
    const random = randomOf(6)
    const accounts = customers(random, (n) => (n === 3 ? String(Math.floor(random() * 3)) : '0'))
    const told = learnReference(accounts)!
    const usual = usualOf(told, accounts, 'features')
    expect(usual[flip]).toBeLessThan(0.1)
    const values = [[], usual].map((rates) => {
      const evidence = new Evidence(told.lines.share, 0.5, 0.5, rates)
      const [each, totals] = [new Float32Array(evidence.size), new Float64Array(queryThreats.length)]
      evidence.take(each, shows.flip, shows.flip, totals)
      return totals[queryThreats.indexOf('boundary-search')]!
    })
    expect(values[1]).toBeLessThanOrEqual(values[0]!)
  })

  test('is hardly another beside a column of numbers that have no room in 16 bits, as times and amounts have', () => {
    const random = randomOf(8)
    const accounts = Array.from({ length: 12 }, () =>
      Array.from({ length: 80 }, () => {
        const x = Float32Array.from({ length: 8 }, () => 6 * random())
        x[7] = 1.7e9 + 1e6 * random()
        return { x, label: x[0]! < 3 ? 'low' : 'high', margin: NaN }
      }),
    )
    const told = learnReference(accounts)!
    // It counts as much as each of the others.
    const other = accounts.map((samples) => samples.map(({ x, ...of }) => ({ ...of, x: x.with(7, 6 * random()) })))
    const units = told.units!.by[0]!
    expect(Math.abs(told.scale * units - learnReference(other)!.scale)).toBeLessThan(1)
    const usual = usualOf(told, accounts, 'features')
    for (const bit of [shows.flip, shows.turn, shows.ball, shows.line]) {
      expect(usual[kindsShown.indexOf(bit)]).toBeLessThan(0.05)
    }
    // Nothing that such an input is compared with is close to it, so that it says how new it is.
    expect(usual[kindsShown.indexOf(shows.novelty(0))]).toBeGreaterThan(0.02)
  })

  test('and is not bet on where most nearly always show it, as neighbors of another class are where there are many', () => {
    const afterFlips = (classes: (n: number) => number): number => {
      const random = randomOf(9)
      // They ask about two places in turn.
      const accounts = Array.from({ length: 12 }, (_, n) =>
        Array.from({ length: 80 }, (_, k) => {
          const x = Float32Array.from({ length: 4 }, () => 3 * (k % 2) + random())
          return { x, label: String(Math.floor(random() * classes(n))), margin: NaN }
        }),
      )
      const told = learnReference(accounts)!
      const evidence = new Evidence(told.lines.share, 0.5, 0.5, usualOf(told, accounts, 'features'))
      const [values, totals] = [new Float32Array(evidence.size), new Float64Array(queryThreats.length)]
      for (let n = 0; n < 400; n++) evidence.take(values, shows.flip, shows.flip, totals)
      return totals[queryThreats.indexOf('boundary-search')]!
    }
    expect(afterFlips(() => 30)).toBe(0)
    expect(afterFlips(() => 2)).toBeGreaterThan(4e6)
    // Six accounts of twelve do not take that away.
    expect(afterFlips((n) => (n % 2 === 0 ? 30 : 1))).toBeGreaterThan(4e6)
  })

  test('is unknown of fewer than five accounts with as many queries as it takes', () => {
    const random = randomOf(7)
    const accounts = customers(random, () => String(Math.floor(random() * 3)))
    const told = learnReference(accounts)!
    const few = accounts.map((samples, n) => (n < 4 ? samples : samples.slice(0, 19)))
    expect(usualOf(told, few, 'features').every((rate) => rate === 0)).toBe(true)
  })
})
