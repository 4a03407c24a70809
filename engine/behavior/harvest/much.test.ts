import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { BehaviorFinding } from '../types.ts'
import { learnCover, type Asking, type ToldCover } from './cover-lines.ts'
import type { ToldLines } from './lines.ts'
import { packedPrompt } from './packed-prompt.ts'
import { HarvestParams, type Taught } from './params.ts'
import { HarvestStep } from './step.ts'

const hourMs = 3_600_000
const answers: ToldLines = {
  version: 1,
  lines: [5_000, 9_000],
  allowed: [0.08, 0.036],
  own: [],
  accounts: 20,
  samples: 999,
}

interface Kind {
  readonly in?: number
  /** Times as many tokens as the prompt, or so many. */
  readonly times?: number
  readonly out?: number
  readonly spread?: number
}

interface Asked {
  readonly x: Float64Array
  readonly in: number
  readonly out: number
}

/** About one subject. */
function prompts(kind: Kind, count: number, seed: number): Asked[] {
  const normal = normalOf(randomOf(seed))
  const tokens = (median: number, spread = kind.spread ?? 0.3): number =>
    Math.round(median * Math.exp(spread * normal()))
  return Array.from({ length: count }, () => {
    const x = Float64Array.from({ length: 16 }, (_, k) => (k === seed % 16 ? 2 : 0) + normal() / 4)
    const asks = tokens(kind.in ?? 80)
    return {
      x: x.map((value) => value / Math.hypot(...x)),
      in: asks,
      out: kind.times === undefined ? tokens(kind.out!) : Math.round(asks * kind.times),
    }
  })
}

function keptOf(asked: readonly Asked[]): Asking {
  return {
    x: asked.map(({ x }) => packedPrompt(x)),
    tokens: asked.map((each) => (each.out > 2 * each.in ? each.out : -each.out)),
  }
}

const chats = Array.from({ length: 12 }, (_, n) => keptOf(prompts({ out: 200, spread: 0.8 }, 90, n)))
const much: Kind = { out: 600 }
const busy = keptOf(prompts(much, 90, 77))
const learned = (more: readonly Asking[] = []): ToldCover =>
  learnCover([...chats, ...more], { learnedMs: 1, accountsMin: 5 })!

/** Asked one every so many milliseconds: at which prompt the account is told of, and what is found. */
function told(
  asked: readonly Asked[],
  everyMs: number,
  by = learned(),
): { at?: number; findings: BehaviorFinding[]; takenBackAt?: number } {
  const step = new HarvestStep(HarvestParams.parse({ type: 'answer-harvest' }))
  let kept = new Map<string, unknown>()
  const entries = {
    get: <T>(name: string) => kept.get(name) as T | undefined,
    set: (name: string, value: unknown) => void kept.set(name, value),
    delete: (name: string) => void kept.delete(name),
    names: () => [...kept.keys()],
  }
  const baseline = (name: string): unknown => (name === 'llm answers' ? answers : by)
  const findings: BehaviorFinding[] = []
  let [at, takenBackAt]: (number | undefined)[] = []
  for (const [n, each] of asked.entries()) {
    const call = {
      timeMs: hourMs + Math.round(n * everyMs),
      prompt: Math.imul(1 + n, 0x9e3779b1) >>> 0,
      x: each.x,
      inTokens: each.in,
      outTokens: each.out,
      entities: () => [],
      evidence: () => ({ id: `e${n}` }) as never,
    }
    const outcome = step.apply(['thief', 'llm'], entries, call, call.timeMs, { inventory: emptyInventory, baseline })
    findings.push(...outcome.findings)
    if (outcome.findings.length > 0) at ??= n + 1
    if (outcome.shuffled.some(({ observation }) => (observation as Taught).suspect)) takenBackAt ??= n + 1
    if (n % 97 === 0) kept = new Map(JSON.parse(JSON.stringify([...kept])) as [string, unknown][])
  }
  return { ...(at !== undefined && { at }), ...(takenBackAt !== undefined && { takenBackAt }), findings }
}

const inADay = 20 * hourMs

describe('who asks a thousand prompts in a day, nearly all of them for long texts', () => {
  test('is told of though its answers are no longer than one in four', () => {
    for (const seed of [1, 2]) {
      const { at, findings } = told(prompts(much, 1_600, seed), inADay / 1_600)
      expect(at).toBeGreaterThan(990)
      expect(at).toBeLessThan(1_060)
      expect(findings[0]).toMatchObject({ threat: 'distillation', version: 1, group: { 'warden.principal': 'thief' } })
      expect(findings[0]!.explanation).toContain('text of their own')
      expect(new Set(findings.map(({ anchor }) => anchor)).size).toBe(1)
    }
  })

  test('teaches until then, and what it taught is taken back', () => {
    const { at, takenBackAt } = told(prompts(much, 1_600, 6), inADay / 1_600)
    expect(takenBackAt).toBe(at)
    expect(told(prompts(much, 900, 6), inADay / 900).takenBackAt).toBeUndefined()
  })

  test.each<[string, Kind, number, number]>([
    ['the largest suite of open questions', much, 990, inADay],
    ['an application that takes more than a day for as many', much, 2_400, 3 * 24 * hourMs],
    ['a busy chat of which two in five answers are long', { out: 270, spread: 0.8 }, 2_000, inADay],
    ['a translator into a language of half as many tokens more', { in: 700, times: 1.5 }, 2_000, inADay],
    ['descriptions of products, no longer than what a chat answers', { out: 200 }, 2_000, inADay],
    ['answers that a person reads in two days', { out: 400, in: 20, spread: 0.1 }, 1_050, 23 * hourMs],
  ])('%s is not', (_, kind, count, duringMs) => {
    for (const seed of [11, 12]) expect(told(prompts(kind, count, seed), duringMs / count).findings).toEqual([])
  })

  test('is not where several that ask as much get nothing else, but is where one does', () => {
    const others = [1, 2].map((n) => ({ ...keptOf(prompts(much, 90, 80 + n)), isBusy: true }))
    expect(learned(others).much).toBeUndefined()
    expect(told(prompts(much, 1_600, 4), inADay / 1_600, learned(others)).findings).toEqual([])
    expect(learned(others.slice(1)).much).toBe(0.5)
    expect(told(prompts(much, 1_600, 4), inADay / 1_600, learned(others.slice(1))).at).toBeLessThan(1_060)
  })

  test('is, where those who get nothing else ask little, or where a habit is of short answers', () => {
    const others = [1, 2].map((n) => keptOf(prompts(much, 90, 80 + n)))
    expect(learned(others).much).toBe(0.5)
    expect(learned([{ ...chats[0]!, isBusy: true, habitOf: 'thief' }]).own).toEqual([])
  })

  test('is not where that is its habit', () => {
    const by = learned([{ ...busy, isBusy: true, habitOf: 'thief' }])
    expect(by.own).toEqual(['thief'])
    expect(told(prompts(much, 1_600, 5), inADay / 1_600, by).findings).toEqual([])
  })
})
