import { describe, expect, it } from 'vitest'
import { seeded } from '../../../cli/demo/random.ts'
import type { BehaviorFinding } from '../types.ts'
import { exactLine, reachedByGuessing, standing } from './exact-line.ts'
import { canaryAnswers } from './detector.ts'
import { DerivationJudge } from './judge.ts'
import { DerivationParams, type CanaryAnswer } from './params.ts'

const canaries = 40
const chance = 1 / 12
const significance = 1e-3

class Entries {
  readonly all = new Map<string, unknown>()
  get<T>(name: string): T | undefined {
    return this.all.get(name) as T | undefined
  }
  set(name: string, value: unknown): void {
    this.all.set(name, value)
  }
  /** As a checkpoint keeps it. */
  restart(): void {
    for (const [name, value] of this.all) this.all.set(name, JSON.parse(JSON.stringify(value)))
  }
}

/** At which answer a suspect is called derived; undefined: at none. */
function examine(
  hits: readonly boolean[],
  more: Partial<CanaryAnswer> = {},
): { at: number; finding: BehaviorFinding } | undefined {
  const judge = new DerivationJudge(DerivationParams.parse({ type: 'canary-answers', significance }))
  const entries = new Entries()
  for (const [n, hit] of hits.entries()) {
    const of = { timeMs: n, canary: `c${n}`, hit, chance, registered: canaries, chanceMax: chance, ...more }
    const { findings } = judge.apply(['suspect'], entries as never, { of, entities: [], evidence: [] })
    if (findings.length > 0) return { at: n + 1, finding: findings[0]! }
    if (n === 5) entries.restart()
  }
  return undefined
}

/** Answers of a model that knows a share of the canaries and guesses the rest. */
function answersOf(share: number, random: ReturnType<typeof seeded>, count = canaries): boolean[] {
  return Array.from({ length: count }, () => random.next() < share + (1 - share) * chance)
}

describe('the exact line', () => {
  const examination = { planned: canaries, chance, from: 8 }

  it('is reached by guessing with the probability asked for, and a lower one more often', () => {
    const line = exactLine(examination, significance)
    expect(reachedByGuessing(examination, line)).toBeLessThanOrEqual(significance)
    expect(reachedByGuessing(examination, line - 0.1)).toBeGreaterThan(significance)
    // Ville's line asks for twice the evidence and more.
    expect(line).toBeLessThan(Math.log(500))
  })

  it('agrees with what a count over all sequences of a short examination comes to', () => {
    const short = { planned: 12, chance: 0.25, from: 3 }
    for (const line of [0.5, 1, 2, 3, 5]) {
      let reached = 0
      for (let sequence = 0; sequence < 2 ** short.planned; sequence++) {
        let [hits, crossed] = [0, false]
        for (let n = 1; n <= short.planned; n++) {
          hits += (sequence >> (n - 1)) & 1
          if (n >= short.from && standing(short, n, hits) >= line) crossed = true
        }
        if (crossed) reached += short.chance ** hits * (1 - short.chance) ** (short.planned - hits)
      }
      expect(reachedByGuessing(short, line)).toBeCloseTo(reached, 10)
    }
  })
})

