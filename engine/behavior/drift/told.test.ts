import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { BaselineTold, StepContext } from '../types.ts'
import { channelNames } from './channels.ts'
import { DriftParams } from './params.ts'
import { driftedSince, isStrange } from './told.ts'
import { DriftWatch } from './watch.ts'

const minuteMs = 60_000
const dayMs = 86_400_000

/**
 * What is found and told, until anything is told, where these accounts ask as before, and from some answer on these ask
 * otherwise; `stopping` of them have fallen silent shortly before.
 */
function watch(
  accounts: number,
  moving: number,
  quiet = 0,
  everyMs = 5 * minuteMs,
  stopping = 0,
): { found: number; told: BaselineTold[]; lastMs: number } {
  const random = randomOf(accounts)
  const step = new DriftWatch(DriftParams.parse({ type: 'drift' }))
  const entries = new KeptEntries()
  const evidence = { id: 'e', timestamp: '', hash: 'h', position: { topic: 't', partition: 0, offset: 0, index: 0 } }
  const told: BaselineTold[] = []
  let [found, timeMs] = [0, 0]
  // As many answers of each as there are where there are ten.
  const from = 50 * Math.max(10, accounts)
  for (let n = 0; n < 1.8 * from && told.length === 0; n++) {
    timeMs += everyMs
    // Those who ask seldom: too few of their answers are among the newest to say anything of them.
    const who = n % 10 === 9 && quiet > 0 ? accounts + (Math.floor(n / 10) % quiet) : n % accounts
    if (n >= 0.9 * from && who >= accounts - stopping && who < accounts) continue
    const moved = n >= from && who < moving ? 0.8 : 0
    const answer = {
      timeMs,
      channels: channelNames.map(() => random() + moved),
      subgroup: undefined,
      right: undefined,
    }
    const outcome = step.apply(['m'], entries, { principal: `t/a${who}`, answers: [answer], evidence })
    found += outcome.findings.length
    told.push(...(outcome.baselines ?? []))
  }
  return { found, told, lastMs: timeMs }
}

const knowing = (told: readonly BaselineTold[]): StepContext => ({
  inventory: emptyInventory,
  baseline: (name, type) => (type === 'drift' ? told.find((each) => each.name === name)?.value : undefined),
})

test('a drift is found of a model that is asked by more accounts than are followed', () => {
  expect(watch(200, 200, 0, 10_000).found).toBe(1)
})

describe('what others are told of a drift', () => {
  test('that all accounts of a model share: since when, and that what was learned before says nothing for a week at most', () => {
    const { found, told, lastMs } = watch(6, 6)
    expect(found).toBe(1)
    const context = knowing(JSON.parse(JSON.stringify(told)) as BaselineTold[])
    expect(driftedSince(context, 'm', lastMs - 1)).toBeUndefined()
    expect(driftedSince(context, 'm', lastMs)).toBe(lastMs)
    expect(driftedSince(context, 'another', lastMs)).toBeUndefined()
    expect(isStrange(lastMs, lastMs, undefined)).toBe(true)
    expect(isStrange(lastMs, lastMs + 7 * dayMs - 1, lastMs - 1)).toBe(true)
    expect(isStrange(lastMs, lastMs + 7 * dayMs, undefined)).toBe(false)
    expect(isStrange(lastMs, lastMs + dayMs, lastMs)).toBe(false)
    expect(isStrange(undefined, lastMs, undefined)).toBe(false)
  })

  test.each([16, 24, 48, 100])('that all of %d accounts share: since when', (accounts) => {
    const { found, told } = watch(accounts, accounts, 0, (50 * minuteMs) / accounts)
    expect(found).toBe(1)
    expect(told).toHaveLength(1)
  })

  test('that all share who still ask, two fifths having fallen silent: since when', () => {
    expect(watch(10, 6, 0, 5 * minuteMs, 4).told).toHaveLength(1)
  })

  test('that they share who still ask, where most have fallen silent: nothing', () => {
    expect(watch(10, 4, 0, 5 * minuteMs, 6).told).toEqual([])
  })

  test('that accounts share that nobody knew a day ago: nothing', () => {
    const { found, told } = watch(6, 6, 0, minuteMs)
    expect(found).toBe(1)
    expect(told).toEqual([])
  })

  test('that only some busy accounts share, while as many others ask as before: nothing', () => {
    const { found, told } = watch(5, 5, 5)
    expect(found).toBe(1)
    expect(told).toEqual([])
  })
})

test('a quarter of the accounts does not feign a drift of all, however long it tries', () => {
  const minutes = 10 * minuteMs
  for (const seed of [1, 2, 3]) {
    const random = randomOf(seed)
    const step = new DriftWatch(DriftParams.parse({ type: 'drift' }))
    const entries = new KeptEntries()
    const evidence = { id: 'e', timestamp: '', hash: 'h', position: { topic: 't', partition: 0, offset: 0, index: 0 } }
    const ask = (principal: string, timeMs: number, moved: number): readonly BaselineTold[] => {
      const answers = [1, 2, 3, 4].map(() => ({
        timeMs,
        channels: channelNames.map(() => random() + moved),
        subgroup: undefined,
        right: undefined,
      }))
      return step.apply(['m'], entries, { principal, answers, evidence }).baselines ?? []
    }
    const told: BaselineTold[] = []
    for (let timeMs = 0; timeMs < 4 * dayMs; timeMs += minutes) {
      for (let n = 0; n < 16; n++) told.push(...ask(`t/a${n}`, timeMs + n, n >= 12 && timeMs > 2 * dayMs ? 0.8 : 0))
    }
    expect(told).toEqual([])
  }
})
