import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { evidenceOfLoads, isLikelierDealt, type Calls } from './loads.ts'

const [customers, dealt] = [4, 25]
const dayMs = 86_400_000

/** Calls at random in a day since each began. */
function callsOf(random: () => number, mean: number): number {
  let calls = 0
  for (let sum = -Math.log(1 - random()); sum < mean; sum -= Math.log(1 - random())) calls++
  return calls
}

/** Of `accounts`, those who have asked so often that they are members. */
function kindOf(seed: number, accounts: number, rateOf: (normal: () => number) => number, atLeast = 8): Calls[] {
  const random = randomOf(seed)
  const normal = normalOf(random)
  return Array.from({ length: accounts }, () => {
    const exposure = 0.4 + 0.6 * random()
    return { calls: callsOf(random, exposure * rateOf(normal)), atLeast, exposureMs: exposure * dayMs }
  }).filter(({ calls }) => calls >= atLeast)
}

/** Of shape four. */
const customer = (mean: number) => (normal: () => number) =>
  (mean / 8) * Array.from({ length: 8 }, () => normal() ** 2).reduce((a, b) => a + b)
const evidenceOf = (all: readonly Calls[]): number => evidenceOfLoads(all, customers, dealt)

describe('all calls of a kind as a whole', () => {
  test('forty accounts with one rate are dealt, and the more so the earlier they became members', () => {
    const all = kindOf(1, 40, () => 40)
    expect(evidenceOf(all)).toBeGreaterThan(12)
    const late = all.map((each) => ({ ...each, atLeast: Math.floor(0.9 * each.calls) }))
    expect(evidenceOf(late)).toBeLessThan(evidenceOf(all) - 5)
  })

  test.each([10, 20, 60])(
    'customers whose sizes vary by half, %i calls a day each, seem so no more often than it says',
    (mean) => {
      const all = Array.from({ length: 300 }, (_, seed) => evidenceOf(kindOf(seed, 10 + (seed % 50), customer(mean))))
      for (const line of [1, 2, 3]) {
        const passed = all.filter((evidence) => evidence >= line).length
        expect(passed).toBeLessThanOrEqual(300 * Math.exp(-line))
      }
    },
  )

  test('customers of whom only those are known who ask much would seem so if that did not count', () => {
    const all = kindOf(5, 400, customer(6), 8)
    expect(evidenceOf(all.map((each) => ({ ...each, atLeast: 0 })))).toBeGreaterThan(10)
    expect(evidenceOf(all)).toBeLessThan(1)
  })

  test('of a single account say nothing, however many they are: given their sum there is no other way', () => {
    expect(Math.abs(evidenceOf([{ calls: 400, atLeast: 7, exposureMs: dayMs }]))).toBeLessThan(0.1)
  })

  test('how long an account is there counts, not how much it asks', () => {
    const all = Array.from({ length: 30 }, (_, n): Calls => {
      return { calls: 10 + 2 * n, atLeast: 0, exposureMs: ((10 + 2 * n) / 70) * dayMs }
    })
    expect(evidenceOf(all)).toBeGreaterThan(12)
    expect(evidenceOf(all.map((each) => ({ ...each, exposureMs: dayMs })))).toBeLessThan(0)
  })
})

test('one of forty calls is one of those that are dealt, of sixty or of twenty a customer', () => {
  expect([20, 40, 60].map((calls) => isLikelierDealt(calls, 40, customers, dealt))).toEqual([false, true, false])
})
