import { describe, expect, test } from 'vitest'
import { customer, hourMs, poisson, run, startMs, type Query, type Who } from '../../../test/support/traffic/crowd.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { learnReference } from '../model-queries/honest/reference.ts'

const random = randomOf(31)
const normal = normalOf(random)
const dimension = 32
const mixing = Array.from({ length: dimension }, () => Array.from({ length: 6 }, () => normal() / 3))
/** Honest inputs: 32 values of six causes. */
const natural = (): number[] => {
  const of = Array.from({ length: 6 }, () => normal())
  return mixing.map((row) => row.reduce((sum, weight, n) => sum + weight * of[n]!, 0.05 * normal()))
}
const noisy = (by: number) => (): number[] => natural().map((value) => value + by * normal())
/** Of causes that honest inputs don't have. */
const others = Array.from({ length: dimension }, () => Array.from({ length: 6 }, () => normal() / 3))
const foreign = (): number[] => {
  const of = Array.from({ length: 6 }, () => normal())
  return others.map((row) => row.reduce((sum, weight, n) => sum + weight * of[n]!, 0.05 * normal()))
}
const told = learnReference(
  Array.from({ length: 12 }, () =>
    Array.from({ length: 120 }, () => ({ x: Float64Array.from(natural()), label: '', margin: NaN })),
  ),
)
const asking = (who: Who, input: () => number[], meanMs: number, count: number, fromMs = startMs): Query[] =>
  poisson(random, who, fromMs, Infinity, meanMs, () => ({ features: input() }), count)
const hand = (n: number): Who => ({ user: `x${n}`, tenant: `tx${n}`, ip: `203.0.113.${n + 1}`, agent: 'axios/1.7' })

describe('who shares the networks of a crowd that was told', () => {
  test('and comes with a bad scanner is left alone, while all of the crowd are named', () => {
    const scanners = Array.from({ length: 4 }, (_, n) => ({ ...customer(random, 100 + n), ip: `203.0.113.${100 + n}` }))
    const { named } = run(
      [
        ...Array.from({ length: 20 }, (_, n) => asking(customer(random, n), natural, 600_000, 60)).flat(),
        ...Array.from({ length: 12 }, (_, n) => asking(hand(n), foreign, 300_000, 30)).flat(),
        ...scanners.flatMap((who) => asking(who, noisy(0.08), 300_000, 80, startMs + hourMs)),
      ],
      (name) => (name.includes('features') ? told : undefined),
    )
    expect([...named].filter((user) => user.startsWith('x')).length).toBe(12)
    expect([...named].filter((user) => !user.startsWith('x'))).toEqual([])
  })
})
