import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { Balance, type BalanceJson } from './balance.ts'
import { Beginnings } from './beginnings.ts'

const line = Math.log(1.1e4)

function poolOf(names: readonly string[]): Balance {
  const balance = new Balance()
  for (const name of names) balance.welcome(name, begun(name))
  return balance
}

const begun = (tenant: string, firstMs = 0) => ({ tenant, calls: 0, firstMs, lastMs: firstMs })
const namesOf = (count: number): string[] => Array.from({ length: count }, (_, n) => `a${n}`)

/** Calls until its evidence passes the line; Infinity: it never did. */
function callsUntil(
  passed: number,
  balance: Balance,
  calls: readonly (readonly [name: string, timeMs: number])[],
): number {
  let n = 0
  for (const [name, timeMs] of calls) {
    n++
    balance.take(name, timeMs)
    if (balance.evidence >= passed) return n
  }
  return Infinity
}

/** One after the other, a second apart on average, each with a weight. */
function independent(
  names: readonly string[],
  weights: readonly number[],
  count: number,
  seed: number,
): [string, number][] {
  const random = randomOf(seed)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let timeMs = 0
  return Array.from({ length: count }, () => {
    timeMs += -1_000 * Math.log(1 - random())
    let at = random() * total
    let n = 0
    while (n < names.length - 1 && (at -= weights[n]!) > 0) n++
    return [names[n]!, timeMs]
  })
}

describe('a load that is dealt', () => {
  const names = namesOf(24)
  const equal = names.map(() => 1)

  test('at random is seen once each account has had some 30 calls', () => {
    const found = [1, 2, 3].map((seed) => callsUntil(line, poolOf(names), independent(names, equal, 2_400, seed)))
    for (const calls of found) expect(calls).toBeLessThan(24 * 60)
  })

  test('in turn is seen within some turns', () => {
    const random = randomOf(4)
    let timeMs = 0
    const calls = Array.from({ length: 24 * 40 }, (_, n): [string, number] => {
      timeMs += -1_000 * Math.log(1 - random())
      return [names[n % 24]!, timeMs]
    })
    expect(callsUntil(line, poolOf(names), calls)).toBeLessThan(24 * 40)
  })

  test('names those with about an equal share, and not one with half of it', () => {
    const balance = poolOf(names)
    const calls = independent(names, [0.4, ...equal.slice(1)], 2_400, 5)
    const [, timeMs] = calls.at(-1)!
    callsUntil(Infinity, balance, calls)
    const dealt = balance.dealt(timeMs).map(({ principal }) => principal)
    expect(dealt.length).toBeGreaterThanOrEqual(22)
    expect(dealt).not.toContain('a0')
  })

  test('names nobody as of a time before it has begun', () => {
    const balance = poolOf(names)
    callsUntil(Infinity, balance, independent(names, equal, 2_400, 6))
    expect(balance.dealt(2_400_000).length).toBeGreaterThan(20)
    expect(balance.dealt(0)).toEqual([])
  })

  test('is weighed the same where the state was written and read in between', () => {
    const calls = independent(names, equal, 600, 6)
    const one = poolOf(names)
    callsUntil(Infinity, one, calls)
    let other = poolOf(names)
    for (const [n, call] of calls.entries()) {
      if (n % 50 === 0) other = new Balance(JSON.parse(JSON.stringify(other)) as BalanceJson)
      other.take(...call)
    }
    expect(JSON.stringify(other)).toBe(JSON.stringify(one))
  })
})

