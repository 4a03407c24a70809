import { describe, expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding, GroupEntries, StepContext, StepOutcome } from '../types.ts'
import { volumeBaseline } from './detector.ts'
import { VolumeParams } from './params.ts'
import { VolumeTotals } from './totals.ts'

const dayMs = 86_400_000
/** A Monday. */
const startMs = Date.parse('2026-01-05T00:00:00.000Z')

class Entries implements GroupEntries {
  readonly map = new Map<string, unknown>()
  #sets = 0
  get<T>(name: string): T | undefined {
    return this.map.get(name) as T | undefined
  }
  set(name: string, value: unknown): void {
    // What is kept must survive being written down; looked at now and then, for it takes its time.
    this.map.set(name, this.#sets++ % 50 === 0 ? JSON.parse(JSON.stringify(value)) : value)
  }
  delete(name: string): void {
    this.map.delete(name)
  }
  names(): readonly string[] {
    return [...this.map.keys()]
  }
}

interface Read {
  readonly user: string
  readonly timeMs: number
  readonly bytes: number
  readonly asset: string
  readonly role?: string
  readonly asked?: boolean
  readonly range?: string
}

function eventOf(read: Read, number: number): Event {
  return {
    '@timestamp': new Date(read.timeMs).toISOString(),
    event: { id: `e${number}`, hash: 'h' },
    organization: { id: 'own' },
    user: { name: read.user, ...(read.role === undefined ? {} : { roles: [read.role] }) },
    ...(read.range === undefined ? {} : { http: { request: { range: read.range } } }),
    ...(read.asked === true ? { ticket: { id: 'CHG-1' } } : {}),
    warden: {
      principal: `own/${read.user}`,
      bytes: read.bytes,
      asset: { id: read.asset, kind: read.asset.startsWith('s3://weights') ? 'weights' : 'training-data' },
      position: { topic: 't', partition: 0, offset: number, index: 0 },
    },
  } as unknown as Event
}

/** Runs both steps over reads in this order, the watermark an hour behind; the findings that stand at the end. */
function run(reads: readonly Read[], given: object = {}, watermarks = true): Map<string, BehaviorFinding> {
  const params = volumeBaseline.params.parse({
    type: 'volume-baseline',
    floor: '2GB',
    coveredBy: ['ticket.id'],
    ...given,
  })
  const context: StepContext = { inventory: emptyInventory, baseline: () => undefined }
  const plan = volumeBaseline.create(params, {} as RuleMeta)
  const locals = new Map<string, { readonly entries: Entries; dueMs: number }>()
  const group = new Entries()
  const since = new Map<string, number>()
  const last = new Map<string, BehaviorFinding>()
  let groupDueMs = Infinity
  let watermarkMs = -Infinity
  const take = (outcome: StepOutcome): void => {
    groupDueMs = outcome.dueMs
    for (const finding of outcome.findings) last.set(finding.anchor, finding)
  }
  const forward = (outcome: StepOutcome): void => {
    for (const each of outcome.shuffled)
      take(plan.grouped!.apply(each.group, group, each.observation, watermarkMs, context))
  }
  const advance = (toMs: number): void => {
    for (const [principal, local] of locals) {
      if (local.dueMs > toMs) continue
      const outcome = plan.local!.advance([principal], local.entries, toMs, context)
      local.dueMs = outcome.dueMs
      forward(outcome)
    }
    if (groupDueMs <= toMs || toMs === Infinity) take(plan.grouped!.advance(['own'], group, toMs, context))
  }
  reads.forEach((read, number) => {
    const user = `own/${read.user}`
    since.set(user, Math.min(since.get(user) ?? Infinity, read.timeMs))
    if (watermarks && read.timeMs - 3_600_000 > watermarkMs) {
      watermarkMs = read.timeMs - 3_600_000
      advance(watermarkMs)
    }
    const shuffled = plan.read(eventOf(read, number), { knownSinceMs: since.get(user), inventory: emptyInventory })!
    const local = locals.get(user) ?? { entries: new Entries(), dueMs: Infinity }
    locals.set(user, local)
    const outcome = plan.local!.apply(shuffled.group, local.entries, shuffled.observation, watermarkMs, context)
    local.dueMs = outcome.dueMs
    forward(outcome)
  })
  advance(Infinity)
  for (const [anchor, { status }] of last) if (status === 'retracted') last.delete(anchor)
  return last
}

function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A normal deviate (Box and Muller 1958). */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random())

