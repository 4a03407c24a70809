import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { Event } from '../../../core/event.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding, GroupEntries } from '../types.ts'
import { countryOf, leastDistanceKm } from './countries.ts'
import { credentialHabits } from './detector.ts'

const startMs = Date.parse('2026-03-02T00:00:00.000Z')

interface Call {
  readonly timeMs: number
  readonly ip: string
  readonly agent: string
  readonly country: string
}

function eventOf({ timeMs, ip, agent, country }: Call, number: number): Event {
  return {
    '@timestamp': new Date(timeMs).toISOString(),
    event: { id: `e${number}`, hash: 'h' },
    organization: { id: 't' },
    source: { ip, geo: { country_iso_code: country } },
    user_agent: { original: agent },
    warden: {
      principal: 't/dana',
      credential: { id: 'hmac-1' },
      position: { topic: 't', partition: 0, offset: number, index: 0 },
    },
  } as unknown as Event
}

/** Runs the calls of one account in the order of time; state comes back from a checkpoint every 50 calls. */
function run(calls: readonly Call[]): { kinds: Set<unknown>; bytes: number; findings: BehaviorFinding[] } {
  const plan = credentialHabits.create(credentialHabits.params.parse({ type: 'credential-habits' }), {} as RuleMeta)
  const context = { inventory: emptyInventory, baseline: () => undefined }
  const entries = new KeptEntries()
  const findings: BehaviorFinding[] = []
  for (const [n, call] of [...calls].sort((a, b) => a.timeMs - b.timeMs).entries()) {
    const read = plan.read(eventOf(call, n), { knownSinceMs: undefined, inventory: emptyInventory })!
    findings.push(...plan.local!.apply(read.group, entries, read.observation, -Infinity, context).findings)
    if (n % 50 === 0) entries.restart()
  }
  return {
    kinds: new Set(findings.map(({ facts }) => facts['kind'])),
    bytes: entries.bytes,
    findings,
  }
}

/** A small generator of numbers that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) / 2 ** 24
  }
}

const countries = ['DE', 'US', 'JP', 'BR', 'IN', 'GB', 'FR', 'CA']
const agents = ['aiohttp/3.9', 'curl/8.6', 'axios/1.7', 'okhttp/4.12', 'python-requests/2.32']

/** Calls at random times; gaps are exponential with this mean. */
function poisson(
  random: () => number,
  from: number,
  days: number,
  meanMs: number,
  of: (timeMs: number) => Omit<Call, 'timeMs'>,
): Call[] {
  const calls: Call[] = []
  for (let t = from; (t += -Math.log(1 - random()) * meanMs) < from + days * 86_400_000;)
    calls.push({ timeMs: Math.round(t), ...of(t) })
  return calls
}

function address(random: () => number): string {
  return `${20 + Math.floor(random() * 180)}.${Math.floor(random() * 250)}.${Math.floor(random() * 250)}.${Math.floor(random() * 250)}`
}

test('a state with keys by their names, as an older version left it, is gone on from', () => {
  const plan = credentialHabits.create(credentialHabits.params.parse({ type: 'credential-habits' }), {} as RuleMeta)
  const place = { network: '203.0.113', agent: 'curl', country: 'DE', firstMs: startMs, lastMs: startMs, calls: 9 }
  const habits = { firstMs: startMs, lastMs: startMs, calls: 9, places: [place], logs: [0, 0, 0], changes: 0 }
  const rest = { changed: false, fastestKmh: 0, paceMs: 60_000 }
  let kept: unknown = { 'hmac-1': { ...habits, ...rest } }
  const entries: GroupEntries = {
    get: <T>() => kept as T,
    set: (_, value) => void (kept = value),
    delete: () => undefined,
    names: () => [''],
  }
  const call = eventOf({ timeMs: startMs + 1, ip: '203.0.113.9', agent: 'curl/8', country: 'DE' }, 1)
  const context = { inventory: emptyInventory, baseline: () => undefined }
  const read = plan.read(call, { knownSinceMs: undefined, inventory: emptyInventory })!
  plan.local!.apply(read.group, entries, read.observation, -Infinity, context)
  expect(JSON.parse(JSON.stringify(kept))).toMatchObject([
    { credential: 'hmac-1', calls: 10, places: [{ calls: 10, lastMs: startMs + 1 }] },
  ])
})

describe('benign accounts', () => {
  test('of 200, with travel, roaming phones, mistaken locations and VPNs among them, none is accused over two weeks', () => {
    let accused = 0
    for (let account = 0; account < 200; account++) {
      const random = numbers(account + 1)
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
      const [home, away, agent, second] = [pick(countries), pick(countries), pick(agents), pick(agents)]
      const [homeIp, awayIp] = [address(random), address(random)]
      const kind = account % 4
      const calls = poisson(random, startMs, 14, 900_000, (t) => {
        const day = (t - startMs) / 86_400_000
        // A location that is mistaken, once in fifty calls.
        const country = random() < 0.02 ? pick(countries) : home
        if (kind === 1 && day > 5 && day < 9) return { ip: awayIp, agent, country: away }
        if (kind === 2) return { ip: address(random), agent, country }
        if (kind === 3 && random() < 0.02) return { ip: awayIp, agent: second, country: away }
        return { ip: homeIp, agent, country }
      })
      if (run(calls).findings.length > 0) accused++
    }
    expect(accused).toBe(0)
  })
})

describe('a key that is shared', () => {
  test.each([2, 3, 5, 9])('by %i people who know nothing of one another is told within a day', (people) => {
    for (let seed = 0; seed < 10; seed++) {
      const random = numbers(100 * people + seed)
      const calls = Array.from({ length: people }, (_, person) => {
        const of = {
          ip: address(random),
          agent: agents[(person + seed) % agents.length]!,
          country: countries[(person + seed) % 5]!,
        }
        return poisson(random, startMs, 1, 1_200_000, () => of)
      }).flat()
      expect(run(calls).kinds).toContain('shared')
    }
  })

  test('what is kept of it stays below the limit of an account', () => {
    const random = numbers(5)
    const calls = poisson(random, startMs, 3, 60_000, () => ({
      ip: address(random),
      agent: agents[Math.floor(random() * 5)]!,
      country: countries[Math.floor(random() * 8)]!,
    }))
    const { kinds, bytes } = run(calls)
    expect(kinds).toContain('shared')
    // Of an account that is found: most of it are references to the evidence.
    expect(bytes).toBeLessThan(40_000)
  })

  test('what is kept of an ordinary account is small', () => {
    const random = numbers(6)
    expect(
      run(poisson(random, startMs, 9, 600_000, () => ({ ip: '203.0.113.9', agent: 'curl/8.6', country: 'DE' }))).bytes,
    ).toBeLessThan(500)
  })
})

test('neighbors are no distance apart, and far countries at least what lies between their borders', () => {
  const between = (a: string, b: string): number => leastDistanceKm(countryOf(a)!, countryOf(b)!)
  expect(between('DE', 'FR')).toBe(0)
  expect(between('US', 'CA')).toBe(0)
  expect(between('DE', 'JP')).toBeGreaterThan(6_500)
  expect(between('DE', 'JP')).toBeLessThan(9_500)
  expect(between('GB', 'US')).toBeGreaterThan(2_500)
  expect(countryOf('XX')).toBeUndefined()
})
