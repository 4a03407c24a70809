import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { emptyInventory } from '../../../inventory/inventory.ts'
import { Evidence, kindsShown, lineOf, queryThreats, shows } from '../account/evidence.ts'
import { learnReference, openReference, type Sample } from '../honest/reference.ts'
import { WeighQueries, type ModelQuery } from '../local.ts'
import { ModelQueriesParams } from '../params.ts'
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
    const { usual } = usualOf(told, accounts, 'features')
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
    const { usual } = usualOf(told, accounts, 'features')
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
    const { usual } = usualOf(told, accounts, 'features')
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
      const evidence = new Evidence(told.lines.share, 0.5, 0.5, usualOf(told, accounts, 'features').usual)
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
    const { usual, rare } = usualOf(told, few, 'features')
    expect([...usual, ...rare].every((rate) => rate === 0)).toBe(true)
  })
})

describe('how unlike honest inputs one account in a hundred is', () => {
  const normal = normalOf(randomOf(11))
  const ask = (by: number): Sample => {
    const x = Float32Array.from({ length: 8 }, () => by * normal())
    return { x, label: 'a', margin: NaN }
  }
  /** Of 250 accounts so many whose inputs are wider. */
  const accountsOf = (wide: number): Sample[][] =>
    Array.from({ length: 250 }, (_, n) => Array.from({ length: 48 }, () => ask(n < wide ? 1.35 : 1)))
  const learnedOf = (wide: number) => {
    const accounts = accountsOf(wide)
    const told = learnReference(accounts)!
    return { told, ...usualOf(told, accounts, 'features') }
  }
  type Learned = ReturnType<typeof learnedOf>
  const [few, none] = [learnedOf(4), learnedOf(0)]
  /** After how many queries that show this an account is named for copying. */
  const namedAfter = ({ told, usual, rare }: Learned, shown: () => number): number | undefined => {
    const evidence = new Evidence(told.lines.share, 0.5, 0.5, usual, rare)
    const [values, totals] = [new Float32Array(evidence.size), new Float64Array(queryThreats.length)]
    const counts = [0, 1, 2, 3].reduce((all, level) => all | shows.novelty(level), 0)
    for (let n = 1; n <= 3_000; n++) {
      evidence.take(values, shown(), counts, totals)
      if (totals[0]! >= lineOf(0.01, 10_000)) return n
    }
    return undefined
  }
  const asks =
    ({ told }: Learned, by: number) =>
    (): number => {
      const { x, label } = ask(by)
      const novelty = openReference(told)!.novelty(x, label)
      return told.lines.novelty.reduce((all, line, n) => all | (novelty > line ? shows.novelty(n) : 0), 0)
    }

  test('is learned where a few of 250 are so, and then no other of their kind is named for it', () => {
    for (const learned of [few, none]) expect(learned.usual[0]).toBeLessThan(0.12)
    expect(namedAfter({ ...few, rare: [] }, asks(few, 1.35))).toBeLessThan(1_000)
    expect(namedAfter(few, asks(few, 1.35))).toBeUndefined()
    expect(namedAfter(none, asks(none, 1.35))).toBeLessThan(1_000)
    // Of two nobody learns.
    const two = learnedOf(2)
    expect(namedAfter(two, asks(two, 1.35))).toBeLessThan(1_000)
  })

  test('is what queries are weighed by, from the next learning on', () => {
    const { told, usual, rare } = few
    const queries = Array.from({ length: 1_500 }, () => ask(1.35))
    const findingsOf = (learned: unknown): number => {
      const step = new WeighQueries(ModelQueriesParams.parse({ type: 'model-queries' }))
      const entries = new KeptEntries()
      const context = { inventory: emptyInventory, baseline: () => learned }
      return queries.flatMap(({ x, label }, n) => {
        const input = {
          kind: 'embedding', hidden: false, blackAndWhite: false, probabilities: undefined, margin: undefined,
          x: Float64Array.from(x), label, key: n * 2_654_435_761,
        } as const // prettier-ignore
        const evidence = (): never => ({ id: `e${n}` }) as never
        const query: ModelQuery = { timeMs: n * 1_000, input, member: false, entities: () => [], evidence }
        return step.apply(['t/u', 'm'], entries, query, -Infinity, context).findings
      }).length
    }
    expect(findingsOf({ ...told, usual })).toBeGreaterThan(0)
    expect(findingsOf({ ...told, usual, rare })).toBe(0)
  })

  test('gives no more than four times the odds, so that whoever is far from all is named a few queries later at most', () => {
    const { told, usual } = none
    const far = (): number => [0, 1, 2, 3].reduce((all, level) => all | shows.novelty(level), 0)
    const taught = { told, usual, rare: kindsShown.map(() => 1) }
    expect(namedAfter({ told, usual, rare: [] }, far)).toBe(4)
    expect(namedAfter(taught, far)).toBeLessThanOrEqual(6)
    let n = 0
    expect(namedAfter(taught, () => (n++ % 2 === 0 ? far() : 0))).toBeLessThanOrEqual(30)
  })

  test('says nothing of searches: what is on lines, about one place or of a pair counts as before', () => {
    const learned = kindsShown.filter((_, n) => few.rare[n]! > 0)
    expect(learned.every((bit) => bit < shows.line)).toBe(true)
    expect(learned.length).toBeGreaterThan(0)
    const random = randomOf(5)
    const accounts = customers(random, () => String(Math.floor(random() * 3)))
    const { usual, rare } = usualOf(learnReference(accounts)!, accounts, 'features')
    expect([usual[flip]! > 0.2, rare[flip]]).toEqual([true, 0])
  })
})