/**
 * A company at its ordinary work: people whose days are log-normal around a level of their own (a standard deviation of
 * 0.5 in the logarithm: one day in forty is more than three times the median), now and then a day in a new area with three
 * times as much, no work on most weekends; and machines: a nightly backup, training every third day, a weekly release.
 */
function company(seed: number, people: number, days: number): Read[] {
  const random = randomOf(seed)
  const reads: Read[] = []
  for (let person = 0; person < people; person++) {
    const level = 4e8 * Math.exp(0.6 * normal(random))
    for (let day = 0; day < days; day++) {
      if (day % 7 >= 5 && random() < 0.9) continue
      const bytes = level * Math.exp(0.5 * normal(random)) * (random() < 0.01 ? 3 : 1)
      for (let part = 0; part < 4; part++) {
        const timeMs = startMs + day * dayMs + Math.floor((8 + random() * 10) * 3_600_000)
        reads.push({ user: `p${person}`, timeMs, bytes: bytes / 4, asset: `s3://data/${Math.floor(random() * 300)}` })
      }
    }
  }
  const machine = (user: string, every: number, bytes: number): void => {
    for (let day = 0; day < days; day += every) {
      for (let part = 0; part < 8; part++) {
        reads.push({
          user,
          timeMs: startMs + day * dayMs + 7_200_000 + part * 60_000,
          bytes: bytes / 8,
          asset: `s3://all/${part}`,
        })
      }
    }
  }
  machine('backup', 1, 15e9)
  machine('train', 3, 3e9)
  machine('release', 7, 15e9)
  return reads.sort((a, b) => a.timeMs - b.timeMs)
}

const theft = (user: string, day: number, bytes: number, parts = 20): Read[] =>
  Array.from({ length: parts }, (_, part) => ({
    user,
    timeMs: startMs + day * dayMs + 19 * 3_600_000 + part * 60_000,
    bytes: bytes / parts,
    asset: `s3://weights/${part}`,
  }))
const merged = (...all: readonly Read[][]): Read[] => all.flat().sort((a, b) => a.timeMs - b.timeMs)

