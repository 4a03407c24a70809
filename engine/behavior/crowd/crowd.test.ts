import { describe, expect, test } from 'vitest'
import {
  agents,
  anyAddress,
  customer,
  hourMs,
  pick,
  poisson,
  run,
  startMs,
  type Query,
  type Who,
} from '../../../test/support/traffic/crowd.ts'

/** A small generator of numbers that are the same in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
const vector = (random: () => number, length: number, spread: number): number[] =>
  Array.from({ length }, () => spread * normal(random))
const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, k) => value + b[k]!)
/** A world of embeddings: topics that customers have some of, and what they ask of them. */
function topics(random: () => number) {
  const centers = Array.from({ length: 40 }, () => vector(random, 32, 1))
  return (n: number): number[] => plus(centers[n % 40]!, vector(random, 32, 0.6))
}

/** A vendor's customers, each with a network of its own, beside readers of all topics. */
function customersOf(random: () => number, calls: (who: Who, ask: () => Query['input']) => readonly Query[]): Query[] {
  const topic = topics(random)
  const template = vector(random, 32, 1.2)
  const ask = () => ({ embedding: plus(topic(Math.floor(random() * 40)), template) })
  const customers = Array.from({ length: 30 }, (_, n) =>
    calls({ ...customer(random, n + 100), agent: 'vendor-sdk/1' }, ask),
  )
  return [...honestReaders(random, topic, 20), ...customers.flat()]
}

/** Sixty calls, five at a time. */
function inSessions(random: () => number, who: Who, ask: () => Query['input']): Query[] {
  return Array.from({ length: 12 }, () =>
    poisson(random, who, startMs + 47 * hourMs * random(), Infinity, 60_000, ask, 5),
  ).flat()
}

function honestReaders(random: () => number, topic: (n: number) => number[], count: number): Query[] {
  return Array.from({ length: count }, (_, n) => {
    const own = [0, 1, 2].map(() => Math.floor(random() * 40))
    return poisson(random, customer(random, n), startMs, startMs + 48 * hourMs, 1_800_000, () => ({
      embedding: topic(pick(random, own)),
    }))
  }).flat()
}

/** Each with an answer; half as long as the median, or twice, as often as not. */
function answered(random: () => number, queries: readonly Query[], median: number): Query[] {
  return queries.map((query) => ({ ...query, tokens: [120, Math.round(median * Math.exp(0.6 * normal(random)))] }))
}

interface Thieves {
  readonly accounts: number
  readonly networks: number
  readonly sameAgent: boolean
  readonly templates: number
  readonly dealt: 'in-turn' | 'at-random'
}

function distillers(random: () => number, { accounts, networks, sameAgent, templates, dealt }: Thieves): Query[] {
  const nets = Array.from({ length: networks }, () => anyAddress(random).split('.').slice(0, 3).join('.'))
  const agent = pick(random, agents)
  const who: Who[] = Array.from({ length: accounts }, (_, n) => ({
    user: `x${n}`,
    tenant: `tx${n}`,
    ip: networks === 0 ? anyAddress(random) : `${nets[n % networks]!}.${Math.floor(random() * 250)}`,
    agent: sameAgent ? agent : pick(random, agents),
  }))
  const forms = Array.from({ length: templates }, () => vector(random, 32, 1))
  const all: Query[] = []
  let t = startMs + 12 * hourMs
  for (let n = 0; n < accounts * 60; n++) {
    t += -Math.log(1 - random()) * ((24 * hourMs) / (accounts * 60))
    const by = dealt === 'in-turn' ? who[n % accounts]! : pick(random, who)
    all.push({ ...by, timeMs: Math.round(t), input: { embedding: plus(pick(random, forms), vector(random, 32, 0.3)) } })
  }
  return all
}

/** Inputs as pictures are: most of a prototype, smooth differences, values from 0 to 1. */
function pictures(random: () => number) {
  const prototypes = Array.from({ length: 10 }, () => vector(random, 64, 0.35).map(Math.abs))
  const modes = Array.from({ length: 12 }, () => vector(random, 64, 0.12))
  return (): number[] => {
    let x = pick(random, prototypes)
    for (const mode of modes)
      x = plus(
        x,
        mode.map((value) => value * normal(random)),
      )
    return x.map((value) => Math.min(1, Math.max(0, value)))
  }
}

