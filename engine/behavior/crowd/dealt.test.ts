import { expect, test } from 'vitest'
import { randomOf } from '../../../test/support/random.ts'
import { dealtOf } from './dealt.ts'
import type { Found } from './crowds.ts'
import type { Known, Memory } from './memory.ts'
import { Balance } from './prompts/balance.ts'
import { Gathered } from './prompts/gathered.ts'
import { LikePool } from './prompts/like-pool.ts'

const hourMs = 3_600_000
const line = Math.log(1.1e4)

interface Kind {
  readonly accounts?: number
  readonly each?: number
  readonly agents?: number
  readonly isOne?: boolean
  readonly isNarrow?: boolean
  readonly hours?: number
  readonly perSession?: number
  /** Answers are long, all of them one account's. */
  readonly isLong?: boolean
}

/** Accounts with networks of their own between which calls are dealt at random, their answers as long as others'. */
function foundOf(kind: Kind): Found | undefined {
  const { accounts = 30, each = 60, agents = 5, isOne = true, isNarrow = false, hours = 12, perSession = 1 } = kind
  const random = randomOf(3)
  const balance = new Balance()
  const names = Array.from({ length: accounts }, (_, n) => `t${n}/a${n}`)
  for (const name of names) balance.welcome(name, { tenant: name, calls: 1, firstMs: 0, lastMs: 0 })
  const calls = accounts * each
  for (let n = 0, at = 0; n < calls; n++) {
    if (n % perSession === 0) at = Math.floor(random() * accounts)
    balance.take(names[at]!, ((n + 1 + random()) / calls) * hours * hourMs)
  }
  const known = (principal: string): object => {
    const n = names.indexOf(principal)
    return { network: `n${n}`, agent: `program ${n % agents}` }
  }
  const pool = new LikePool({
    sinceMs: 0,
    lastMs: 0,
    balance: balance.toJSON(),
    gathered: new Gathered({
      logs: kind.isLong === true ? [[20], [20]] : [],
      isBroad: false,
      isOne,
      isNarrow,
      members: names.map((name, n) => [name, n === 0 ? 1_000 : 0, n === 0 ? 1_000 : 50]),
    }).toJSON(),
  })
  const memory = { known, crowd: () => undefined } as unknown as Memory
  const asks = { principal: names[1]!, account: {} } as unknown as Known
  return dealtOf(memory, asks, { id: 'k', pool }, { timeMs: hours * hourMs, line })
}

test('a hand whose programs are of all sorts is named where no account of it has a subject of its own', () => {
  const found = foundOf({})
  expect(found?.members.length).toBeGreaterThanOrEqual(27)
  expect(found?.over).toBe('accounts with prompts of one kind none of which has a subject of its own')
})

test.each<[string, Kind]>([
  ['whose members have subjects of their own', { isOne: false }],
  ['with one program, as of a vendor', { agents: 1 }],
  ['that comes in sessions', { perSession: 6 }],
  ['of eleven accounts', { accounts: 11, each: 400 }],
  ['that is a class with one task, of three hours', { isNarrow: true, hours: 3 }],
])('nobody is named of a kind %s', (_, kind) => {
  expect(foundOf(kind)).toBeUndefined()
})

test('who has no subject of its own is named though its own answers are no longer than others get', () => {
  expect(foundOf({ isLong: true })?.members.length).toBeGreaterThanOrEqual(27)
  expect(foundOf({ isLong: true, isOne: false })).toBeUndefined()
})

test('a kind that asks for little is named once that takes longer than a class', () => {
  expect(foundOf({ isNarrow: true, hours: 5 })).toBeDefined()
})