describe('of a load that is dealt, evidence begins anew', () => {
  const names = namesOf(30)
  const calls = independent(
    names,
    names.map(() => 1),
    1_800,
    15,
  )

  test('where a pool was large once: who came late is weighed when the others have gone', () => {
    const balance = poolOf(Array.from({ length: 250 }, (_, n) => `old${n}`))
    for (const name of names.slice(0, 6)) balance.welcome(name, begun(name))
    for (let n = 0; n < 250; n++) balance.leave(`old${n}`)
    for (const name of names.slice(6)) balance.welcome(name, begun(name))
    expect(callsUntil(line, balance, calls)).toBeLessThan(30 * 60)
  })

  test('where a hand changes its accounts: the third set is found too', () => {
    const found: number[] = []
    const balance = new Balance()
    for (const set of [0, 1, 2]) {
      const renamed = calls.map(([name, timeMs]) => [`${set}${name}`, timeMs + set * 1e9] as const)
      for (const name of names) balance.welcome(`${set}${name}`, begun(name, set * 1e9))
      if (set > 0) for (const name of names) balance.leave(`${set - 1}${name}`)
      found.push(callsUntil(line, balance, renamed))
    }
    for (const count of found) expect(count).toBeLessThan(30 * 60)
  })

  test('not while half of the members are weighed: what they have shown stays', () => {
    const balance = poolOf(names)
    callsUntil(Infinity, balance, calls.slice(0, 600))
    const { evidence } = balance
    expect(evidence).toBeGreaterThan(1)
    // The last nine came since it began with 21.
    for (const name of names.slice(0, 12)) balance.leave(name)
    expect(balance.evidence).toBe(evidence)
    balance.leave(names[12]!)
    expect(balance.evidence).toBe(0)
  })

  test('and each time beyond the eleventh it must bring more', () => {
    const { begunWith, ...of } = JSON.parse(JSON.stringify(poolOf(names))) as BalanceJson
    const after = (begunOften: number | undefined): number => {
      const looks = { count: 0, since: 0, due: Infinity, evidence: 0 }
      const balance = new Balance({
        ...of,
        begunWith,
        ...(begunOften === undefined ? {} : { begun: begunOften }),
        looks,
      })
      callsUntil(Infinity, balance, calls.slice(0, 900))
      return balance.evidence
    }
    const asOften = after(11)
    expect(asOften).toBeGreaterThan(Math.log(1e3))
    expect(asOften - after(12)).toBeCloseTo(Math.log(11 * 2))
    expect(asOften - after(13)).toBeCloseTo(Math.log(11 * 6))
  })

  test.each([
    [0, 0],
    [4, 1],
    [5, 1],
    [6, 2],
    [22, 5],
    [243, 11],
    [256, 11],
  ])('of a state of before with %i members it had begun %i times', (size, times) => {
    expect(new Beginnings(size).count).toBe(times)
  })
})

describe('the order of a load', () => {
  const names = namesOf(24)
  const inOrder = (perSession: number): [string, number][] => {
    const random = randomOf(13)
    let timeMs = 0
    return Array.from({ length: 1_200 / perSession }, () => names[Math.floor(24 * random())]!).flatMap((name) =>
      Array.from({ length: perSession }, (): [string, number] => [name, (timeMs += 60_000 * random())]),
    )
  }

  test('that is dealt at random has no sessions, and nobody of it is apart', () => {
    const balance = poolOf(names)
    callsUntil(Infinity, balance, inOrder(1))
    expect(balance.isDealt).toBe(true)
    expect(names.filter((name) => balance.hasSessions(name))).toEqual([])
    expect(balance.turns).toBe(0)
  })

  test('of sessions, each of six calls: all are apart, and none is named', () => {
    const balance = poolOf(names)
    const calls = inOrder(6)
    callsUntil(Infinity, balance, calls)
    expect(balance.isDealt).toBe(false)
    expect(names.filter((name) => balance.hasSessions(name)).length).toBeGreaterThan(20)
  })

  test('in turn is evidence by itself, and who keeps to none of it is not named with the others', () => {
    const random = randomOf(14)
    const balance = poolOf(names)
    let timeMs = 0
    for (let n = 0; n < 23 * 60; n++) {
      balance.take(names[n % 23]!, (timeMs += -1_000 * Math.log(1 - random())))
      if (n % 23 === 0 && random() < 0.5) {
        balance.take('a23', timeMs + 1)
        balance.take('a23', timeMs + 2 + 10 * random())
      }
    }
    expect(balance.turns).toBeGreaterThan(line)
    const dealt = balance.dealt(timeMs).map(({ principal }) => principal)
    expect(dealt.length).toBe(23)
    expect(dealt).not.toContain('a23')
  })

  test('of a hand is not hidden by one account that asks as often as all others together, in one session', () => {
    const balance = poolOf(names)
    const calls = inOrder(1)
    callsUntil(Infinity, balance, calls)
    const random = randomOf(15)
    let [, timeMs] = calls.at(-1)!
    for (let n = 0; n < 1_200; n++) balance.take('a0', (timeMs += 1_000 * random()))
    expect(balance.hasSessions('a0')).toBe(true)
    expect(balance.isDealt).toBe(true)
  })

  test('names nobody who asks twice at a time, once enough is known of when all ask', () => {
    const random = randomOf(16)
    const balance = poolOf(names)
    let timeMs = 0
    for (let n = 0; n < 24 * 150; n++) {
      const name = names[Math.floor(24 * random())]!
      if (name === 'a0' && random() < 0.5) continue
      for (let times = name === 'a0' ? 2 : 1; times > 0; times--) balance.take(name, (timeMs += 60_000 * random()))
    }
    const dealt = balance.dealt(timeMs).map(({ principal }) => principal)
    expect(dealt.length).toBeGreaterThan(20)
    expect(dealt).not.toContain('a0')
  })

  test('names nobody of whom too little is known to be sure of its kind', () => {
    const balance = poolOf(names)
    balance.settle('a1', false)
    callsUntil(Infinity, balance, inOrder(1))
    const named = (): string[] => balance.dealt(inOrder(1).at(-1)![1]).map(({ principal }) => principal)
    expect(named()).not.toContain('a1')
    balance.settle('a1', true)
    expect(named()).toContain('a1')
  })
})