/** A Jacobian augmentation over many accounts: natural seeds, then each query a sign step from one before. */
function augmenters(
  random: () => number,
  picture: () => number[],
  accounts: number,
  networks: number,
  dealt: Thieves['dealt'],
): Query[] {
  const nets = Array.from({ length: networks }, () => anyAddress(random).split('.').slice(0, 3).join('.'))
  const known = Array.from({ length: 70 }, picture)
  for (let n = 0; known.length < accounts * 40; n++) {
    const step = Array.from({ length: 64 }, () => (random() < 0.5 ? 0.1 : -0.1))
    known.push(plus(known[n]!, step).map((value) => Math.min(1, Math.max(0, value))))
  }
  let t = startMs + 12 * hourMs
  return known.map((features, n) => {
    t += -Math.log(1 - random()) * 300
    const by = dealt === 'in-turn' ? n % accounts : Math.floor(random() * accounts)
    return {
      user: `x${by}`,
      tenant: `tx${by}`,
      ip: `${nets[by % networks]!}.${by}`,
      agent: 'python-requests/2.32',
      timeMs: Math.round(t),
      input: { features },
    }
  })
}

const thieves = (named: ReadonlySet<string>): number => [...named].filter((name) => name.startsWith('x')).length

function viewers(random: () => number, picture: () => number[], count: number): Query[] {
  return Array.from({ length: count }, (_, n) =>
    poisson(random, customer(random, n), startMs, startMs + 48 * hourMs, 1_200_000, () => ({ features: picture() })),
  ).flat()
}

describe('an augmentation over many accounts', () => {
  test.each([
    [25, 3, 'in-turn', 100],
    [25, 3, 'at-random', 110],
    [12, 2, 'at-random', 110],
    [40, 5, 'in-turn', 120],
  ] as const)(
    '%i accounts behind %i networks, dealt %s, are told within %i queries of all, and all are grouped',
    (accounts, networks, dealt, by) => {
      const random = numbers(accounts + networks)
      const picture = pictures(random)
      const { named, firstAt, last } = run([
        ...viewers(random, picture, 20),
        ...augmenters(random, picture, accounts, networks, dealt),
      ])
      expect(firstAt).toBeGreaterThan(0)
      expect(firstAt).toBeLessThanOrEqual(by)
      expect(thieves(named)).toBe(accounts)
      expect(named.size - thieves(named)).toBeLessThanOrEqual(1)
      expect(
        last[0]!.members!.every(({ why }) => /shares|several tenants|same model|such a step|with a step/.test(why)),
      ).toBe(true)
      expect(last[0]!.explanation).toContain('as one hand would')
    },
  )
})

/** The same queries, each account used for about so many and then dropped; a network of its own for each. */
function rotated(random: () => number, queries: readonly Query[], perAccount: number, sameAgent: boolean): Query[] {
  let [who, left, n] = [customer(random, 0), 0, 0]
  return queries.map((query) => {
    if (left-- === 0) {
      const agent = sameAgent ? 'python-requests/2.32' : pick(random, agents)
      who = { user: `x${n}`, tenant: `tx${n}`, ip: anyAddress(random), agent }
      left = Math.round(perAccount * (0.8 + 0.4 * random())) - 1
      n++
    }
    return { ...query, ...who }
  })
}

describe('a hand that drops each account after forty queries and goes on with a new one', () => {
  test.each([
    ['an augmentation, each with a network and a program of its own', 'augmentation', false],
    ['natural pictures, each with a network and a program of its own', 'natural', false],
    ['natural pictures with one program', 'natural', true],
  ] as const)('%s: nearly all are grouped', (_, what, sameAgent) => {
    const random = numbers(3)
    const picture = pictures(random)
    const all = augmenters(random, picture, 30, 1, 'in-turn')
    const asked = what === 'natural' ? all.map((query) => ({ ...query, input: { features: picture() } })) : all
    const attack = rotated(random, asked, 40, sameAgent)
    const accounts = new Set(attack.map(({ user }) => user)).size
    const { named, last } = run([...viewers(random, picture, 20), ...attack])
    expect(thieves(named)).toBeGreaterThanOrEqual(0.9 * accounts)
    expect(named.size - thieves(named)).toBe(0)
    // The first of them had long been dropped when the crowd was seen.
    expect(named.has('x1')).toBe(true)
    expect(last).toHaveLength(1)
  })
})

