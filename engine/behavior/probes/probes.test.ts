import { describe, expect, test } from 'vitest'
import type { Event } from '../../../core/event.ts'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding } from '../types.ts'
import { callProbes } from './detector.ts'
import { lookNames } from './params.ts'

interface Asked {
  readonly prompt: string
  readonly in?: number
  readonly out?: number
  readonly max?: number
  readonly answer?: string
  readonly embedding?: readonly number[]
  readonly gapMs?: number
  readonly latencyMs?: number
  readonly finish?: string
}

let serial = 0
let nowMs = Date.parse('2026-03-02T09:00:00.000Z')

function eventOf({ prompt, gapMs = 2_000, latencyMs = 300, ...asked }: Asked): Event {
  const number = serial++
  nowMs += gapMs
  return {
    '@timestamp': new Date(nowMs).toISOString(),
    event: { id: `e${number}`, hash: 'h' },
    organization: { id: 't' },
    gen_ai: {
      request: { max_tokens: asked.max },
      response: asked.finish === undefined ? {} : { finish_reasons: [asked.finish] },
      usage: { input_tokens: asked.in, output_tokens: asked.out },
    },
    warden: {
      principal: 't/eve',
      model: { id: 'llm' },
      input: { hash: prompt, embedding: asked.embedding },
      output: { hash: asked.answer },
      latency_ms: latencyMs,
      position: { topic: 't', partition: 0, offset: number, index: 0 },
    },
  } as unknown as Event
}

/** What is found, and after how many calls first. Every now and then the state comes back from a checkpoint. */
function run(calls: readonly Asked[]): { looks: readonly unknown[]; firstAt: number; bytes: number } {
  const params = callProbes.params.parse({ type: 'call-probes', look: [...lookNames] })
  const plan = callProbes.create(params, {} as RuleMeta)
  const entries = new KeptEntries()
  const context = { inventory: emptyInventory, baseline: () => undefined }
  const findings: BehaviorFinding[] = []
  let firstAt = 0
  for (const [at, call] of calls.entries()) {
    const { group, observation } = plan.read(eventOf(call), { knownSinceMs: undefined, inventory: emptyInventory })!
    findings.push(...plan.local!.apply(group, entries, observation, -Infinity, context).findings)
    if (findings.length > 0 && firstAt === 0) firstAt = at + 1
    if (at % 29 === 0) entries.restart()
  }
  const looks = [...new Set(findings.map(({ facts }) => facts['look']))]
  return { looks, firstAt, bytes: entries.bytes }
}

const random = randomOf(5)
const between = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1))
const many = (count: number, make: (n: number) => Asked): Asked[] => Array.from({ length: count }, (_, n) => make(n))
const near = (): number[] => [1, 0, 0, 0].map((value) => value + 0.02 * (random() - 0.5))
const anywhere = (): number[] => [1, 2, 3, 4].map(() => random() - 0.5)

describe('what is drawn out of a model', () => {
  test('by a word repeated for ever, in ever other words, is found by where the prompts lie', () => {
    const words = many(100, (n) => ({
      prompt: `w${n}`,
      in: between(40, 60),
      out: 3_000,
      max: 3_000,
      embedding: near(),
    }))
    expect(run(words)).toMatchObject({ looks: ['divergence'], firstAt: expect.toSatisfy((at) => at <= 40) as number })
  })

  test('by completing beginnings of one length is found before a thousand, also among other work', () => {
    const completed = many(2_000, (n) =>
      n % 12 === 0
        ? { prompt: `o${n}`, in: between(10, 900), out: between(20, 300), max: 500 }
        : { prompt: `p${n}`, in: 50, out: 50, max: 50 },
    )
    const { looks, firstAt } = run(completed)
    expect(looks).toEqual(['prefixes'])
    expect(firstAt).toBeLessThan(1_000)
  })

  test('as one long answer to ever other questions is found, by its digest or by its length', () => {
    const asked = (n: number): Asked => ({ prompt: `q${n}`, in: between(820, 880), max: 2_000, out: 0 })
    const byLength = many(60, (n) => ({ ...asked(n), out: random() < 0.3 ? between(20, 400) : 790 }))
    const byDigest = many(60, (n) => ({ ...asked(n), out: 150, answer: random() < 0.3 ? `a${n}` : 'prompt' }))
    expect(run(byLength).looks).toEqual(['same-answer'])
    expect(run(byDigest).looks).toEqual(['same-answer'])
  })

  test('as the time that answers take is found, also where prompts differ in their last word alone', () => {
    const timed = many(400, (n) => ({ prompt: `p${Math.floor(n / 12)}`, in: 300, out: 1, max: 1 }))
    const guessed = many(400, (n) => ({ prompt: `p${n}`, in: 300, out: 1, max: 1, embedding: [1, 1, 1, 1 + n / 1e5] }))
    expect(run(timed).looks).toEqual(['timing'])
    expect(run(guessed).looks).toEqual(['timing'])
  })
})

