import { describe, expect, test } from 'vitest'
import type { Call } from './call.ts'
import { looks } from './looks.ts'
import { Memory, type Known } from './memory.ts'
import type { LookName } from './params.ts'

type Of = Partial<Call> &
  Partial<Omit<Known, 'alike' | 'last'>> & {
    readonly alike?: number
    /** The call before; null: there was none. */
    readonly last?: Partial<NonNullable<Known['last']>> | null
    /** How often its answer came before. */
    readonly answered?: number
  }

/** What each look is sure to see; of that, one thing is changed at a time. */
const seen: Readonly<Record<LookName, Of>> = {
  divergence: { inTokens: 50, outTokens: 400, cutOff: true, times: 1 },
  prefixes: { inTokens: 50, maxTokens: 64, cutOff: true, times: 0, last: { inTokens: 50, maxTokens: 64 } },
  'same-answer': { inTokens: 800, outTokens: 400, answer: 1, cutOff: false, times: 0, answered: 2 },
  timing: { timeMs: 2_000, outTokens: 1, logits: false, times: 1, ago: 0, last: { ms: 1_000, latencyMs: 500 } },
}

function shows(name: LookName, but: Of): boolean | undefined {
  const { alike = 0, last = {}, answered = 0, times = 0, ago = Infinity, ...call } = { ...seen[name], ...but }
  const memory = new Memory(0)
  const before = last === null ? null : { ms: 0, latencyMs: 0, inTokens: -1, maxTokens: -1, ...last }
  for (let n = 0; n < answered; n++) memory.countAnswer(call.answer ?? call.outTokens ?? 0)
  return looks[name].shows(call as Call, { times, ago, alike: () => alike, last: before }, memory)
}

type Case = readonly [but: Of, shown: boolean | undefined]

const cases: readonly (readonly [name: LookName, of: readonly Case[]])[] = [
  ['divergence', [
    [{}, true],
    [{ outTokens: 399 }, false],
    [{ inTokens: 32, outTokens: 256 }, true],
    [{ inTokens: 1, outTokens: 255 }, false],
    [{ cutOff: false }, false],
    [{ times: 0, alike: 0.98 }, true],
    [{ times: 0, alike: 0.97 }, false],
    [{ inTokens: undefined }, undefined],
    [{ outTokens: undefined }, undefined],
  ]],
  ['prefixes', [
    [{}, true],
    [{ last: null }, undefined],
    [{ inTokens: undefined }, undefined],
    [{ maxTokens: undefined }, undefined],
    [{ cutOff: false }, false],
    [{ times: 1 }, false],
    [{ inTokens: 52 }, true],
    [{ inTokens: 53 }, false],
    [{ inTokens: 47 }, false],
    [{ last: { inTokens: 50, maxTokens: 65 } }, false],
    [{ maxTokens: 16, last: { inTokens: 50, maxTokens: 16 } }, true],
    [{ maxTokens: 15, last: { inTokens: 50, maxTokens: 15 } }, false],
    [{ maxTokens: 1_024, last: { inTokens: 50, maxTokens: 1_024 } }, true],
    [{ maxTokens: 1_025, last: { inTokens: 50, maxTokens: 1_025 } }, false],
    [{ inTokens: 100, last: { inTokens: 100, maxTokens: 64 } }, true],
    [{ inTokens: 101, last: { inTokens: 101, maxTokens: 64 } }, false],
    [{ alike: 0.97 }, true],
    [{ alike: 0.98 }, false],
  ]],
  ['same-answer', [
    [{}, true],
    [{ answered: 1 }, false],
    [{ outTokens: 128 }, true],
    [{ outTokens: 127 }, false],
    [{ answer: undefined, outTokens: 256 }, true],
    [{ answer: undefined, outTokens: 255 }, false],
    [{ inTokens: 368 }, true],
    [{ inTokens: 367 }, false],
    [{ cutOff: true }, false],
    [{ times: 1 }, false],
    [{ inTokens: undefined }, undefined],
    [{ outTokens: undefined }, undefined],
  ]],
  ['timing', [
    [{}, true],
    [{ outTokens: 4 }, true],
    [{ outTokens: 5 }, false],
    [{ outTokens: undefined }, true],
    [{ logits: true }, undefined],
    [{ times: 15 }, true],
    [{ times: 16 }, undefined],
    [{ ago: 3 }, true],
    [{ ago: 4 }, false],
    [{ last: null }, false],
    [{ last: { ms: 1_501, latencyMs: 500 } }, false],
    [{ timeMs: 61_000 }, true],
    [{ timeMs: 61_001 }, false],
    [{ times: 0, alike: 0.995 }, true],
    [{ times: 0, alike: 0.99 }, false],
    [{ times: 0, alike: 1, outTokens: undefined }, false],
  ]],
] // prettier-ignore

describe.each(cases)('%s', (name, of) => {
  test.each(of)('with %j is shown: %s', (but, shown) => {
    expect(shows(name, but)).toBe(shown)
  })
})