test('those who may be of another kind say neither that calls are dealt nor how equally', () => {
  const names = namesOf(24)
  const calls = independent(
    names,
    names.map(() => 1),
    1_200,
    6,
  )
  const [sure, unsure] = [poolOf(names), poolOf(names)]
  for (const name of names) unsure.settle(name, false)
  for (const balance of [sure, unsure]) callsUntil(Infinity, balance, calls)
  expect([sure.isDealt, unsure.isDealt]).toEqual([true, false])
  expect(sure.toJSON().looks?.count).toBeGreaterThan(5)
  expect(unsure.toJSON().looks?.count).toBe(0)
})

describe('what is no dealt load', () => {
  test('customers whose shares vary by half: evidence ever passes a line no more often than it says', () => {
    const normal = normalOf(randomOf(7))
    let crossed = 0
    const [pools, calls] = [150, 400]
    for (let pool = 0; pool < pools; pool++) {
      const names = namesOf(6 + (pool % 15))
      // Of four squares of normal numbers a half is a Gamma variable of shape two; two of them, one of shape four.
      const weights = names.map(() => Array.from({ length: 8 }, () => normal() ** 2 / 2).reduce((a, b) => a + b))
      if (callsUntil(Math.log(50), poolOf(names), independent(names, weights, calls, pool)) < Infinity) crossed++
    }
    expect(crossed).toBeLessThanOrEqual(pools / 50)
  })

  test('customers who come in sessions, one after the other', () => {
    const names = namesOf(8)
    const random = randomOf(12)
    const normal = normalOf(random)
    const sizes = names.map(() => 12 * Math.exp(0.5 * normal()))
    let timeMs = 0
    const calls = Array.from({ length: 25 }, () =>
      names.flatMap((name, n) =>
        Array.from({ length: 1 + Math.floor(2 * random() * sizes[n]!) }, (): [string, number] => [
          name,
          (timeMs += 60_000 * random()),
        ]),
      ),
    ).flat()
    expect(callsUntil(line, poolOf(names), calls)).toBe(Infinity)
  })

  test('fewer than four tenants, however equal', () => {
    const names = namesOf(3)
    expect(callsUntil(line, poolOf(names), independent(names, [1, 1, 1], 3_000, 8))).toBe(Infinity)
    const one = new Balance()
    for (const name of namesOf(12)) one.welcome(name, begun('office'))
    expect(
      callsUntil(
        line,
        one,
        independent(
          namesOf(12),
          namesOf(12).map(() => 1),
          3_000,
          9,
        ),
      ),
    ).toBe(Infinity)
  })

  test('devices with clocks of the same period', () => {
    const names = namesOf(20)
    const random = randomOf(10)
    const balance = new Balance()
    const calls = names
      .flatMap((name) => {
        const phase = random() * 60_000
        balance.welcome(name, begun(name, phase))
        return Array.from({ length: 150 }, (_, k): [string, number] => [
          name,
          (k + 1) * 60_000 + phase + random() * 900,
        ])
      })
      .sort(([, a], [, b]) => a - b)
    expect(callsUntil(line, balance, calls)).toBe(Infinity)
  })

  test('people who do not ask again at once', () => {
    // Each waits half a minute at least; sizes vary by half.
    const names = namesOf(12)
    const random = randomOf(11)
    const normal = normalOf(random)
    const calls = names
      .flatMap((name) => {
        const everyMs = 60_000 * Math.exp(0.5 * normal())
        const asked: [string, number][] = []
        for (let timeMs = 0; (timeMs += 30_000 - everyMs * Math.log(1 - random())) < 4 * 3_600_000;)
          asked.push([name, timeMs])
        return asked
      })
      .sort(([, a], [, b]) => a - b)
    expect(callsUntil(line, poolOf(names), calls)).toBe(Infinity)
  })
})