const benign: Readonly<Record<string, readonly Asked[]>> = {
  'a chat': many(5_000, (n) => ({ prompt: `p${n}`, in: between(50, 4_000), out: between(5, 900), max: 4_096, embedding: anywhere() })),
  'a chat whose answers are often cut off': many(5_000, (n) => ({ prompt: `p${n}`, in: between(20, 900), out: random() < 0.5 ? 512 : between(20, 511), max: 512 })),
  'code completion': many(8_000, (n) => ({ prompt: `p${n}`, in: between(20, 2_000), out: random() < 0.6 ? 64 : between(1, 63), max: 64 })),
  'records in a fixed form': many(8_000, (n) => ({ prompt: `p${n}`, in: between(300, 500), out: between(80, 95), max: 400 })),
  'reports in a fixed form': many(5_000, (n) => ({ prompt: `p${n}`, in: between(900, 2_000), out: between(300, 500), max: 1_000 })),
  'a classifier of one token': many(8_000, (n) => ({ prompt: `p${n}`, in: between(300, 320), out: 1, max: 1, embedding: anywhere() })),
  'answers asked three times since they are slow': many(6_000, (n) => ({ prompt: `p${Math.floor(n / 3)}`, in: 300, out: 2, max: 4 })),
  'retries of two in five': many(6_000, (n) => ({ prompt: `p${Math.floor(n * 0.6)}`, in: 300, out: 2, max: 4 })),
  'a health check': many(6_000, () => ({ prompt: 'ping', in: 8, out: 1, max: 1, gapMs: 30_000 })),
  'a regression suite every night': many(6_000, (n) => ({ prompt: `p${n % 200}`, in: 900, out: 300 + (n % 200), max: 1_000, answer: `a${n % 200}` })),
  'samples of one story': many(3_000, () => ({ prompt: 'story', in: 60, out: between(500, 1_200), max: 4_096 })),
  'forty samples a question': many(6_000, (n) => ({ prompt: `p${Math.floor(n / 40)}`, in: 200, out: between(100, 600), max: 2_048 })),
  'a load test that does not wait': many(6_000, (n) => ({ prompt: `p${Math.floor(n / 12)}`, in: 300, out: 1, max: 1, gapMs: 20, latencyMs: 400 })),
  'streams that are broken off and begun again': many(4_000, (n) => ({ prompt: `p${Math.floor(n / 2)}`, in: 400, out: between(10, 800), max: 2_000, finish: 'stop' })),
} // prettier-ignore

test.each(Object.entries(benign))('%s is none of it', (_, calls) => {
  expect(run(calls).looks).toEqual([])
})

test('what is kept of an account stays small, whatever it asks', () => {
  const calls = many(3_000, (n) => ({ prompt: `p${n % 7}`, in: 10, out: 4_096, max: 4_096, embedding: anywhere() }))
  expect(run(calls).bytes).toBeLessThan(16_000)
})