describe('a whole taken piece by piece, over two weeks', () => {
  const days = 42
  const pieces = { floor: '4GB', bucketMax: '2GB', span: '14d', history: '56d', freshMin: 0.5 }
  /** Four weeks of half a gigabyte a day now and then, and then of `objects` as many each day. */
  const reader = (user: string, objects: (day: number) => readonly Partial<Read>[]): Read[] =>
    Array.from({ length: days }, (_, day) => day)
      .filter((day) => day % 7 < 5 && (day >= 28 || day % 3 === 0))
      .flatMap((day) =>
        (day < 28 ? [{ asset: 's3://weights/0' }] : objects(day)).map((object, n) => ({
          user,
          timeMs: startMs + day * dayMs + (9 + n) * 3_600_000,
          bytes: 250e6,
          asset: 's3://weights/0',
          ...object,
        })),
      )
  const others = merged(...Array.from({ length: 6 }, (_, n) => reader(`other${n}`, () => [{}])))
  const found = (objects: (day: number) => readonly Partial<Read>[]): number =>
    run(merged(others, reader('one', objects)), pieces).size

  test('takes others each day; who reads the same again and again takes nothing', () => {
    const some = [0, 1, 2, 3, 4, 5].map((n) => `s3://weights/${n}`)
    expect(found((day) => [0, 1, 2].map((n) => ({ asset: `s3://weights/${3 * day + n}` })))).toBe(1)
    expect(found((day) => [0, 1, 2].map((n) => ({ asset: some[(day + n) % 6]! })))).toBe(0)
    // As many that are new hide nothing.
    const both = (day: number): Partial<Read>[] =>
      [0, 1].flatMap((n) => [{ asset: some[(day + n) % 6]! }, { asset: `s3://weights/${2 * day + n}` }])
    expect(found(both)).toBe(1)
  })

  test('glances at what is known hide nothing that is taken', () => {
    const glances = Array.from({ length: 8 }, () => ({ asset: 's3://weights/0', bytes: 1 }))
    expect(found((day) => [...[0, 1, 2].map((n) => ({ asset: `s3://weights/${3 * day + n}` })), ...glances])).toBe(1)
  })

  test('what is read for a change first, and then without, is taken as well', () => {
    const glance = { asset: 's3://weights/0', bytes: 1 }
    const twice = (asset: string): Partial<Read>[] => [{ asset, bytes: 1, asked: true }, { asset }]
    expect(found((day) => [glance, ...[0, 1, 2].flatMap((n) => twice(`s3://weights/${3 * day + n}`))])).toBe(1)
    expect(found(() => [glance, ...[0, 1, 2].flatMap((n) => twice(`s3://weights/${n}`))])).toBe(0)
  })

  test('of more objects in a day than are remembered nothing is kept, and of any once nothing late comes any more', () => {
    const step = new VolumeTotals(VolumeParams.parse({ type: 'volume-baseline', floor: '4GB', freshMin: 0.5 }))
    const entries = new Entries()
    for (let n = 0; n < 4_100; n++) {
      const of = { timeMs: startMs, bytes: 1, covered: false, asset: `s3://weights/${n}`, folder: 's3://weights', tenant: 'own', role: '', sinceMs: startMs } // prettier-ignore
      step.apply(['own/one'], entries, { of, entities: [], evidence: [] }, startMs)
    }
    const amounts = entries.names().filter((name) => name.startsWith('amounts/'))
    expect(amounts.map((name) => Object.keys(entries.get<object>(name)!).length)).toEqual([4_096])
    step.advance(['own/one'], entries, startMs + 3 * dayMs)
    expect(entries.names().filter((name) => /^(amounts|objects)/.test(name))).toEqual([])
  })

  test('goes on with something; who reads all of what is new each day takes nothing piece by piece', () => {
    const of = (folder: (day: number) => number) => (day: number) =>
      [0, 1, 2].map((n) => ({ asset: `s3://weights/run-${folder(day)}/${3 * day + n}` }))
    expect(found(of((day) => day))).toBe(0)
    expect(found(of((day) => Math.floor(day / 7)))).toBe(1)
  })

  test('beyond the pace of its first days, while it reads some again; who reads nothing again has no pace', () => {
    const steady = (objects: (day: number) => readonly number[], paceRatio: number): number => {
      const reads = Array.from({ length: 14 }, (_, day) => day).flatMap((day) =>
        objects(day).map((object, n) => ({
          user: 'new',
          timeMs: startMs + day * dayMs + (9 + n) * 3_600_000,
          bytes: 250e6,
          asset: `s3://weights/${object}`,
        })),
      )
      const until = startMs + 14 * dayMs
      return run(
        merged(
          others.filter(({ timeMs }) => timeMs < until),
          reads,
        ),
        { ...pieces, paceRatio },
      ).size
    }
    const again = (many: number) => (day: number) => [...Array(many).keys()].map((n) => (n < 2 ? n : many * day + n))
    expect(steady(again(5), 0)).toBe(1)
    expect(steady(again(5), 2)).toBe(0)
    expect(steady((day) => again(8)(day).filter((n) => n < 2 || day > 6), 2)).toBe(1)
    expect(steady((day) => [0, 1, 2, 3, 4].map((n) => 5 * day + n), 2)).toBe(1)
  })

  test('parts of one object are as new as others, and one object a day may be another part of it', () => {
    const part = (day: number, n: number): Partial<Read> => ({
      asset: `s3://weights/${n}`,
      range: `bytes=${day}00-${day}99`,
    })
    expect(found((day) => [0, 1, 2].map((n) => part(day, n)))).toBe(1)
    expect(found(() => [0, 1, 2].map(() => ({})))).toBe(1)
    expect(found((day) => [{ asset: `s3://weights/${day % 2}` }, { asset: `s3://weights/${1 - (day % 2)}` }, {}])).toBe(
      0,
    )
  })
})

