import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import type { GroupEntries } from '../types.ts'
import { Likeness } from './likeness.ts'
import type { Sight } from './params.ts'

const hourMs = 3_600_000
const callsMax = 4_000

interface Call {
  readonly who: string
  readonly timeMs: number
  /** Which way its embedding points. */
  readonly kind: number
}

type Rates = (n: number) => number

/** Customers with one template, called at random from their start on, and a few accounts that ask otherwise. */
function world(random: () => number, customers: number, rateOf: Rates, startOf: Rates = () => 0): readonly Call[] {
  const calls: Call[] = []
  for (let n = 0; n < customers; n++) {
    const rate = rateOf(n)
    for (let t = startOf(n); (t += -Math.log(1 - random()) / rate) < 48 * hourMs;)
      calls.push({ who: `c${n}`, timeMs: t, kind: 0 })
  }
  const first = calls.sort((a, b) => a.timeMs - b.timeMs).slice(0, callsMax)
  const others = Array.from({ length: 180 }, (_, n) => ({ who: `o${n % 6}`, timeMs: n * 60_000, kind: 1 + (n % 2) }))
  return [...first, ...others].sort((a, b) => a.timeMs - b.timeMs)
}

/** The most evidence that there ever was of a load that is dealt between customers. */
function mostOf(calls: readonly Call[], normal: () => number): number {
  const entries = entriesOf()
  const likeness = new Likeness(entries)
  let most = 0
  for (const { who, timeMs, kind } of calls) {
    const x = Float64Array.from({ length: 3 }, (_, k) => (k === kind ? 1 : 0) + 0.2 * normal())
    const length = Math.hypot(...x)
    const sight = { principal: who, tenant: who, timeMs } as Sight
    const found = likeness.take(
      entries,
      sight,
      x.map((value) => value / length),
    )
    if (found !== undefined && kind === 0) most = Math.max(most, found.pool.balance.evidence)
  }
  return most
}

function entriesOf(): GroupEntries {
  const map = new Map<string, unknown>()
  return {
    get: <T>(name: string) => map.get(name) as T | undefined,
    set: (name, value) => void map.set(name, value),
    delete: (name) => void map.delete(name),
    names: () => [...map.keys()],
  }
}

/** Of shape four, with mean one: half of the squares of eight normal numbers make one of mean four. */
const gamma = (normal: () => number): number =>
  Array.from({ length: 8 }, () => normal() ** 2 / 8).reduce((a, b) => a + b)
const perHour = (calls: number): number => calls / hourMs

describe('customers with prompts of one kind, whose sizes vary by half, are no dealt load', () => {
  // Each becomes a member at its eighth call, those who ask much first: of what is weighed.
  test.each([30, 60, 100])('%i who were there from the start', (customers) => {
    for (let seed = 0; seed < 12; seed++) {
      const random = randomOf(seed + 1)
      const normal = normalOf(random)
      const calls = world(random, customers, () => perHour(4 * gamma(normal)))
      expect(mostOf(calls, normal)).toBeLessThan(Math.log(700))
    }
  })

  test('40 who begin one after the other', () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = randomOf(seed + 50)
      const normal = normalOf(random)
      const calls = world(
        random,
        40,
        () => perHour(4 * gamma(normal)),
        () => 36 * hourMs * random(),
      )
      expect(mostOf(calls, normal)).toBeLessThan(Math.log(700))
    }
  })

  test('thirty accounts with one rate are', () => {
    const random = randomOf(99)
    const normal = normalOf(random)
    expect(
      mostOf(
        world(random, 30, () => perHour(3)),
        normal,
      ),
    ).toBeGreaterThan(Math.log(1e4))
  })
})
