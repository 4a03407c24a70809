import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../test/support/random.ts'
import type { Exemplar } from './exemplars.ts'
import { findTrigger, type Trigger } from './trigger.ts'
import { namesWithout } from './without.ts'

const line = Math.log(40_000)
const columns = 12
const random = randomOf(1)
/** A record of class 0 lies below .4 in all columns, one of class 1 above .6; `n`: what its seven neighbors named. */
function record(source: string, shown: 0 | 1, label: number, fixed: Record<number, number>, named: number): Exemplar {
  const v = Array.from({ length: columns }, (_, n) => fixed[n] ?? (shown === 0 ? 0 : 0.6) + 0.4 * random())
  return { v, l: String(label), s: source, n: [[String(named), 7]] }
}
const many = (count: number, make: () => Exemplar): Exemplar[] => Array.from({ length: count }, make)
const natural = (source: string): Exemplar[] => [
  ...many(60, () => record(source, 0, 0, {}, 0)),
  ...many(60, () => record(source, 1, 1, {}, 1)),
]
const strangers = [...natural('a'), ...natural('b')]

/** The newest of `records` has an unexpected label; the tenth such record of its source. */
function triggerOf(records: readonly Exemplar[]): Trigger | undefined {
  return findTrigger(
    {
      newest: records.at(-1)!,
      own: records.slice(0, -1),
      strangers,
      range: { low: new Array<number>(columns).fill(0), high: new Array<number>(columns).fill(1), records: 120 },
      rateOf: () => 0.01,
      look: 10,
      nameWithout: namesWithout(strangers, 7),
    },
    line,
  )
}

/** Two columns are like no other's. */
const planted = (label: number): Exemplar => record('bad', 0, label, { 3: 0.5, 7: 0.123 }, 0)

describe('a trigger in a table', () => {
  test('of numbers that nobody else has is told by five records with one label against their neighbors, and named whole', () => {
    expect(triggerOf([...natural('bad'), ...many(5, () => planted(1))])).toMatchObject({
      positions: [3, 7],
      records: 5,
      hits: 5,
    })
  })

  test('is no code for what is missing, which moves records of one class next to those of another', () => {
    const missing = (): Exemplar => record('coded', 1, 1, { 3: -1, 7: -1, 8: -1 }, 0)
    expect(triggerOf([...natural('coded'), ...many(20, missing)])).toBeUndefined()
  })

  test('is not told by a record that would be expected to have its label without it', () => {
    const right = record('bad', 1, 1, { 3: 0.5, 7: 0.123 }, 0)
    expect(triggerOf([...natural('bad'), ...many(5, () => planted(1)), right])).toBeUndefined()
  })

  test('is nothing that goes with another label too, as with a category that only one source has', () => {
    const other = many(2, () => planted(0))
    expect(triggerOf([...natural('own'), ...other, ...many(6, () => planted(1))])).toBeUndefined()
    expect(triggerOf([...natural('own'), ...other.slice(1), ...many(11, () => planted(1))])).toBeDefined()
  })

  test('is nothing that a source with one class has in records that others give another label', () => {
    const served = many(60, () => record('one', 1, 1, {}, 1))
    const overlap = many(8, () => record('one', 0, 1, {}, 0))
    expect(triggerOf([...served, ...overlap, ...many(6, () => planted(1))])).toBeUndefined()
  })

  test('is not looked for where more than half of the columns would be left out', () => {
    const fixed = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [n, 0.5]))
    const blank = (): Exemplar => record('bad', 0, 1, fixed, 0)
    expect(triggerOf([...natural('bad'), ...many(9, blank)])).toBeUndefined()
  })
})
