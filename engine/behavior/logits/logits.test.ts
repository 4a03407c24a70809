import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { Event } from '../../../core/event.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding } from '../types.ts'
import { logitLeak } from './detector.ts'
import { addDistinct, distinctOf } from '../distinct.ts'
import { addAnswers, emptyMatrix, rankOf } from './matrix.ts'

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

/** A language model's last layer: logits of a vocabulary as a linear map of a hidden state for each prompt. */
function head(vocabulary: number, hidden: number, random: () => number) {
  const weights = Array.from({ length: vocabulary }, () => Array.from({ length: hidden }, () => random() * 4 - 2))
  const states = new Map<string, number[]>()
  return (prompt: string, tokens: readonly number[], bias: number): number[] => {
    const state = states.get(prompt) ?? Array.from({ length: hidden }, () => random() * 2 - 1)
    states.set(prompt, state)
    const logits = tokens.map((token) => weights[token]!.reduce((sum, w, k) => sum + w * state[k]!, 0) + bias)
    const norm = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
    return logits.map((logit) => Math.round((logit - norm) * 1e6) / 1e6)
  }
}

let serial = 0
function call(hash: string, bias: Readonly<Record<string, number>>, logprobs: readonly number[], maxTokens = 1): Event {
  const number = serial++
  return {
    '@timestamp': new Date(Date.parse('2026-03-02T09:00:00.000Z') + number * 300).toISOString(),
    event: { id: `e${number}`, hash: 'h' },
    organization: { id: 't' },
    gen_ai: { request: { max_tokens: maxTokens, top_logprobs: 5, logit_bias: bias } },
    warden: {
      principal: 't/eve',
      model: { id: 'llm' },
      input: { hash },
      output: { logprobs: [...logprobs] },
      position: { topic: 't', partition: 0, offset: number, index: 0 },
    },
  } as unknown as Event
}

function run(events: readonly Event[]): { findings: BehaviorFinding[]; firstAt: number; bytes: number } {
  const plan = logitLeak.create(logitLeak.params.parse({ type: 'logit-leak' }), {} as RuleMeta)
  const entries = new KeptEntries()
  const findings: BehaviorFinding[] = []
  let firstAt = -1
  for (const [at, event] of events.entries()) {
    const context = { inventory: emptyInventory, baseline: () => undefined }
    const read = plan.read(event, { knownSinceMs: undefined, inventory: emptyInventory })
    if (read === undefined) continue
    const { findings: found } = plan.local!.apply(read.group, entries, read.observation, -Infinity, context)
    if (found.length > 0 && firstAt < 0) firstAt = at + 1
    findings.push(...found)
    // Every now and then the state comes back from a checkpoint.
    if (at % 37 === 0) entries.restart()
  }
  return { findings, firstAt, bytes: entries.bytes }
}

function theft(hidden: number, perPrompt: number, prompts: number, step: number): Event[] {
  const ask = head(200, hidden, numbers(hidden))
  const events: Event[] = []
  for (let p = 0; p < prompts; p++) {
    for (let c = 0; c < perPrompt; c++) {
      const tokens = [0, ...Array.from({ length: step }, (_, k) => 1 + ((c * step + k) % 199))]
      events.push(call(`p${p}`, Object.fromEntries(tokens.map((t) => [String(t), 60])), ask(`p${p}`, tokens, 60)))
    }
  }
  return events
}

