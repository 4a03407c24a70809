import { describe, expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { learnedOf } from '../../../../test/support/learned.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { Account } from '../account/account.ts'
import { isBesides, isSuite, noteRecords } from './besides.ts'
import { shows } from '../account/evidence.ts'
import type { Suspicion } from '../account/suspicion.ts'

const random = randomOf(71)
const normal = normalOf(random)
const dimension = 12
const natural = (): Float64Array => Float64Array.from({ length: dimension }, () => normal())
const labelOf = (x: Float64Array): string => (x[0]! > 0 ? 'yes' : 'no')
const told = learnedOf(natural, labelOf, random)

interface Asked {
  readonly x: Float64Array
  readonly member?: boolean
}

/** At which query each threat was first named. */
function named(queries: readonly Asked[]): Readonly<Record<string, number>> {
  const account = new AskingAccount(told)
  for (const { x, member = false } of queries) account.ask({ x, label: labelOf(x), member })
  return account.named
}

/** From an input of one class half the way to one of the other, and on: nine queries. */
function search(member = false): Asked[] {
  const some = (label: string): Float64Array => {
    for (;;) {
      const x = natural()
      if (labelOf(x) === label) return x
    }
  }
  let [no, yes] = [some('no'), some('yes')]
  const start = { x: no, member }
  const steps = Array.from({ length: 7 }, () => {
    const x = no.map((value, i) => (value + yes[i]!) / 2)
    if (labelOf(x) === 'yes') yes = x
    else no = x
    return { x }
  })
  return [start, { x: yes }, ...steps]
}
const searches = (count: number): Asked[] => Array.from({ length: count }, () => search()).flat()
const inference = 'membership-inference'

describe('a search for the boundary', () => {
  test('around a training record among its first inputs is membership inference besides', () => {
    const first = named([...searches(2), ...search(true), ...searches(1)])
    expect(first['boundary-search']).toBeLessThanOrEqual(18)
    expect(first[inference]).toBeLessThanOrEqual(27)
    expect(named(searches(4))).not.toHaveProperty(inference)
  })

  test('that goes on for long is none for one stranger that passes the filter; for two of its inputs it is', () => {
    expect(named([...searches(15), ...search(true), ...searches(15)])).not.toHaveProperty(inference)
    const two = named([...searches(15), ...search(true), ...searches(5), ...search(true)])
    expect(two[inference]).toBeGreaterThan(9 * 21)
  })
})

describe('training records that a customer has', () => {
  const records = Array.from({ length: 60 }, () => ({ x: natural(), member: true }))
  const work = (count: number): Asked[] => Array.from({ length: count }, () => ({ x: natural() }))

  test('and tests with in one go are no inference of membership, whatever is asked before and afterwards', () => {
    expect(named([...work(100), ...records, ...work(400)])).toEqual({})
    expect(named([...records.slice(0, 5), ...work(400)])).toEqual({})
    // Nor are they when they are asked again.
    expect(named([...records, ...work(300), ...records, ...work(300)])).toEqual({})
  })

  test('and asks among as many others look like one', () => {
    expect(named(records.flatMap((record) => [record, ...work(1)]))).toHaveProperty(inference)
  })
})

test('what speaks for membership inference counts however much was asked', () => {
  const account = { told: Float64Array.of(10, 0, 0, 0) } as unknown as Account
  const asked = (records: number, queries: number): boolean =>
    isBesides(inference, { shown: {}, queries, records, evidence: [], trail: [] }, account)
  expect([asked(400, 9_000), asked(400, 400_000)]).toEqual([true, false])
})

test('records among others, counted by a version that kept no more than how many, are no suite after the next one', () => {
  const suspicion: Suspicion = { shown: {}, queries: 400, records: 40, evidence: [], trail: [] }
  expect(isSuite(suspicion)).toBe(false)
  suspicion.queries++
  noteRecords(suspicion, shows.member, 0)
  expect(isSuite(suspicion)).toBe(false)
  const begun: Suspicion = { shown: {}, queries: 400, evidence: [], trail: [] }
  noteRecords(begun, shows.member, 0)
  expect(isSuite(begun)).toBe(true)
})
