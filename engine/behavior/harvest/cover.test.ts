import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import type { BehaviorFinding } from '../types.ts'
import { learnCover, type KeptPrompts, type ToldCover } from './cover-lines.ts'
import { openCover, weighCover } from './cover.ts'
import { packedPrompt } from './packed-prompt.ts'

const dimension = 48
const subjectsCount = 40
const line = Math.log(1e5)

interface Kind {
  /** The exponent of Zipf's law over its subjects: 0 is evenly. */
  readonly zipf: number
  readonly subjects?: number
  readonly out: number
  readonly spread?: number
  readonly in?: number
  /** Prompts about one subject, one after the other. */
  readonly session?: number
  /** How far a template moves all of its prompts, where subjects are 1 apart from the middle. */
  readonly template?: number
  /** How long answers are for their prompts. */
  readonly times?: number
  /** One subject after the other. */
  readonly sorted?: true
  /** How far prompts about one subject are apart. */
  readonly noise?: number
}

interface Asked {
  readonly x: Float64Array
  readonly in: number
  readonly out: number
}

const world = normalOf(randomOf(1))
const subjects = Array.from({ length: subjectsCount }, () => direction(world))

function direction(normal: () => number): number[] {
  return Array.from({ length: dimension }, () => normal() / Math.sqrt(dimension))
}

function prompts(kind: Kind, count: number, seed: number): Asked[] {
  const random = randomOf(seed)
  const normal = normalOf(random)
  const own = subjects.map((center) => ({ center, key: random() })).sort((a, b) => a.key - b.key)
  const weights = own.slice(0, kind.subjects ?? subjectsCount).map((_, n) => (n + 1) ** -kind.zipf)
  const sum = weights.reduce((all, each) => all + each, 0)
  const template = direction(normal).map((value) => value * (kind.template ?? 0))
  let center = own[0]!.center
  return Array.from({ length: count }, (_, n) => {
    if (kind.sorted === true) center = own[Math.floor((n * own.length) / count)]!.center
    else if (n % (kind.session ?? 1) === 0) {
      let left = random() * sum
      center =
        own[
          Math.max(
            0,
            weights.findIndex((weight) => (left -= weight) < 0),
          )
        ]!.center
    }
    const noise = direction(normal)
    const x = center.map((value, k) => value + template[k]! + (kind.noise ?? 0.7) * noise[k]!)
    const length = Math.hypot(...x)
    const tokens = (median: number): number => Math.round(median * Math.exp((kind.spread ?? 0.8) * normal()))
    const asks = tokens(kind.in ?? 60)
    const gets = kind.times === undefined ? tokens(kind.out) : Math.round(asks * kind.times * Math.exp(0.15 * normal()))
    return { x: Float64Array.from(x, (value) => value / length), in: asks, out: gets }
  })
}

function keptOf(asked: readonly Asked[]): KeptPrompts {
  return {
    x: asked.map(({ x }) => packedPrompt(x)),
    tokens: asked.map((each) => (each.out > 2 * each.in ? each.out : -each.out)),
  }
}

const few: Kind = { zipf: 0.5, subjects: 3, out: 200, session: 2 }
const front: Kind = { zipf: 1, out: 220 }
const honest = [
  ...Array.from({ length: 21 }, (_, n) => keptOf(prompts(few, 90, 100 + n))),
  ...Array.from({ length: 3 }, (_, n) => keptOf(prompts(front, 90, 200 + n))),
]
const told = learnCover(honest, { learnedMs: 7, accountsMin: 5 })!

/**
 * The prompt at which it is told of first, and those at which the grouped step is; every now and then the state comes
 * back from a checkpoint.
 */
function namedAt(
  asked: readonly Asked[],
  by: ToldCover = told,
): { at: number | undefined; even: number[] | undefined; findings: BehaviorFinding[] } {
  const entries = new KeptEntries()
  const opened = openCover(by)
  const findings: BehaviorFinding[] = []
  let at: number | undefined
  let even: number[] | undefined
  for (const [n, each] of asked.entries()) {
    const call = {
      timeMs: n * 1_000,
      x: each.x,
      inTokens: each.in,
      outTokens: each.out,
      entities: () => [],
      evidence: () => ({ id: `e${n}` }) as never,
    }
    const outcome = weighCover(['t/a', 'llm'], entries, call, opened, line)
    findings.push(...outcome.findings)
    if (outcome.findings.length > 0) at ??= n + 1
    if (outcome.even !== undefined && outcome.even.evidence > 0) (even ??= []).push(n + 1)
    if (n % 97 === 0) entries.restart()
  }
  return { at, even, findings }
}

const distiller: Kind = { zipf: 0, out: 800, spread: 0.4, template: 0.5 }