describe('a suspect that answers canaries', () => {
  it('and guesses all is called derived once in a thousand, at any of its answers', () => {
    const random = seeded(7)
    const runs = 4_000
    let derived = 0
    for (let n = 0; n < runs; n++) if (examine(answersOf(0, random)) !== undefined) derived++
    // 4 are expected at most; 14 would have a probability of 1e-4.
    expect(derived).toBeLessThan(14)
  }, 60_000)

  it('and knows a third of them is mostly found, and half of the times before half of them are asked', () => {
    const random = seeded(11)
    const at = Array.from({ length: 400 }, () => examine(answersOf(1 / 3, random))?.at)
    const found = at.filter((each) => each !== undefined).sort((a, b) => a - b)
    expect(found.length / at.length).toBeGreaterThan(0.9)
    expect(found[Math.floor(found.length / 2)]).toBeLessThanOrEqual(20)
  })

  it('is told with the probability of as much at whichever answer one stops', () => {
    const { finding } = examine(Array.from({ length: 10 }, (_, n) => n < 6))!
    const { pSequential, pValue } = finding.facts as { pSequential: number; pValue: number }
    expect(pSequential).toBeLessThan(significance)
    // Looking often costs something.
    expect(pSequential).toBeGreaterThan(pValue)
  })

  it('that crosses the line at the last planned answer is told with evidence that reaches it, in numbers and in the chart', () => {
    // As late as eleven hits can come, so that the line is reached with the last of them alone.
    const late = Array.from({ length: canaries }, (_, n) => [0, 3, 7, 11, 15, 19, 23, 27, 31, 35, 39].includes(n))
    const { at, finding } = examine(late)!
    expect(at).toBe(canaries)
    const { evidenceLog10, lineLog10 } = finding.facts as { evidenceLog10: number; lineLog10: number }
    expect(evidenceLog10).toBeGreaterThanOrEqual(lineLog10)
    const { points, line } = finding.series![0]!
    expect(points.at(-1)).toEqual([canaries, evidenceLog10])
    expect(evidenceLog10).toBeGreaterThanOrEqual(line! - 0.005)
    for (const [, evidence] of points.slice(0, -1)) expect(evidence).toBeLessThan(line!)
  })

  it('is asked on past what was planned at the price of the smaller share alone', () => {
    const long = Array.from({ length: 200 }, (_, n) => n >= canaries && n % 3 === 0)
    expect(examine(long)!.at).toBeGreaterThan(canaries + 12)
  })

  it('of which a state of before has no likeliest guess is held against the line for any time', () => {
    const hits = Array.from({ length: 40 }, (_, n) => n < 7)
    expect(examine(hits)!.at).toBe(8)
    const before = examine(hits, { chanceMax: undefined as never })
    expect(before!.finding.facts['evidenceLog10']).toBeGreaterThanOrEqual(3)
  })

  it('with an answer that is easier to guess than was planned is no longer the planned examination', () => {
    const judge = new DerivationJudge(DerivationParams.parse({ type: 'canary-answers', significance }))
    const entries = new Entries()
    let found = 0
    // Coins: eleven of eleven are 1 in 2,048, and would be evidence enough were they one in twelve.
    for (let n = 0; n < 11; n++) {
      const of = { timeMs: n, canary: `c${n}`, hit: n < 8, chance: 0.5, registered: canaries, chanceMax: chance }
      found += judge.apply(['suspect'], entries as never, { of, entities: [], evidence: [] }).findings.length
    }
    expect(found).toBe(0)
  })
})

describe('the suspect of an examination', () => {
  const { read } = canaryAnswers.create(DerivationParams.parse({ type: 'canary-answers' }), {} as never)
  const context = { inventory: { canaries: new Map([['c', { id: 'c', answer: 'a', distractors: ['b'] }]]) } }
  const groupOf = (asked: string | undefined, says: string | undefined): unknown => {
    const event = {
      '@timestamp': '2026-03-02T00:00:00.000Z',
      event: { id: 'e', hash: 'h' },
      organization: { id: 'own' },
      gen_ai: { response: { model: says } },
      warden: {
        principal: 'own/x',
        position: { topic: 't', partition: 0, offset: 0, index: 0 },
        canary: { id: 'c' },
        output: { text: 'a' },
        ...(asked === undefined ? {} : { model: { id: asked } }),
      },
    }
    return read(event as never, context as never)?.group
  }

  it('is whom we asked, so that one who calls itself something else with each answer is one all the same', () => {
    expect(groupOf('theirs', 'a-1')).toEqual(groupOf('theirs', 'a-2'))
    expect(groupOf('theirs', undefined)).toEqual(groupOf('theirs', 'a-1'))
  })

  it('that we asked under two names is two: what different models know is not added up', () => {
    expect(groupOf('theirs', 'a-1')).not.toEqual(groupOf('others', 'a-1'))
    expect(groupOf(undefined, 'a-1')).not.toEqual(groupOf(undefined, 'a-2'))
  })
})