describe('volume against baselines', () => {
  test('companies at work, with heavy-tailed days, raise about one alarm a month for 28 readers, and machines none', () => {
    let alarms = 0
    let machineAlarms = 0
    for (let seed = 1; seed <= 6; seed++) {
      const found = [...run(company(seed, 25, 30)).keys()]
      alarms += found.length
      machineAlarms += found.filter((anchor) => /backup|train|release/.test(anchor)).length
    }
    expect(machineAlarms).toBe(0)
    expect(alarms).toBeLessThanOrEqual(9)
  }, 60_000)

  test('who takes what is ten times an ordinary day is found on that day, in every company', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const found = run(merged(company(seed, 25, 30), theft('p3', 24, 15e9)))
      const of = [...found.values()].filter(({ group }) => group['warden.principal'] === 'own/p3')
      const there = of.filter(
        ({ window }) => window.startMs <= startMs + 24 * dayMs && window.endMs > startMs + 24 * dayMs,
      )
      expect(there).toHaveLength(1)
      expect(there[0]!.explanation).toContain('its own line')
    }
  }, 60_000)

  describe('of what daily work is done on', () => {
    /** Half a gigabyte a day, more or less, for some days; then eight times as much. */
    const worker = (days: number, asset: string): Read[] => {
      const amounts = [5, 8, 3, 6, 11, 4, 2, 7, 5, 9, 4, 6, 3, 10, 5, 8, 6, 4, 7, 5].map((of) => of * 1e8)
      return [
        ...amounts
          .slice(0, days)
          .map((bytes, day) => ({ user: 'w', timeMs: startMs + day * dayMs, bytes, asset: 's3://data/1' })),
        { user: 'w', timeMs: startMs + days * dayMs, bytes: 4.5e9, asset },
      ]
    }
    const found = (days: number, asset: string): number =>
      run(merged(company(3, 12, days + 1), worker(days, asset)), { workedOn: ['training-data'] }).size

    test('a heavy day after one week says nothing, after four it does', () => {
      expect(found(7, 's3://data/2')).toBe(0)
      expect(found(20, 's3://data/2')).toBe(1)
    })

    test('as much of anything else is told at once', () => {
      expect(found(7, 's3://weights/2')).toBe(1)
    })
  })

  test('the answer comes before the day is over', () => {
    const reads = merged(company(1, 25, 25), theft('p3', 24, 15e9)).filter(
      ({ timeMs }) => timeMs < startMs + 24.9 * dayMs,
    )
    const params = { historyMin: '7d' }
    // No watermark ever passes the day: what is found is found at once.
    const found = run(reads.slice(0, reads.findIndex(({ asset }) => asset === 's3://weights/10') + 1), params)
    expect([...found.keys()].some((anchor) => anchor.startsWith('own/p3@'))).toBe(true)
  })

  test('days that stand out one after the other are one finding', () => {
    const found = run(merged(company(2, 25, 30), theft('p3', 22, 12e9), theft('p3', 23, 12e9), theft('p3', 24, 12e9)))
    const of = [...found.values()].filter(({ group }) => group['warden.principal'] === 'own/p3')
    expect(of).toHaveLength(1)
    expect(of[0]!.window).toEqual({ startMs: startMs + 22 * dayMs, endMs: startMs + 25 * dayMs })
  })

  test('bytes that somebody has asked for are told apart and not judged', () => {
    const asked = theft('p3', 24, 15e9).map((read) => ({ ...read, asked: true }))
    const found = run(merged(company(1, 25, 30), asked))
    expect([...found.keys()].filter((anchor) => anchor.startsWith('own/p3@'))).toEqual([])
  })

  test('peers of the same role are compared where there are enough of them', () => {
    const heavy = Array.from({ length: 7 }, (_, n) => `heavy${n}`)
    const random = randomOf(5)
    const reads: Read[] = []
    for (const user of heavy) {
      for (let day = 0; day < 28; day++) {
        const bytes = 8e9 * Math.exp(0.3 * normal(random))
        reads.push({ user, role: 'data', timeMs: startMs + day * dayMs + 3.6e7, bytes, asset: `s3://d/${day}` })
      }
    }
    const light = company(3, 25, 28).map((read) => ({ ...read, role: 'support' }))
    // Twenty times what support reads, though less than what data does in a day.
    const taken = theft('p3', 24, 9e9).map((read) => ({ ...read, role: 'support' }))
    const found = run(merged(reads, light, taken))
    const of = [...found.values()].filter(({ group }) => group['warden.principal'] === 'own/p3')
    expect(of[0]!.explanation).toContain('in the same role')
    expect([...found.keys()].filter((anchor) => anchor.includes('heavy'))).toEqual([])
  })

  test('a tenant of one or two is judged against itself alone', () => {
    const random = randomOf(9)
    const reads = Array.from({ length: 20 }, (_, day): Read => ({
      user: 'solo',
      timeMs: startMs + day * dayMs + 3.6e7,
      bytes: 1e9 * Math.exp(0.2 * normal(random)),
      asset: `s3://d/${day}`,
    }))
    const found = run(merged(reads, theft('solo', 18, 12e9)))
    expect([...found.values()][0]!.explanation).toContain('too few peers')
    // A first read by somebody new, with nobody to compare to, says nothing.
    expect(run(merged(reads, theft('new', 18, 12e9))).size).toBe(0)
  })

  test('reads that come after their day has passed move the finding, which names what it replaces', () => {
    const at = (day: number, hour: number): number => startMs + day * dayMs + hour * 3_600_000
    const solo = (timeMs: number, bytes: number): Read => ({ user: 'solo', timeMs, bytes, asset: `s3://d/${timeMs}` })
    const ordinary = [0, 1, 2, 3, 4, 5].map((day) => solo(at(day, 10), 1e9))
    const taken = [solo(at(9, 10), 12e9), solo(at(9, 20), 1)]
    expect([...run([...ordinary, ...taken]).keys()]).toEqual(['own/solo@' + String(at(9, 0) / dayMs)])
    const found = run([...ordinary, ...taken, solo(at(8, 23), 12e9)])
    const [one] = [...found.values()]
    expect(found.size).toBe(1)
    expect(one!.anchor).toBe('own/solo@' + String(at(8, 0) / dayMs))
    expect(one!.supersedes).toEqual(['own/solo@' + String(at(9, 0) / dayMs)])
  })

  test('the order of reads leaves no trace in what stands at the end', () => {
    const reads = merged(company(4, 12, 30), theft('p3', 20, 9e9))
    const random = randomOf(77)
    const shuffled = reads
      .map((read) => [read, random()] as const)
      .sort(([, a], [, b]) => a - b)
      .map(([read]) => read)
    const strip = (found: Map<string, BehaviorFinding>): unknown =>
      [...found.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([anchor, { version: _v, supersedes: _s, evidence, ...rest }]) => [
          anchor,
          { ...rest, count: evidence.count },
        ])
    const straight = strip(run(reads))
    expect((straight as unknown[]).length).toBeGreaterThan(0)
    expect(strip(run(shuffled, {}, false))).toEqual(straight)
  })

  test('parameters that make no sense are refused', () => {
    for (const wrong of [
      {},
      { floor: '2 gigs' },
      { floor: 1, ownRatio: 0 },
      { floor: 1, surprise: true },
      { floor: -1 },
    ]) {
      expect(volumeBaseline.params.safeParse({ type: 'volume-baseline', ...wrong }).success).toBe(false)
    }
  })
})
