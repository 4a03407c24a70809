import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { GroupEntries } from '../../types.ts'
import type { AskedJson } from '../../asked.ts'
import type { LikePool, PoolJson } from './like-pool.ts'
import { Likeness } from './likeness.ts'
import type { Sight } from '../params.ts'

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
  const entries = new KeptEntries()
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

describe('whether members of a kind have subjects of their own', () => {
  /** Sixteen ask about one thing, forty times each in turn, the first few of them nearer to something of their own. */
  function poolWith(withSubject: number): LikePool {
    const normal = normalOf(randomOf(7))
    const entries = new KeptEntries()
    const likeness = new Likeness(entries)
    const dimension = 28
    let pool: LikePool | undefined
    for (let n = 0; n < 40 * 22; n++) {
      const [who, timeMs] = [n % 22, n * 60_000]
      const x = Float64Array.from({ length: dimension }, () => 0.1 * normal())
      x[who < 16 ? 0 : who - 15]! += 1
      if (who < withSubject) x[who + 8]! += 0.25
      const length = Math.hypot(...x)
      const sight = { principal: `c${who}`, tenant: `c${who}`, timeMs } as Sight
      const found = likeness.take(
        entries,
        sight,
        x.map((value) => value / length),
      )
      if (who < 16) pool = found?.pool ?? pool
    }
    return pool!
  }

  test('is told by how far their means are apart', () => {
    expect(poolWith(0).gathered.isOne).toBe(true)
    expect(poolWith(16).gathered.isOne).toBe(false)
  })

  test('is told of the one that has, which is not sure to be of them', () => {
    const { gathered, balance } = poolWith(1)
    expect([gathered.isOne, balance.isSure('c0'), balance.isSure('c1')]).toEqual([true, false, true])
  })

  test('is not known where a third may have', () => {
    const { gathered, balance } = poolWith(6)
    expect(balance.principals().filter((name) => balance.isSure(name)).length).toBeGreaterThanOrEqual(9)
    expect(gathered.isOne).toBe(false)
  })
})

const lateMs = 40 * hourMs

/** Who has asked what lies `aside` from the k-th way. */
function askedOf(tenant: string, k: number, lastMs: number, pool?: string, aside = 0): AskedJson {
  const mean = Float32Array.from({ length: 8 }, (_, n) => (n === k ? 0.99 - aside : n === k + 1 ? aside : 0))
  return {
    tenant,
    mean: Buffer.from(mean.buffer).toString('base64'),
    calls: 64,
    firstMs: 0,
    lastMs,
    ...(pool === undefined ? {} : { pool }),
  }
}

function poolOf(members: readonly string[], lastMs: number): PoolJson {
  return {
    sinceMs: 0,
    lastMs,
    balance: {
      logs: [0, 0, 0, 0],
      begunWith: members.length,
      members: members.map((name) => [name, { tenant: name, calls: 8, firstMs: 0, lastMs, gapMs: 0, isClock: true }]),
    },
  }
}

test('who has fallen silent is no member of a pool any more that others have moved away', () => {
  const entries = new KeptEntries()
  const hand = Array.from({ length: 8 }, (_, n) => `hand${n}`)
  for (const name of hand) entries.set(`q/${name}`, askedOf(name, 0, lateMs, 'pool'))
  for (const name of ['old0', 'old1']) entries.set(`q/${name}`, askedOf(name, 0, 0, 'pool', 0.7))
  for (let n = 0; n < 8; n++) entries.set(`q/other${n}`, askedOf(`other${n}`, 2 + (n % 5), lateMs))
  entries.set('l/pool', poolOf([...hand, 'old0', 'old1'], lateMs))
  const likeness = new Likeness(entries)
  const x = Float64Array.from({ length: 8 }, (_, n) => (n === 0 ? 1 : 0))
  for (let n = 0; n < 8; n++) likeness.take(entries, { principal: 'new', tenant: 'new', timeMs: lateMs } as Sight, x)
  const kept = JSON.parse(JSON.stringify(entries.get('l/pool'))) as PoolJson
  expect(kept.balance.members.map(([name]) => name)).toEqual([...hand, 'new'])
  const { pool } = JSON.parse(JSON.stringify(entries.get('q/old0'))) as AskedJson
  expect(pool).toBeUndefined()
})