test('accounts that carry one augmentation on are grouped by whose queries are steps from whose, though they share nothing', () => {
  const random = numbers(7)
  const picture = pictures(random)
  const own = new Map(Array.from({ length: 12 }, (_, n) => [`x${n}`, customer(random, n)]))
  const attack = augmenters(random, picture, 12, 1, 'at-random').map((query) => {
    const { ip, agent } = own.get(query.user)!
    return { ...query, ip, agent }
  })
  const { named, last } = run([...viewers(random, picture, 20), ...attack])
  expect(thieves(named)).toBeGreaterThanOrEqual(11)
  expect(named.size - thieves(named)).toBe(0)
  expect(last).toHaveLength(1)
})

test('whoever has inputs like those from which thieves start is not taken for one of a hand', () => {
  const random = numbers(11)
  // A public table, of which thieves have the records that customers have too: measured again, a little else.
  const table = pictures(random)
  const records = Array.from({ length: 300 }, () => table().slice(0, 30))
  const record = (): number[] => plus(pick(random, records), vector(random, 30, 0.02))
  const thieves = [97, 98, 99].flatMap((n) => {
    let [start, asked] = [record(), 0]
    return poisson(random, customer(random, n), startMs + 24 * hourMs, startMs + 48 * hourMs, 300_000, () => {
      if (asked++ % 8 === 0) return { features: (start = record()) }
      return { features: start.map((value) => value + (random() < 0.5 ? 0.25 : -0.25)) }
    })
  })
  const { named } = run([...viewers(random, record, 12), ...thieves])
  expect([...named].filter((user) => !/^b9[789]$/.test(user))).toEqual([])
})

test('a hand whose accounts each go on with the queries of the one before is grouped', () => {
  const random = numbers(5)
  const picture = pictures(random)
  const who = Array.from({ length: 12 }, (_, n) => ({ ...customer(random, n), user: `x${n}`, tenant: `tx${n}` }))
  const last = who.map(picture)
  let t = startMs + 12 * hourMs
  const attack = Array.from({ length: 480 }, (_, n): Query => {
    t += -Math.log(1 - random()) * 300_000
    const by = n % 12
    const features = last[(by + 11) % 12]!.map((value) => value + (random() < 0.5 ? 0.1 : -0.1))
    last[by] = features
    return { ...who[by]!, timeMs: Math.round(t), input: { features } }
  })
  const { named } = run([...viewers(random, picture, 20), ...attack])
  expect(thieves(named)).toBe(12)
  expect(named.size).toBe(12)
})

describe('a distillation by many accounts', () => {
  const by = (of: Partial<Thieves>): Thieves => ({
    accounts: 40,
    networks: 4,
    sameAgent: false,
    templates: 6,
    dealt: 'at-random',
    ...of,
  })
  test.each([
    ['on four networks, each with a program of its own', by({})],
    ['that is dealt in turn', by({ dealt: 'in-turn' })],
    ['that is small', by({ accounts: 15, networks: 2, sameAgent: true, templates: 3 })],
    ['on three networks, with prompts of a few kinds', by({ accounts: 30, networks: 3, templates: 3 })],
  ])('%s is grouped', (_, of) => {
    const random = numbers(of.accounts + of.networks)
    const { named } = run([...honestReaders(random, topics(random), 20), ...distillers(random, of)])
    expect(thieves(named)).toBeGreaterThanOrEqual(0.95 * of.accounts)
    expect(named.size - thieves(named)).toBeLessThanOrEqual(1)
  })

  describe('with a network for each account', () => {
    const readers = (random: () => number) => answered(random, honestReaders(random, topics(random), 20), 280)
    const seen = (of: Partial<Thieves>, tokens: number, seed = 9): { thieves: number; others: number } => {
      const random = numbers(seed)
      const hand = answered(random, distillers(random, by({ networks: 0, ...of })), tokens)
      const { named } = run([...readers(random), ...hand])
      return { thieves: thieves(named), others: named.size - thieves(named) }
    }

    test.each([false, true])('is told where it asks for more than others do (one program: %s)', (sameAgent) => {
      const { thieves, others } = seen({ sameAgent }, 280)
      expect(thieves).toBeGreaterThanOrEqual(0.95 * 40)
      expect(others).toBeLessThanOrEqual(1)
    })

    test('is told by answers that are longer than others get, however few its kinds of prompts are', () => {
      const { thieves, others } = seen({ templates: 1 }, 620)
      expect(thieves).toBeGreaterThanOrEqual(0.95 * 40)
      expect(others).toBeLessThanOrEqual(1)
    })

    /** Of whom the last twelve get short answers. */
    const mixed = (of: Partial<Thieves>): ReadonlySet<string> => {
      const random = numbers(9)
      const hand = distillers(random, by({ networks: 0, templates: 1, ...of }))
      const isLong = ({ user }: Query): boolean => Number(user.slice(1)) < 28
      const long = answered(random, hand.filter(isLong), 900)
      const short = answered(
        random,
        hand.filter((query) => !isLong(query)),
        150,
      )
      return run([...readers(random), ...long, ...short].sort((a, b) => a.timeMs - b.timeMs)).named
    }

    test('is told by them without those whose own answers are as long as others get, but for strict turns from programs of all sorts', () => {
      const named = mixed({ sameAgent: true })
      expect([...named].filter((user) => !/^x(1?\d|2[0-7])$/.test(user))).toEqual([])
      expect(named.size).toBeGreaterThanOrEqual(26)
      expect(thieves(mixed({ dealt: 'in-turn' }))).toBeGreaterThanOrEqual(38)
    })

    test('is told by equal loads where programs are of all sorts and nobody has a subject of its own, and not where all have one program', () => {
      expect(seen({ templates: 1 }, 280)).toEqual({ thieves: 40, others: 0 })
      expect(seen({ templates: 1, sameAgent: true }, 280)).toEqual({ thieves: 0, others: 0 })
    })

    test('is told by strict turns from programs of all sorts, and not where all have one, as a vendor deals its work', () => {
      expect(seen({ templates: 1, dealt: 'in-turn' }, 280).thieves).toBeGreaterThanOrEqual(0.95 * 40)
      expect(seen({ templates: 1, dealt: 'in-turn', sameAgent: true }, 280)).toEqual({ thieves: 0, others: 0 })
    })
  })

  test('whose accounts ask what all ask shows nothing: of whatever kind its prompts are, all are of that kind', () => {
    const random = numbers(9)
    const topic = topics(random)
    const anything = (): number[] => topic(Math.floor(random() * 40))
    const attack = distillers(random, by({ networks: 0 })).map((query) => ({
      ...query,
      input: { embedding: anything() },
    }))
    const { named } = run([...honestReaders(random, anything, 20), ...attack])
    expect(named.size).toBe(0)
  })
})