describe('logits that are read out', () => {
  test.each([
    [12, 50, 20, 4],
    [7, 25, 30, 8],
    [20, 12, 40, 4],
  ])(
    'a theft of a head with %i hidden dimensions is found early, and its rank is what the thief learns',
    (hidden, per, prompts, step) => {
      const { findings, firstAt } = run(theft(hidden, per, prompts, step))
      expect(firstAt).toBeLessThanOrEqual(40)
      expect(firstAt).toBeGreaterThan(0)
      const last = findings.at(-1)!
      expect(last.facts).toMatchObject({ rank: hidden, rankIsHiddenSize: true })
      expect(last.explanation).toContain(`the hidden size is ${hidden}`)
    },
  )

  test('a thief who hides each such call among ten prompts of honest use is found all the same', () => {
    const stolen = theft(12, 50, 20, 4)
    const blended = stolen.flatMap((event, n) => [
      event,
      ...Array.from({ length: 10 }, (_, k) => call(`own${n}/${k}`, { '5': -100 }, [], 200)),
    ])
    expect(run(blended).firstAt).toBeGreaterThan(0)
  })

  test('a theft in passes over two hundred prompts is found, and one over twenty among ten times as many calls of a classifier', () => {
    const passesOver = (prompts: number) =>
      Array.from({ length: 40 }, (_, pass) =>
        Array.from({ length: prompts }, (_, p) =>
          call(`p${p}`, Object.fromEntries([0, 1, 2, 3, 4].map((k) => [String(k === 0 ? 0 : 4 * pass + k), 60])), []),
        ),
      ).flat()
    const { firstAt } = run(passesOver(200))
    expect(firstAt).toBeGreaterThan(200)
    expect(firstAt).toBeLessThan(200 * 26)
    const blended = passesOver(20).flatMap((event, n) => [
      event,
      ...Array.from({ length: 9 }, (_, k) => call(`own${n}/${k}`, { '190': 40, '191': 40 }, [])),
    ])
    expect(run(blended).firstAt).toBeGreaterThan(0)
  })

  test('a theft in passes over two thousand prompts is found once it has raised a hundred tokens', () => {
    const passes = Array.from({ length: 26 }, (_, pass) =>
      Array.from({ length: 2_000 }, (_, p) =>
        call(`p${p}`, Object.fromEntries([1, 2, 3, 4].map((k) => [String(4 * pass + k), 60])), []),
      ),
    ).flat()
    expect(run(passes).firstAt).toBeGreaterThan(0)
  })

  test('a theft that asks for long answers and keeps the log-probabilities of the first token is found', () => {
    const long = theft(12, 50, 5, 4).map((event) => ({
      ...event,
      gen_ai: { request: { ...event.gen_ai!.request, max_tokens: 64 } },
    }))
    expect(run(long).firstAt).toBeLessThanOrEqual(40)
    expect(run(long).firstAt).toBeGreaterThan(0)
  })

  test.each<[string, () => Event[]]>([
    ['a search for words that stand for the two answers of a classifier, forty pairs over three hundred prompts', () =>
      Array.from({ length: 40 * 300 }, (_, n) => call(`p${n % 300}`, { [String(2 * Math.floor(n / 300))]: 40, [String(2 * Math.floor(n / 300) + 1)]: 40 }, [-0.1]))],
    ['a search over fifteen values of a bias', () =>
      Array.from({ length: 15 * 300 }, (_, n) => call(`p${n % 300}`, { '7': Math.floor(n / 300), '8': 40 }, [-0.1]))],
    ['a guardrail whose yes and no are biased, and whose prompts come again now and then', () => {
      const random = numbers(5)
      return Array.from({ length: 10_000 }, (_, n) => call(`p${random() < 0.3 ? Math.floor(random() * n) : n}`, { '1': 10, '2': 10 }, [-0.1]))
    }],
    ['multiple choice with two to ten options, in ten languages, run nightly', () =>
      Array.from({ length: 8_000 }, (_, n) => call(`p${n % 800}`, Object.fromEntries(Array.from({ length: 2 + ((n % 800) % 9) }, (_, k) => [String(10 * (n % 10) + k), 40])), [-0.1]))],
    ['names that must not come again: a ban more in each answer of ordinary length', () =>
      Array.from({ length: 3_000 }, (_, n) => call(`p${Math.floor(n / 12)}`, Object.fromEntries(Array.from({ length: 1 + (n % 12) }, (_, k) => [String(k), -100])), [-0.1, -0.2], 24))],
  ])('%s: not found', (_, calls) => {
    expect(run(calls()).findings).toEqual([])
  }) // prettier-ignore

  test('a judge that reads the probability of its verdict, with one prompt in ten sent again, is not found in 20,000 calls', () => {
    const random = numbers(3)
    const events = Array.from({ length: 20_000 }, (_, n) => {
      const prompt = random() < 0.1 ? `p${Math.floor(random() * n)}` : `p${n}`
      return call(prompt, { '1': 5, [String(2 + Math.floor(random() * 30))]: 5 }, [-0.1, -2])
    })
    expect(run(events).findings).toEqual([])
  })

  test('what is kept of a thief stays within its limit', () => {
    expect(run(theft(30, 80, 60, 5)).bytes).toBeLessThan(90_000)
  })
})

describe('the rank of answers', () => {
  test('grows with each prompt until it is the hidden size', () => {
    const ask = head(60, 5, numbers(9))
    const matrix = emptyMatrix()
    const ranks: number[] = []
    for (let p = 0; p < 9; p++) {
      for (let c = 0; c < 5; c++) {
        const tokens = [0, 1 + 2 * c, 2 + 2 * c]
        addAnswers(matrix, `p${p}`, tokens.join(','), ask(`p${p}`, tokens, 0))
      }
      ranks.push(rankOf(matrix).rank)
    }
    expect(ranks).toEqual([1, 2, 3, 4, 5, 5, 5, 5, 5])
    expect(rankOf(matrix)).toMatchObject({ settled: true, rows: 9, columns: 10 })
  })
})

test('the number of different texts is exact while small, and near when large', () => {
  for (const distinct of [0, 1, 63, 5_000]) {
    const smallest: number[] = []
    for (let n = 0; n < 3 * distinct; n++) addDistinct(smallest, `t${n % distinct}`)
    expect(Math.abs(distinctOf(smallest) - distinct)).toBeLessThanOrEqual(distinct < 64 ? 0 : 0.3 * distinct)
  }
})