describe('how long answers to others are is not learned', () => {
  /** What a fifth of the answers to others are as long as; `stray` asks what the hand asks, and is not known to be of it. */
  function lineBeside(stray: Partial<AskedJson>): number | undefined {
    const entries = new KeptEntries()
    const hand = Array.from({ length: 8 }, (_, n) => `hand${n}`)
    for (const name of hand) entries.set(`q/${name}`, askedOf(name, 0, lateMs, 'pool'))
    for (let n = 0; n < 4; n++)
      entries.set(`q/other${n}`, { ...askedOf(`other${n}`, 2 + n, lateMs), answers: [100, 100, 100, 100] })
    entries.set('q/stray', { ...askedOf('stray', 0, lateMs), answers: [900, 900, 900, 900], ...stray })
    entries.set('l/pool', poolOf(hand, lateMs))
    const likeness = new Likeness(entries)
    const x = Float64Array.from({ length: 8 }, (_, n) => (n === 0 ? 1 : 0))
    for (let n = 0; n < 8; n++) likeness.take(entries, { principal: 'new', tenant: 'new', timeMs: lateMs } as Sight, x)
    return (JSON.parse(JSON.stringify(entries.get('l/pool'))) as PoolJson).gathered?.lines?.[0]
  }

  test('from an account that may be of the kind, as far as few calls tell', () => {
    expect(lineBeside({})).toBe(100)
  })

  test('but for those that come in sessions, or ask something else: a vendor has customers of both kinds', () => {
    expect(lineBeside({ sessions: true })).toBe(900)
    expect(lineBeside(askedOf('stray', 0, lateMs, undefined, 0.5))).toBe(900)
  })
})

describe('two pools that turn out to be of one kind', () => {
  /** A large pool that has been silent and a small one that has not; and what was kept once somebody else is compared. */
  function merged(large: number) {
    const members = Array.from({ length: large }, (_, n) => `large${n}`)
    const kept = new Map<string, unknown>()
    for (const name of members) kept.set(`q/${name}`, askedOf(name, 0, 0, 'large'))
    for (const name of ['d', 'e']) kept.set(`q/${name}`, askedOf(name, 0, lateMs, 'small'))
    for (let n = 0; n < 8; n++) kept.set(`q/other${n}`, askedOf(`other${n}`, 1 + (n % 6), lateMs))
    kept.set('l/large', poolOf(members, 0))
    kept.set('l/small', poolOf(['d', 'e'], lateMs))
    const entries: GroupEntries = {
      get: <T>(name: string) => kept.get(name) as T | undefined,
      // As it is written, not what becomes of it.
      set: (name, value) => void kept.set(name, JSON.parse(JSON.stringify(value))),
      delete: (name) => void kept.delete(name),
      names: () => [...kept.keys()],
    }
    const likeness = new Likeness(entries)
    const x = Float64Array.from({ length: 8 }, (_, n) => (n === 7 ? 1 : 0))
    for (let n = 0; n < 8; n++) likeness.take(entries, { principal: 'f', tenant: 'f', timeMs: lateMs } as Sight, x)
    const asked = (name: string) => kept.get(`q/${name}`) as AskedJson
    return { pools: [...kept.keys()].filter((name) => name.startsWith('l/')), kept, asked }
  }

  test('are one, that is not forgotten before those who came over are', () => {
    const { pools, kept, asked } = merged(4)
    expect(pools).toEqual(['l/large'])
    expect([asked('d').pool, asked('e').pool]).toEqual(['large', 'large'])
    expect((kept.get('l/large') as PoolJson).lastMs).toBe(lateMs)
  })

  test('where there is no room in the larger, those of the smaller are in none, after a restart as well', () => {
    const { pools, asked } = merged(256)
    expect(pools).toEqual(['l/large'])
    expect([asked('d').pool, asked('e').pool]).toEqual([undefined, undefined])
  })
})