describe('what honest accounts share is no evidence', () => {
  const worlds: Readonly<Record<string, (random: () => number) => Query[]>> = {
    'a popular library': (random) =>
      honestReaders(random, topics(random), 40).map((query) => ({ ...query, agent: 'python-requests/2.32' })),
    'the networks of a cloud': (random) =>
      honestReaders(random, topics(random), 40).map((query) => ({
        ...query,
        ip: `34.7.${Number(query.user.slice(1)) % 3}.9`,
      })),
    'networks, with pictures as inputs': (random) =>
      viewers(random, pictures(random), 40).map((query) => ({
        ...query,
        ip: `34.7.${Number(query.user.slice(1)) % 4}.9`,
      })),
    'an office of one tenant that asks by one template': (random) => {
      const topic = topics(random)
      const office = honestReaders(random, () => topic(1), 12).map((query) => ({
        ...query,
        tenant: 'office',
        user: `o${query.user}`,
        ip: '34.7.1.1',
        agent: 'tool/1',
      }))
      return [...honestReaders(random, topic, 20), ...office]
    },
    'the template and the program of one vendor, whose customers are of all sizes': (random) => {
      const topic = topics(random)
      const template = vector(random, 32, 1.2)
      const customers = Array.from({ length: 30 }, (_, n) => {
        const who = { ...customer(random, n + 100), agent: 'vendor-sdk/1' }
        const everyMs = 1_200_000 * Math.exp(0.5 * normal(random))
        return poisson(random, who, startMs, startMs + 48 * hourMs, everyMs, () => ({
          embedding: plus(topic(Math.floor(random() * 40)), template),
        }))
      }).flat()
      return [...honestReaders(random, topic, 20), ...customers]
    },
    'the template of one vendor, whose customers are of about one size': (random) =>
      customersOf(random, (who, ask) =>
        poisson(random, who, startMs, startMs + 48 * hourMs, 1_500_000 * Math.exp(0.2 * normal(random)), ask),
      ),
    'the template of one vendor, whose product asks as much for each customer every night': (random) =>
      customersOf(random, (who, ask) =>
        [0, 1].flatMap((day) => {
          const from = startMs + (24 * day + 7 * random()) * hourMs
          return poisson(random, who, from, Infinity, 130_000, ask, 50 + Math.floor(10 * random()))
        }),
      ),
    'the network and the template of a reseller, whose end users come in sessions': (random) => {
      const ip = anyAddress(random)
      return customersOf(random, (who, ask) => inSessions(random, { ...who, ip }, ask))
    },
    'the template of a vendor of long texts, who come in sessions, as many each': (random) =>
      customersOf(random, (who, ask) => answered(random, inSessions(random, who, ask), 620)),
    'the template of one vendor, and a quota of a day that they use up': (random) =>
      customersOf(random, (who, ask) => {
        const everyMs = 400_000 * Math.exp(0.5 * normal(random))
        return [0, 1].flatMap((day) => {
          const from = startMs + 24 * day * hourMs
          return poisson(random, who, from, from + 24 * hourMs, everyMs, ask, 60)
        })
      }),
    'midnight, when all their jobs begin': (random) => {
      const topic = topics(random)
      return Array.from({ length: 30 }, (_, n) => {
        const who = { ...customer(random, n), agent: 'python-requests/2.32', ip: `34.7.${n % 2}.${n}` }
        return [0, 1].flatMap((day) => {
          const from = startMs + day * 24 * hourMs + random() * 4_000
          return poisson(random, who, from, from + 300_000, 3_000, () => ({ embedding: topic(n) }))
        })
      }).flat()
    },
    'the full minute, when each calls once': (random) => {
      const topic = topics(random)
      return Array.from({ length: 25 }, (_, n) => {
        const who = { ...customer(random, n), agent: 'python-requests/2.32', ip: `34.7.${n % 2}.${n}` }
        const call = (k: number): Query => ({
          ...who,
          timeMs: Math.round(startMs + k * 60_000 + random() * 2_000),
          input: { embedding: topic(n + k) },
        })
        return Array.from({ length: 200 }, (_unused, k) => call(k))
      }).flat()
    },
    'a device with a clock of its own': (random) => {
      const topic = topics(random)
      return Array.from({ length: 25 }, (_, n) => {
        const who = { ...customer(random, n), agent: 'sensor/1', ip: `34.7.${n % 2}.${n}` }
        const phase = random() * 60_000
        const call = (k: number): Query => ({
          ...who,
          timeMs: Math.round(startMs + k * 60_000 + phase + random() * 300),
          input: { embedding: topic(n + k) },
        })
        return Array.from({ length: 200 }, (_unused, k) => call(k))
      }).flat()
    },
    'whoever deals their work out in turn': (random) => {
      const picture = pictures(random)
      const own = Array.from({ length: 8 }, (_, n) => customer(random, n))
      return poisson(random, own[0]!, startMs, startMs + 48 * hourMs, 120_000, () => ({ features: picture() })).map(
        (query, n) => ({ ...query, ...own[n % own.length]! }),
      )
    },
    'pictures in black and white': (random) => {
      const picture = pictures(random)
      return viewers(random, () => picture().map((value) => (value > 0 ? 1 : 0)), 20)
    },
    'that they try a model once and leave': (random) => {
      const picture = pictures(random)
      return Array.from({ length: 120 }, (_, n) => {
        const from = startMs + random() * 48 * hourMs
        const meanMs = 1_000 * 10 ** (2 * random())
        return poisson(random, customer(random, n), from, from + meanMs * 40, meanMs, () => ({ features: picture() }))
      }).flat()
    },
    'a day on which they all try a model': (random) => {
      const picture = pictures(random)
      return Array.from({ length: 120 }, (_, n) => {
        const from = startMs + random() * 0.5 * hourMs
        return poisson(random, customer(random, n), from, from + 30_000, 1_000, () => ({ features: picture() }))
      }).flat()
    },
    'a topic with some of them': (random) => {
      const topic = topics(random)
      return Array.from({ length: 40 }, (_, n) => {
        const own = Math.floor(random() * 8)
        return poisson(random, customer(random, n), startMs, startMs + 48 * hourMs, 1_200_000, () => ({
          embedding: topic(own),
        }))
      }).flat()
    },
  }
  test.each(Object.entries(worlds))('%s', (_, world) => {
    for (const seed of [1, 2]) expect(run(world(numbers(seed))).named.size).toBe(0)
  })
})

test('a flood of strangers leaves what is kept within its limits', () => {
  const random = numbers(4)
  const queries = Array.from({ length: 6_000 }, (_, n): Query => ({
    ...customer(random, n),
    timeMs: startMs + n * 10,
    input: undefined,
  }))
  const { entries } = run(queries)
  expect([...entries.keys()].filter((name) => name.startsWith('a/')).length).toBeLessThanOrEqual(4_000)
  expect([...entries.keys()].filter((name) => name.startsWith('c/')).length).toBeLessThanOrEqual(2_000)
})
