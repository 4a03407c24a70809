import { expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { Relay } from './relay.ts'

interface Query {
  readonly principal: string
  readonly tenant: string
  readonly timeMs: number
}

const gap = (random: () => number, meanMs: number): number => -Math.log(1 - random()) * meanMs

/** The most evidence that came together (Page's test), and how many accounts began where another ended. */
function follow(queries: readonly Query[]): { readonly most: number; readonly relieved: number } {
  const relay = new Relay()
  const seen = new Set<string>()
  let [log, most, relieved] = [0, 0, 0]
  for (const query of [...queries].sort((a, b) => a.timeMs - b.timeMs)) {
    const handover = relay.relieve(query.principal, query.tenant, query.timeMs, !seen.has(query.principal))
    seen.add(query.principal)
    if (handover === undefined) continue
    log = Math.max(0, log + handover.log)
    most = Math.max(most, log)
    if (handover.from !== undefined) relieved++
  }
  return { most, relieved }
}

/** The line of `account-crowd` for accounts that relieve one another. */
const line = Math.log((1e7 * 6) / 12)

function rotation(seed: number, perAccount: number, pauseMs: number): Query[] {
  const random = randomOf(seed)
  let t = 1e12
  return Array.from({ length: 40 * perAccount }, (_, n) => {
    t += gap(random, 300) + (n % perAccount === 0 ? pauseMs : 0)
    const account = Math.floor(n / perAccount)
    return { principal: `x${account}`, tenant: `t${account}`, timeMs: t }
  })
}

test('accounts that are used one after the other pass the line, and nearly all are linked', () => {
  for (const seed of [1, 2, 3]) {
    const { most, relieved } = follow(rotation(seed, 40, 0))
    expect(most).toBeGreaterThan(line)
    expect(relieved).toBeGreaterThanOrEqual(34)
  }
})

test('accounts of which each begins long after the last has ended pass no line', () => {
  expect(follow(rotation(1, 40, 40 * 300)).most).toBeLessThan(line)
})

test('honest accounts that try a model and leave stay far below the line, whether they come in a wave or over a week', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const random = randomOf(seed)
    const spanMs = [0.3, 2, 24, 200][seed % 4]! * 3_600_000
    const world = Array.from({ length: 150 }, (_, n) => {
      let t = 1e12 + random() * spanMs
      const meanMs = seed % 3 === 0 ? 1_000 : 1_000 * 10 ** (2 * random())
      const count = 12 + Math.floor(60 * random() ** 2)
      return Array.from({ length: count }, () => ({
        principal: `h${n}`,
        tenant: `t${n}`,
        timeMs: (t += gap(random, meanMs)),
      }))
    }).flat()
    expect(follow(world).most).toBeLessThan(0.6 * line)
  }
}, 60_000)

test('an account that only fell silent for a while and comes again is nobody who was relieved', () => {
  const random = randomOf(5)
  const one = Array.from({ length: 30 }, (_, n) => ({ principal: 'a', tenant: 'a', timeMs: 1e12 + n * 1_000 }))
  const others = rotation(5, 40, 0).map((query) => ({ ...query, timeMs: query.timeMs + 60_000 }))
  const back = others.map(({ timeMs }) => ({ principal: 'a', tenant: 'a', timeMs: timeMs + random() * 10 }))
  expect(follow([...one, ...others, ...back]).relieved).toBeLessThanOrEqual(follow(others).relieved)
})
