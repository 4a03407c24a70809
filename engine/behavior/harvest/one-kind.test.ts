import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { Asked, packedZeros, type AskedJson } from '../asked.ts'
import { betsOver } from './bets.ts'
import type { ToldLines } from './lines.ts'
import { noNewcomers, pour } from './newcomers.ts'
import { ofOneKind } from './one-kind.ts'
import { packedPrompt } from './packed-prompt.ts'

const length = 32

interface One {
  readonly name: string
  readonly asked?: AskedJson
}

/** Prompts about subjects, each with an embedding that lies about its subject's. */
function accountsOf(seed: number) {
  const normal = normalOf(randomOf(seed))
  const subjects = Array.from({ length: 12 }, () => Array.from({ length }, () => normal() / Math.sqrt(length)))
  return (name: string, of: readonly number[], prompts: number): One => {
    const asked = new Asked({ tenant: '', mean: packedZeros(length), calls: 0, firstMs: 0, lastMs: 0 })
    for (let n = 0; n < prompts; n++) {
      const subject = subjects[of[n % of.length]!]!
      const x = Float64Array.from(subject, (value) => value + (0.8 * normal()) / Math.sqrt(length))
      const size = Math.hypot(...x)
      asked.add(
        x.map((value) => value / size),
        n,
        undefined,
      )
    }
    return { name, asked: asked.toJSON() }
  }
}

const namesOf = (accounts: readonly One[]): string[] => accounts.map(({ name }) => name)

describe('accounts that ask what is of one kind', () => {
  test('are those among whom a set is split, and not the writers that begin on the same day', () => {
    let writers = 0
    for (let seed = 1; seed <= 20; seed++) {
      const make = accountsOf(seed)
      const thieves = ['a', 'b', 'c', 'd'].map((name) => make(name, [0, 1, 2], 6))
      const others = [4, 5, 6, 7, 8, 9].map((subject) => make(`other${subject}`, [subject, subject + 1], 12))
      const writer = make('writer', [3], 8)
      const found = namesOf(ofOneKind([...thieves, writer], [...thieves, writer, ...others]))
      expect(found).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd']))
      if (found.includes('writer')) writers++
    }
    expect(writers).toBeLessThan(2)
  })

  test('are all, where no prompt has an embedding', () => {
    const accounts: One[] = [{ name: 'a' }, { name: 'b' }]
    expect(ofOneKind(accounts, accounts)).toEqual(accounts)
  })

  test('are not known by three prompts', () => {
    const make = accountsOf(30)
    const accounts = [make('a', [0], 4), make('b', [0], 4), make('c', [0], 3)]
    expect(namesOf(ofOneKind(accounts, accounts))).toEqual(['a', 'b'])
  })
})

test('of newcomers whose answers are long those are told of together who ask what is of one kind', () => {
  const normal = normalOf(randomOf(40))
  const told: ToldLines = { version: 1, lines: [500, 900], allowed: [0.08, 0.036], own: [], accounts: 10, samples: 999 }
  const newcomers = noNewcomers(0)
  const members = new Set<string>()
  const tell = (principal: string, subject: number, answer: number, timeMs: number): void => {
    const x = Float64Array.from({ length }, (_, k) => (k === subject ? 1 : 0) + 0.1 * normal())
    const size = Math.hypot(...x)
    const prompt = { x: packedPrompt(x.map((value) => value / size)), tokens: answer }
    const taught = { principal, sinceMs: 0, timeMs, answers: [answer, -answer, answer, -answer], prompt }
    const found = pour('llm', newcomers, taught, { told, bets: betsOver(told.allowed) }, { line: 11.5, callsMin: 64 })
    for (const { principal } of found?.members ?? []) members.add(principal)
  }
  for (let n = 0; n < 12; n++) {
    for (const [k, name] of ['a', 'b', 'c'].entries()) tell(name, (n + k) % 3, 700, n)
    tell('writer', 9, 700, n)
    for (let k = 0; k < 8; k++) tell(`other${k}`, 12 + k, 100, n)
  }
  expect([...members].sort()).toEqual(['a', 'b', 'c'])
})
