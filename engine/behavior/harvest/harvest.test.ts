import { beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding } from '../types.ts'
import { answerHarvest } from './detector.ts'

interface Call {
  readonly account: string
  readonly timeMs: number
  readonly prompt: string
  readonly in: number
  readonly out: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startMs = Date.parse('2026-03-02T00:00:00.000Z')

interface Kind {
  readonly in: number
  readonly out: number
  readonly spread?: number
  /** The answer has so many times the prompt's tokens, as a translation has. */
  readonly times?: number
  /** Calls, from when on, and the mean interval between two. */
  readonly calls: number
  readonly fromMs?: number
  readonly everyMs: number
  /** How the interval varies: 1 as independent calls do, 0 not at all. */
  readonly jitter?: number
  /** So many prompts are asked over and over. */
  readonly suite?: number
}

function callsOf(account: string, kind: Kind, seed: number): Call[] {
  const random = randomOf(seed)
  const normal = normalOf(random)
  const { spread = 0.8, fromMs = 0, jitter = 1, suite } = kind
  const tokens = (median: number): number => Math.max(1, Math.round(median * Math.exp(spread * normal())))
  let timeMs = startMs + fromMs
  return Array.from({ length: kind.calls }, (_, n) => {
    timeMs += kind.everyMs * (1 - jitter + jitter * -Math.log(1 - random()))
    const prompt = `${account}/${suite === undefined ? n : n % suite}`
    const [asks, gets] = [tokens(kind.in), tokens(kind.out)]
    const out = kind.times === undefined ? gets : Math.round(asks * kind.times * Math.exp(0.15 * normal()))
    return { account, timeMs: Math.round(timeMs), prompt, in: asks, out }
  })
}

/** Night after night. */
function nights(account: string, kind: Kind, count: number, seed: number): Call[] {
  return Array.from({ length: count }, (_, day) =>
    callsOf(account, { ...kind, fromMs: day * dayMs + 2 * hourMs }, seed + day).map((call) => ({
      ...call,
      prompt: kind.suite === undefined ? `${day}/${call.prompt}` : call.prompt,
    })),
  ).flat()
}

const chat: Kind = { in: 200, out: 280, calls: 500, everyMs: 0.3 * hourMs }
/** Eleven customers over a week. */
const customers: readonly Call[] = [
  ...[1, 2, 3].flatMap((n) => callsOf(`chat-${n}`, chat, n)),
  ...[4, 5].flatMap((n) => callsOf(`help-${n}`, { ...chat, in: 900, out: 180 }, n)),
  ...[6, 7].flatMap((n) => callsOf(`class-${n}`, { ...chat, out: 1, spread: 0 }, n)),
  ...[8, 9].flatMap((n) => nights(`summaries-${n}`, { in: 2200, out: 240, calls: 60, everyMs: 2_000, jitter: 0.5 }, 7, n * 20)),
  ...[10, 11].flatMap((n) => nights(`suite-${n}`, { in: 350, out: 200, calls: 50, everyMs: 1_200, jitter: 0.3, suite: 50 }, 7, n * 20)),
] // prettier-ignore
const weekMs = 7 * dayMs

function eventOf(call: Call, offset: number): Event {
  return {
    '@timestamp': new Date(call.timeMs).toISOString(),
    event: { id: `e${offset}`, hash: 'h' },
    organization: { id: 't' },
    gen_ai: { usage: { input_tokens: call.in, output_tokens: call.out } },
    warden: {
      principal: call.account,
      model: { id: 'llm' },
      input: { hash: call.prompt },
      position: { topic: 't', partition: 0, offset, index: 0 },
    },
  } as unknown as Event
}

/**
 * Who is named, after how many of its calls first. Every now and then the state comes back from a checkpoint. `asTold`:
 * what becomes of what is told of the model.
 */
function namedIn(
  calls: readonly Call[],
  asTold = (value: unknown): unknown => value,
): {
  first: ReadonlyMap<string, number>
  findings: BehaviorFinding[]
  /** About several accounts together. */
  together: BehaviorFinding[]
} {
  const params = answerHarvest.params.parse({ type: 'answer-harvest' })
  const { read, local, grouped } = answerHarvest.create(params, {} as RuleMeta)
  const accounts = new Map<string, { entries: KeptEntries; calls: number }>()
  const shared = new KeptEntries()
  const told = new Map<string, unknown>()
  const context = { inventory: emptyInventory, baseline: (name: string) => told.get(name) }
  let dueMs = Infinity
  const findings: BehaviorFinding[] = []
  const together: BehaviorFinding[] = []
  const first = new Map<string, number>()
  for (const [offset, call] of [...calls].sort((a, b) => a.timeMs - b.timeMs).entries()) {
    if (call.timeMs >= dueMs) {
      for (const { name, value } of grouped!.advance(['llm'], shared, call.timeMs, context).baselines ?? []) {
        told.set(name, asTold(JSON.parse(JSON.stringify(value))))
      }
      dueMs = Infinity
    }
    const account = accounts.get(call.account) ?? { entries: new KeptEntries(), calls: 0 }
    accounts.set(call.account, account)
    account.calls++
    const shuffled = read(eventOf(call, offset), { knownSinceMs: undefined, inventory: emptyInventory })!
    const outcome = local!.apply(shuffled.group, account.entries, shuffled.observation, call.timeMs, context)
    findings.push(...outcome.findings)
    if (outcome.findings.length > 0 && !first.has(call.account)) first.set(call.account, account.calls)
    for (const { observation } of outcome.shuffled) {
      const told = grouped!.apply(['llm'], shared, JSON.parse(JSON.stringify(observation)), call.timeMs, context)
      dueMs = Math.min(dueMs, told.dueMs)
      together.push(...told.findings)
    }
    if (offset % 97 === 0) for (const { entries } of [account, { entries: shared }]) entries.restart()
  }
  return { first, findings, together }
}

/** Against honest customers whose week is over. */
function named(account: string, calls: readonly Call[]): number | undefined {
  return namedIn([...customers, ...calls]).first.get(account)
}

const distiller: Kind = { in: 300, out: 600, calls: 700, fromMs: weekMs, everyMs: 10_000, jitter: 0.7 }

describe('answers of a language model that are gathered', () => {
  let alone: ReturnType<typeof namedIn>
  beforeAll(() => {
    alone = namedIn(customers)
  })

  test('customers of many kinds are not named, whether they come now and then or night after night', () => {
    expect([...alone.first, ...alone.together]).toEqual([])
  })

  test('who asks ever other prompts for long answers at an even pace is named within 160 calls', () => {
    const { first, findings } = namedIn([...customers, ...callsOf('thief', distiller, 50)])
    expect(first.get('thief')).toBeLessThan(160)
    expect([...first.keys()]).toEqual(['thief'])
    expect(findings[0]).toMatchObject({ threat: 'distillation', version: 1, facts: { accounts: 11 } })
    expect(findings[0]!.explanation).toContain('as one does who trains another model on them')
  })

  test('a set that six accounts split is told of each of them, from a hundred calls each on', () => {
    const share = { ...distiller, out: 800, calls: 120, everyMs: 70_000, jitter: 0.3 }
    const six = [1, 2, 3, 4, 5, 6].flatMap((n) => callsOf(`six-${n}`, share, 60 + n))
    expect(namedIn([...customers, ...six]).first.size).toBe(6)
  })

  test('intervals that vary as independent calls do hide nothing where answers are long', () => {
    expect(named('thief', callsOf('thief', { ...distiller, in: 200, jitter: 1, out: 700 }, 51))).toBeLessThan(300)
  })

  test.each([52, 53, 54])(
    'who gets as long answers, and no more of them than can be read, is a writer (%i)',
    (seed) => {
      const writer: Kind = { in: 70, out: 1_400, spread: 0.3, calls: 160, everyMs: 0.25 * hourMs, fromMs: weekMs }
      expect(named('writer', callsOf('writer', writer, seed))).toBeUndefined()
      expect(named('thief', callsOf('thief', { ...writer, everyMs: 0.03 * hourMs }, seed))).toBeLessThan(150)
    },
  )

  test('a thief is told of again whenever twice as much has been gathered', () => {
    const { findings } = namedIn([...customers, ...callsOf('thief', distiller, 50)])
    expect(findings.map(({ version }) => version)).toEqual(findings.map((_, n) => n + 1))
    expect(new Set(findings.map(({ anchor }) => anchor)).size).toBe(1)
  })

  test('a second harvest is a finding of its own, however long the pause of honest calls between the two', () => {
    const phase = (account: string, part: string, kind: Kind, seed: number): Call[] =>
      callsOf(account, kind, seed).map((call) => ({ ...call, prompt: `${part}/${call.prompt}` }))
    const thieves = Array.from({ length: 30 }, (_, n) => {
      const account = `twice-${n}`
      const harvest = { ...distiller, calls: 220 }
      const pause = { ...chat, in: 900, out: 100, calls: 60 + 20 * n, everyMs: 10_000, fromMs: weekMs + 3 * hourMs }
      return [
        ...phase(account, 'first', harvest, 2_000 + n),
        ...phase(account, 'pause', pause, 2_100 + n),
        ...phase(account, 'second', { ...harvest, fromMs: weekMs + 6 * hourMs }, 2_200 + n),
      ]
    })
    const { findings } = namedIn([...customers, ...thieves.flat()])
    const spelled = findings.map(({ anchor, version, group }) => `${group['warden.principal']} ${anchor} ${version}`)
    expect(spelled.length).toBeGreaterThan(30)
    expect(spelled.filter((each, n) => spelled.indexOf(each) !== n)).toEqual([])
  })

  test.each<[string, Kind]>([
    ['a backfill of two thousand long documents', { in: 2200, out: 260, calls: 2_000, everyMs: 2_000, jitter: 0.5 }],
    ['a load test that asks forty prompts for long answers', { in: 100, out: 900, calls: 2_000, everyMs: 500, jitter: 0, suite: 40 }],
    ['a health check', { in: 10, out: 20, calls: 2_000, everyMs: 60_000, jitter: 0, suite: 1 }],
    ['a busy chat whose answers are half as long again as those of others', { in: 200, out: 420, calls: 2_000, everyMs: 20_000 }],
    ['a backfill of two thousand translations', { in: 800, out: 0, times: 1.15, calls: 2_000, everyMs: 5_000, jitter: 0.5 }],
    ['a new summarizer at a steady pace', { in: 1500, out: 500, calls: 2_000, everyMs: 5_000, jitter: 0.2 }],
  ])('%s is not named', (_, kind) => {
    expect(named('honest', callsOf('honest', { ...kind, fromMs: weekMs }, 70))).toBeUndefined()
  }) // prettier-ignore

  test('who has had long texts written for days before there was anybody to compare with has a habit of its own', () => {
    const writer = nights('writer', { in: 100, out: 900, calls: 80, everyMs: 4_000, jitter: 0.3 }, 4, 400)
    const others = customers.map((call) => ({ ...call, timeMs: call.timeMs + 3.5 * dayMs }))
    const later = callsOf(
      'writer',
      { in: 100, out: 900, calls: 600, everyMs: 4_000, jitter: 0.3, fromMs: 9 * dayMs },
      500,
    )
    const calls = [...others, ...writer, ...later]
    expect(namedIn(calls).first.has('writer')).toBe(false)
  })

  describe('where several customers have long texts written', () => {
    const writers = [1, 2].flatMap((n) =>
      nights(`writer-${n}`, { in: 100, out: 900, calls: 12, everyMs: 4_000, jitter: 0.3 }, 7, 600 + 10 * n),
    )
    const late: Kind = { in: 100, out: 900, spread: 0.5, calls: 280, everyMs: 4_000, jitter: 0.3, fromMs: weekMs }

    test('others may, too', () => {
      const { first } = namedIn([...customers, ...writers, ...callsOf('new', late, 700)])
      expect(first.has('new')).toBe(false)
    })

    test('whoever gets more than those can read may not, unless there are some that do so every night', () => {
      const thief = callsOf('thief', { ...late, out: 1_800, calls: 1_000, everyMs: 60_000, jitter: 1 }, 701)
      const { first, findings } = namedIn([...customers, ...writers, ...thief])
      expect(first.get('thief')).toBeLessThan(600)
      expect(findings[0]!.explanation).toContain('honest accounts that ask as much')
      const busy = [1, 2].flatMap((n) => nights(`busy-${n}`, { ...late, fromMs: 0, calls: 300 }, 7, 720 + 10 * n))
      expect(namedIn([...customers, ...writers, ...busy, ...thief]).first.has('thief')).toBe(false)
      const asBefore = (value: unknown): unknown => ({ ...(value as object), busy: undefined })
      expect(namedIn([...customers, ...writers, ...thief], asBefore).first.has('thief')).toBe(false)
    })

    test.each([
      ['one, though others may as often', 2, 1, 3_000],
      ['one of two, which has lost what it taught once', 0, 2, 0],
    ])('who has got more since its first night has a habit: %s', (_, writing, busy, seed) => {
      const later = [0, 1].flatMap((week) =>
        customers.map((call) => ({ ...call, timeMs: call.timeMs + week * weekMs + 4.5 * dayMs, prompt: `${week}/${call.prompt}` })),
      )
      const kind: Kind = { in: 100, out: 900, calls: 60, everyMs: 4_000, jitter: 0.3 }
      const many = { ...kind, spread: 0.5, calls: 600 }
      const others = Array.from({ length: writing }, (_, n) => nights(`writer-${n}`, kind, 12, seed + 600 + 20 * n))
      const own = Array.from({ length: busy }, (_, n) => nights(`busy-${n}`, many, 12, seed + 720 + 20 * n))
      expect([...namedIn([...later, ...others.flat(), ...own.flat()]).first]).toEqual([])
    }) // prettier-ignore
  })

  test('a set that twenty accounts split is told of all together, before any of them has asked thirty prompts', () => {
    const share = { ...distiller, out: 900, jitter: 0.3, calls: 30, everyMs: 200_000 }
    const thieves = Array.from({ length: 20 }, (_, n) => callsOf(`one-of-20-${n}`, share, 800 + n)).flat()
    const newCustomer = callsOf('new-customer', { ...chat, fromMs: weekMs, everyMs: 60_000, calls: 200 }, 850)
    const { first, together } = namedIn([...customers, ...thieves, ...newCustomer])
    expect(first.size).toBe(0)
    const members = together.at(-1)!.members!.map(({ principal }) => principal)
    expect(members.length).toBeGreaterThanOrEqual(16)
    expect(members).not.toContain('new-customer')
    expect(together[0]).toMatchObject({ threat: 'distillation', version: 1, group: { 'warden.model.id': 'llm' } })
    expect(together[0]!.facts['calls']).toBeLessThan(200)
    expect(together.map(({ version }) => version)).toEqual(together.map((_, n) => n + 1))
  })

  test('eighty accounts in turn, and six that ask a day of one-line prompts first, are told of together', () => {
    const share = { ...distiller, out: 900, jitter: 0.3, calls: 24, everyMs: 800_000 }
    const eighty = Array.from({ length: 80 }, (_, n) =>
      callsOf(`one-of-80-${n}`, { ...share, fromMs: weekMs + n * 10_000 }, 4_000 + n),
    )
    expect(namedIn([...customers, ...eighty.flat()]).together.length).toBeGreaterThan(0)
    const padded = [1, 2, 3, 4, 5, 6].flatMap((n) => [
      ...callsOf(`padded-${n}`, { in: 10, out: 5, calls: 132, everyMs: 2_000, fromMs: weekMs }, 4_100 + n).map((call) => ({
        ...call,
        prompt: `first/${call.prompt}`,
      })),
      ...callsOf(`padded-${n}`, { ...share, calls: 60, everyMs: 60_000, fromMs: weekMs + hourMs }, 4_200 + n),
    ])
    expect(namedIn([...customers, ...padded]).together.length).toBeGreaterThan(0)
  }) // prettier-ignore

  test('who chats by day and has long texts written at night, more than it teaches, has the habit of both', () => {
    const parts = (days: number): Call[] => [
      ...nights('both', { ...chat, calls: 140, everyMs: 120_000 }, days, 5_000),
      ...nights('both', { in: 100, out: 900, calls: 160, everyMs: 4_000, jitter: 0.3, fromMs: 0 }, days, 5_100).map((call) => ({
        ...call,
        timeMs: call.timeMs + 12 * hourMs,
        prompt: `text/${call.prompt}`,
      })),
    ]
    const others = customers.map((call) => ({ ...call, timeMs: call.timeMs + 4.5 * dayMs }))
    expect(namedIn([...others, ...parts(11)]).first.has('both')).toBe(false)
  }) // prettier-ignore

  test('twenty customers that begin on one day are not taken for one hand', () => {
    const begins = Array.from({ length: 20 }, (_, n) => {
      const kind = [
        chat,
        { ...chat, in: 900, out: 180 },
        { in: 2200, out: 240, calls: 0, everyMs: 2_000, jitter: 0.5 },
      ][n % 3]!
      return callsOf(`new-${n}`, { ...kind, calls: 150, everyMs: kind.everyMs / 10, fromMs: weekMs + n * 1e6 }, 900 + n)
    })
    expect(namedIn([...customers, ...begins.flat()])).toMatchObject({ findings: [], together: [] })
  })

  test.each([9, 60])('a friend who asks %i prompts for very long answers a day before hides no thief', (calls) => {
    const friend = callsOf('friend', { in: 9_000, out: 4_000, spread: 0.1, calls, everyMs: 60_000, fromMs: 5.5 * dayMs }, 1_000)
    const thief = callsOf('thief', { ...distiller, out: 900, calls: 800, jitter: 0.3 }, 1_001)
    expect(namedIn([...customers, ...friend, ...thief]).first.get('thief')).toBeLessThan(200)
  }) // prettier-ignore

  test('who asks for more every few days makes no habit of it', () => {
    const days = [0.08, 0.08, 0.08, 0.08, 0.11, 0.11, 0.15, 0.15, 0.2, 0.2, 0.27, 0.27, 0.35, 0.35, 0.43, 0.43, 0.51, 0.51]
    const random = randomOf(1_100)
    const patient = nights('patient', { in: 100, out: 60, calls: 140, everyMs: 10_000, jitter: 0.3 }, days.length, 1_101).map(
      (call) => (random() < days[Math.floor((call.timeMs - startMs) / dayMs)]! ? { ...call, out: 2_500 } : call),
    )
    const others = [0, 1, 2].flatMap((week) =>
      customers.map((call) => ({ ...call, timeMs: call.timeMs + week * weekMs, prompt: `${week}/${call.prompt}` })),
    )
    expect(namedIn([...others, ...patient]).first.get('patient')).toBeLessThan(15 * 140)
  }) // prettier-ignore

  test('of five hundred accounts that are equally busy some are learned from', () => {
    const five = Array.from({ length: 500 }, (_, n) =>
      callsOf(`busy-${n}`, { ...chat, calls: 60, everyMs: 3 * hourMs, jitter: 0.2 }, 3_000 + n),
    )
    const { first } = namedIn([...five.flat(), ...callsOf('thief', { ...distiller, out: 900, jitter: 0.3 }, 1_201)])
    expect([...first.keys()]).toEqual(['thief'])
  })

  test('nobody is named while nobody has been learned from', () => {
    expect(namedIn(callsOf('alone', { ...distiller, fromMs: 0 }, 80)).first.size).toBe(0)
  })

  test('calls that count no tokens, or whose prompts can not be told apart, concern it not', () => {
    const { read } = answerHarvest.create(answerHarvest.params.parse({ type: 'answer-harvest' }), {} as RuleMeta)
    const event = eventOf({ account: 'a', timeMs: startMs, prompt: 'p', in: 1, out: 2 }, 0)
    const context = { knownSinceMs: undefined, inventory: emptyInventory }
    expect(read(event, context)).toBeDefined()
    expect(read({ ...event, gen_ai: {} }, context)).toBeUndefined()
    expect(read({ ...event, warden: { ...event.warden, input: {} } }, context)).toBeUndefined()
  })
})
