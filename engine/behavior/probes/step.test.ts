import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { Event } from '../../../core/event.ts'
import type { BehaviorFinding } from '../types.ts'
import { readCall, type Call } from './call.ts'
import { Memory } from './memory.ts'
import { ProbesParams } from './params.ts'
import { ProbesStep } from './step.ts'

const dayMs = 86_400_000
const group = ['t/eve', 'llm']

describe('a call', () => {
  const callOf = (ai: object): Call | undefined =>
    readCall({
      '@timestamp': '2026-03-02T09:00:00.000Z',
      gen_ai: ai,
      warden: { model: { id: 'llm' }, input: { hash: 'h' } },
    } as unknown as Event)
  const cutOff = (reasons: unknown, max: number, out: number): boolean | undefined =>
    callOf({
      request: { max_tokens: max },
      response: { finish_reasons: reasons },
      usage: { output_tokens: out },
    })?.cutOff

  test('was cut off where the model says so, and else where as much was answered as was asked for', () => {
    expect([['length'], ['max_tokens'], 'length', ['stop', 'length']].map((told) => cutOff(told, 100, 5))).toEqual(
      Array(4).fill(true),
    )
    expect([['stop'], 'stop', ['tool_calls']].map((told) => cutOff(told, 100, 100))).toEqual(Array(3).fill(false))
    expect([undefined, [], [7], null].map((told) => cutOff(told, 100, 100))).toEqual(Array(4).fill(true))
    expect([undefined, []].map((told) => cutOff(told, 100, 99))).toEqual([false, false])
    // No limit, as some clients spell it.
    expect(cutOff(undefined, 0, 0)).toBe(false)
  })

  test('has no numbers of tokens that are none', () => {
    for (const count of [-1, NaN, Infinity, 1e308, 1e9, '5', null])
      expect(callOf({ usage: { output_tokens: count, input_tokens: count } })).toMatchObject({
        inTokens: undefined,
        outTokens: undefined,
      })
  })
})

/** Short prompts that run on, and others; what is told, after how many calls each. */
function run(step: ProbesStep, runsOn: readonly boolean[]) {
  const entries = new KeptEntries()
  const told: (readonly [calls: number, finding: BehaviorFinding])[] = []
  for (const [n, is] of runsOn.entries()) {
    const call = {
      timeMs: 1_000 * n, prompt: 1, inTokens: 10, outTokens: is ? 500 : 5, cutOff: is,
      entities: () => [], evidence: () => ({ id: `e${n}` }),
    } as unknown as Call // prettier-ignore
    for (const finding of step.apply(group, entries, call).findings) told.push([n + 1, finding])
  }
  return { told, entries }
}
const stepOf = (callsPerFalseAlarm: number, look: readonly string[] = ['divergence']): ProbesStep =>
  new ProbesStep(ProbesParams.parse({ type: 'call-probes', look, callsPerFalseAlarm }))

describe('what calls show', () => {
  test('is told at its line, and again whenever twice as many have shown it, as a version of the same', () => {
    // The first call repeats none.
    const { told } = run(stepOf(1e6), Array<boolean>(300).fill(true))
    expect(told.map(([calls, { version, facts }]) => [calls, version, facts['shown']])).toEqual([
      [33, 1, 32],
      [65, 2, 64],
      [129, 3, 128],
      [257, 4, 256],
    ])
    expect(new Set(told.map(([, { anchor }]) => anchor)).size).toBe(1)
  })

  test('stays told of once it has crossed its line, though evidence that others take from it is below by then', () => {
    const calls = [24, -30, 9].flatMap((count) => Array<boolean>(Math.abs(count)).fill(count > 0))
    const { told } = run(stepOf(1e6), calls)
    expect(told.map(([at, { version, facts }]) => [at, version, facts['shown']])).toEqual([[63, 1, 32]])
    expect(told[0]![1].facts['evidenceLog10']).toBeLessThan(5.6)
  })

  test('has one line for all that is looked for: the more it is, the higher', () => {
    const linesOf = (look: readonly string[]) =>
      run(stepOf(1e6, look), Array<boolean>(40).fill(true)).told.map(([, { facts }]) => facts['lineLog10'])
    expect(linesOf(['divergence'])).toEqual([6])
    expect(linesOf(['divergence', 'prefixes', 'timing'])).toEqual([6.48])
  })

  test('is forgotten after thirty silent days, counted from the end of the last', () => {
    const step = stepOf(1e6)
    const { entries } = run(step, [true])
    expect(step.advance(group, entries, 31 * dayMs - 1)).toMatchObject({ dueMs: 31 * dayMs })
    expect(step.advance(group, entries, Infinity)).not.toHaveProperty('forget')
    expect(step.advance(group, entries, 31 * dayMs)).toMatchObject({ forget: true })
  })
})

describe('of the last calls', () => {
  const call = (prompt: number, of: Partial<Call> = {}): Call =>
    ({ timeMs: 0, latencyMs: 0, prompt, place: undefined, ...of }) as Call
  const place = (n: number): Float64Array => Float64Array.from({ length: 8 }, (_, i) => (i === n ? 1 : 0))

  test('sixteen different prompts are known, and how many were different since; four of their places', () => {
    const memory = new Memory(0)
    for (let n = 1; n <= 17; n++) memory.remember(call(n))
    for (let n = 0; n < 5; n++) memory.remember(call(17, { place: place(n) }))
    for (const of of [memory, Memory.of(JSON.parse(JSON.stringify(memory)) as Memory)]) {
      expect([1, 2, 17].map((prompt) => of.known(call(prompt)).times)).toEqual([0, 1, 6])
      expect(of.known(call(2)).ago).toBe(15)
      expect([0, 1, 2, 3, 4].map((n) => of.known(call(9, { place: place(n) })).alike())).toEqual([0, 1, 1, 1, 1])
    }
  })

  test('eight answers are counted, and the others take one from each', () => {
    const memory = new Memory(0)
    for (let n = 0; n < 8; n++) for (let times = 0; times < 3; times++) memory.countAnswer(n)
    expect([0, 7].map((answer) => memory.countAnswer(answer))).toEqual([3, 3])
    memory.countAnswer(100)
    expect([0, 1].map((answer) => memory.countAnswer(answer))).toEqual([3, 2])
  })
})
