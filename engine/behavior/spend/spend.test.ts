import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { RuleMeta } from '../../sigma/types.ts'
import type { BehaviorFinding } from '../types.ts'
import { tokenSpend } from './detector.ts'
import type { Spent } from './step.ts'

const dayMs = 86_400_000
const startMs = Date.parse('2026-03-02T00:00:00.000Z')

interface Day {
  readonly calls: number
  readonly tokens: number
  readonly cutOff?: number
}

/** What is found on which day. The state comes back from a checkpoint every day. */
function run(days: readonly Day[]): { findings: BehaviorFinding[]; days: number[]; bytes: number } {
  const plan = tokenSpend.create(tokenSpend.params.parse({ type: 'token-spend' }), {} as RuleMeta)
  const entries = new KeptEntries()
  const context = { inventory: emptyInventory, baseline: () => undefined }
  const findings: BehaviorFinding[] = []
  for (const [day, { calls, tokens, cutOff = 0 }] of days.entries()) {
    for (let call = 0; call < calls; call++) {
      const timeMs = startMs + day * dayMs + Math.floor((call / calls) * dayMs)
      const evidence = { id: `${day}/${call}`, timestamp: new Date(timeMs).toISOString() }
      const spent = {
        timeMs, tokens, cutOff: call % 100 < 100 * cutOff, entities: () => [], evidence: () => evidence,
      } as unknown as Spent // prettier-ignore
      findings.push(...plan.local!.apply(['t/u'], entries, spent, -Infinity, context).findings)
    }
    entries.restart()
  }
  const on = findings.map(({ window }) => Math.floor((window.startMs - startMs) / dayMs))
  return { findings, days: [...new Set(on)], bytes: entries.bytes }
}

const usual = (days: number): Day[] => Array.from({ length: days }, () => ({ calls: 40, tokens: 500 }))

test('a stolen key is found on the day on which it is sold, and told again when twice as much was spent', () => {
  const { findings, days } = run([...usual(10), { calls: 900, tokens: 6_000 }])
  expect(days).toEqual([10])
  expect(findings[0]).toMatchObject({ threat: 'cost-harvesting', facts: { usualTokens: 20_000, days: 10 } })
  expect(findings.map(({ version }) => version)).toEqual([1, 2, 3])
})

/**
 * The hour of the day in which, and of what it is told, when somebody who spends `tokens` a call, 600 times an hour
 * from 10 o'clock on, with the key of a large customer is found.
 */
function hourOfFinding(
  tokens: number,
  nightly?: { readonly calls: number; readonly tokens: number },
): string | undefined {
  const plan = tokenSpend.create(tokenSpend.params.parse({ type: 'token-spend' }), {} as RuleMeta)
  const entries = new KeptEntries()
  const context = { inventory: emptyInventory, baseline: () => undefined }
  const spend = (timeMs: number, tokens: number): BehaviorFinding[] => {
    const spent = { timeMs, tokens, cutOff: false, entities: () => [], evidence: () => ({ id: `${timeMs}` }) }
    return [...plan.local!.apply(['t/u'], entries, spent, -Infinity, context).findings]
  }
  for (let hour = 0; hour < 10 * 24 + 24; hour++) {
    const fromMs = startMs + (hour * dayMs) / 24
    const nightCalls = hour % 24 === 2 ? (nightly?.calls ?? 0) : 0
    const stolenCalls = hour >= 10 * 24 + 10 ? 600 : 0
    if (hour % 24 === 0) entries.restart()
    for (let n = 0; n < 100; n++) spend(fromMs + n * 30_000, 600)
    for (let n = 0; n < nightCalls; n++) spend(fromMs + n * 6_000, nightly!.tokens)
    for (let n = 0; n < stolenCalls; n++) {
      const found = spend(fromMs + n * 6_000, tokens)
      if (found.length > 0) return `${hour % 24} ${/calls of (an? \w+)/.exec(found[0]!.explanation)![1]!}`
    }
  }
  return undefined
}

test('a stolen key of a large customer is found within the hour in which it is used, long before the day is over', () => {
  expect(hourOfFinding(8_000)).toBe('10 an hour')
})

test('calls like those of the dearest hour of each night are not found by the hour', () => {
  expect(hourOfFinding(8_000, { calls: 100, tokens: 6_000 })).toMatch(/ a day$/)
})

test('a day that was a finding does not become usual, so the next one is found as well', () => {
  expect(run([...usual(10), ...Array.from({ length: 3 }, () => ({ calls: 900, tokens: 6_000 }))]).days).toEqual([
    10, 11, 12,
  ])
})

test('answers driven to their limit are found where they were rare, and not where they are usual', () => {
  const driven = { calls: 6_000, tokens: 500, cutOff: 0.8 }
  expect(run([...usual(10), driven]).days).toEqual([10])
  const often = usual(10).map((day) => ({ ...day, cutOff: 0.7 }))
  expect(run([...often, driven]).days).toEqual([])
})

test('of 300 accounts over 40 days with weekends, growth, backfills and work of several kinds at most one in a hundred is named', () => {
  const random = randomOf(11)
  const normal = normalOf(random)
  let named = 0
  for (let account = 0; account < 300; account++) {
    const size = 20 * Math.exp(0.8 * normal())
    const growth = random() < 0.3 ? 1.03 : 1
    const kinds = random() < 0.3 ? [400, 8_000] : [800 + 4_000 * random()]
    const days = Array.from({ length: 40 }, (_, day) => {
      const weekend = day % 7 >= 5 ? 0.3 : 1
      const backfill = random() < 0.02 ? 60 : 1
      const calls = Math.ceil(size * weekend * backfill * growth ** day * Math.exp(0.4 * normal()))
      const tokens = kinds[random() < 0.2 ? kinds.length - 1 : 0]!
      return { calls: Math.min(calls, 3_000), tokens: tokens * Math.exp(0.1 * normal()), cutOff: 0.1 * random() }
    })
    if (run(days).findings.length > 0) named++
  }
  expect(named).toBeLessThanOrEqual(3)
})

test('what is kept of an account does not grow with its age', () => {
  expect(run(usual(400)).bytes).toBeLessThan(2_500)
})