describe('who asks evenly of all that a model is asked, for long answers', () => {
  test('is seen within 450 prompts, five of six accounts, the same from checkpoint to checkpoint', () => {
    const all = [1, 2, 3, 4, 5, 6].map((seed) => namedAt(prompts(distiller, 450, 300 + seed)))
    expect(all.filter(({ even }) => even !== undefined).length).toBeGreaterThanOrEqual(5)
    expect(Math.min(...all.flatMap(({ even = [] }) => even[0] ?? []))).toBeGreaterThan(64)
    expect(all.flatMap(({ findings }) => findings)).toEqual([])
  })

  test('is told of alone once it has asked more than a suite of open questions has', () => {
    const [first] = namedAt(prompts(distiller, 2_500, 301)).findings
    expect(first!.facts['calls']).toBe(1_000)
    expect(first).toMatchObject({ threat: 'distillation', version: 1, group: { 'warden.principal': 't/a' } })
    expect(first!.explanation).toContain('asks evenly of all that llm is asked')
  })

  test('is told of though a template moves all of its prompts far to one side', () => {
    expect(namedAt(prompts({ ...distiller, template: 1.2 }, 2_500, 320)).at).toBeLessThan(1_300)
  })

  test.each([2, 3])('is told of though it asks %d prompts about a subject in a row', (session) => {
    for (const seed of [1, 2, 3]) {
      expect(namedAt(prompts({ ...distiller, session }, 2_500, 330 + seed)).at).toBeLessThan(2_500)
    }
  })

  test('is told of where as many accounts ask evenly for short answers', () => {
    const short = Array.from({ length: 6 }, (_, n) => keptOf(prompts({ zipf: 0, out: 3, spread: 0 }, 90, 600 + n)))
    const by = learnCover([...honest, ...short], { learnedMs: 9, accountsMin: 5 })!
    expect(by.aside).toBe(0.49)
    expect(namedAt(prompts(distiller, 2_500, 340), by).at).toBeLessThan(1_500)
  })

  test('is told of again when twice as much has been gathered, as one finding', () => {
    const { findings } = namedAt(prompts(distiller, 4_500, 310))
    expect(findings.length).toBe(3)
    expect(findings.map(({ version }) => version)).toEqual(findings.map((_, n) => n + 1))
    expect(new Set(findings.map(({ anchor }) => anchor)).size).toBe(1)
  })

  test.each<[string, Kind, number]>([
    ['a customer with few subjects', few, 2_000],
    ['a writer with few subjects and long answers', { ...distiller, subjects: 4 }, 2_000],
    ['a chat about everything, as Zipf would have it', front, 2_000],
    ['a chat about everything with long answers', { ...front, zipf: 1.2, out: 700 }, 1_000],
    ['a suite over all subjects with answers like anybody\'s', { zipf: 0, out: 220 }, 2_000],
    ['a suite over all subjects that is answered by a letter', { zipf: 0, out: 1, spread: 0 }, 2_000],
    ['a translator of everything', { zipf: 0, in: 600, out: 600, spread: 0.3, template: 1 }, 400],
    ['a translator of everything into a language of more tokens', { zipf: 0, in: 600, out: 0, times: 1.4, template: 1 }, 2_500],
    ['retrieval of long documents about everything', { zipf: 0, in: 3_000, out: 800, spread: 0.4 }, 2_000],
    ['a backfill of one subject after the other', { ...distiller, session: 60 }, 2_000],
    ['a suite of open questions that a customer tries a model with', { ...distiller, template: 0 }, 1_024],
  ])('%s is not', (_, kind, count) => {
    for (const seed of [1, 2, 3]) expect(namedAt(prompts(kind, count, 400 + seed)).at).toBeUndefined()
  }) // prettier-ignore

  test('a backfill of one subject after the other is not, where subjects run into one another', () => {
    const blurred = (kind: Kind, count: number, seed: number): Asked[] => prompts({ ...kind, noise: 1.3 }, count, seed)
    const all = honest.map((_, n) => keptOf(blurred(n < 21 ? few : front, 90, 700 + n)))
    const by = learnCover(all, { learnedMs: 10, accountsMin: 5 })!
    for (const seed of [1, 2, 3]) {
      expect(namedAt(blurred({ ...distiller, template: 0, sorted: true }, 2_500, 740 + seed), by).at).toBeUndefined()
    }
  })

  test('is not where honest accounts of the model do the same', () => {
    const suites = Array.from({ length: 6 }, (_, n) => keptOf(prompts(distiller, 90, 500 + n)))
    const by = learnCover([...honest, ...suites], { learnedMs: 8, accountsMin: 5 })!
    expect(by.long[0]).toBeGreaterThan(told.long[0]! * 1.5)
    expect(namedAt(prompts({ ...distiller, out: 500 }, 2_000, 520), by).at).toBeUndefined()
  })

  test('is where one helper of two dozen accounts does the same', () => {
    const by = learnCover([...honest, keptOf(prompts(distiller, 90, 530))], { learnedMs: 8, accountsMin: 5 })!
    expect(namedAt(prompts(distiller, 450, 531), by).even![0]).toBeLessThan(450)
  })

  test('is not by prompts of another length, such as of another embedding', () => {
    const longer = prompts(distiller, 450, 540).map((each) => ({ ...each, x: Float64Array.from([...each.x, 0]) }))
    expect(namedAt(longer).at).toBeUndefined()
  })
})

describe('what honest prompts teach', () => {
  test('is nothing where accounts or prompts are too few', () => {
    expect(learnCover(honest.slice(0, 4), { learnedMs: 7, accountsMin: 5 })).toBeUndefined()
    const few = honest.map(({ x, tokens }) => ({ x: x.slice(0, 31), tokens: tokens.slice(0, 31) }))
    expect(learnCover(few, { learnedMs: 7, accountsMin: 5 })).toBeUndefined()
    const short = honest.slice(0, 7).map(({ x, tokens }) => ({ x: x.slice(0, 32), tokens: tokens.slice(0, 32) }))
    expect(learnCover(short, { learnedMs: 7, accountsMin: 5 })).toBeUndefined()
  })

  test('is small, and allows what accounts whose subjects follow Zipf\'s law do', () => {
    expect(JSON.stringify(told).length).toBeLessThan(4_000)
    expect(told.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4)
    expect(Math.min(...told.shares)).toBeGreaterThan(0)
    expect(told).toMatchObject({ learnedMs: 7, accounts: 24, samples: 24 * 90 })
    expect(told.aside).toBeGreaterThanOrEqual(0.49)
    expect(told.long[0]).toBeGreaterThanOrEqual(0.2)
  }) // prettier-ignore
})
