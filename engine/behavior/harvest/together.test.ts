import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { BehaviorFinding } from '../types.ts'
import { LearnAnswers } from './learn.ts'
import { HarvestParams, type Taught } from './params.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const startMs = Date.parse('2026-03-02T00:00:00.000Z')

/** A grouped step at a model that somebody has asked since `startMs`. */
function begin(): (principal: string, sinceMs: number, timeMs: number, evidence?: number) => BehaviorFinding[] {
  const step = new LearnAnswers(HarvestParams.parse({ type: 'answer-harvest' }))
  const entries = new KeptEntries()
  const apply = (taught: Taught): BehaviorFinding[] => {
    const { findings } = step.apply(['llm'], entries, JSON.parse(JSON.stringify(taught)))
    entries.restart()
    return [...findings]
  }
  apply({ principal: 't/old', sinceMs: startMs, timeMs: startMs, answers: [200, 200, 200, 200] })
  return (principal, sinceMs, timeMs, evidence = 10) => {
    const even = { evidence, calls: 200, long: 90, tokens: 90_000 }
    const entities = [{ type: 'account' as const, id: principal }]
    return apply({ principal, sinceMs, timeMs, answers: [], even, entities })
  }
}

const names = ['t/a', 't/b', 't/c', 't/d', 't/e']
const newMs = startMs + 10 * dayMs

describe('accounts that ask evenly for long answers at the same time', () => {
  test('are told of together where four of them are new, and again with each that joins', () => {
    const tell = begin()
    const told = names.map((name, n) => tell(name, newMs, newMs + n * hourMs))
    expect(told.map(({ length }) => length)).toEqual([0, 0, 0, 1, 1])
    expect(told[3]![0]).toMatchObject({
      threat: 'distillation',
      version: 1,
      exposure: { queries: 800, tokens: 360_000 },
    })
    expect(told[3]![0]!.members!.map(({ principal }) => principal)).toEqual(names.slice(0, 4))
    expect(told[4]![0]).toMatchObject({ version: 2, anchor: told[3]![0]!.anchor })
    expect(tell('t/a', newMs, newMs + 9 * hourMs)).toEqual([])
  })

  test('are told of again where others take the place of those who were', () => {
    const tell = begin()
    for (const [n, name] of names.slice(0, 4).entries()) tell(name, newMs, newMs + n * hourMs)
    const later = ['t/f', 't/g', 't/h', 't/i'].map((name, n) =>
      tell(name, newMs + dayMs, newMs + dayMs + (n + 2) * hourMs),
    )
    expect(later.map(([finding]) => finding?.members?.map(({ principal }) => principal))).toEqual([
      undefined,
      undefined,
      undefined,
      ['t/f', 't/g', 't/h', 't/i'],
    ])
  })

  test('are not where they have been known for days: with a new version many run their suites again', () => {
    const tell = begin()
    expect(names.flatMap((name, n) => tell(name, newMs - 4 * dayMs, newMs + n * hourMs))).toEqual([])
  })

  test('are not where they were there when the model was first asked', () => {
    const tell = begin()
    expect(names.flatMap((name, n) => tell(name, startMs + hourMs, startMs + dayMs + n * hourMs))).toEqual([])
  })

  test('are not where one has fallen silent before the next, or nothing speaks against it any more', () => {
    const tell = begin()
    expect(names.flatMap((name, n) => tell(name, newMs + n * dayMs, newMs + n * 1.1 * dayMs))).toEqual([])
    const other = begin()
    for (const name of names.slice(0, 3)) other(name, newMs, newMs)
    other('t/a', newMs, newMs + hourMs, 0)
    expect(other('t/d', newMs, newMs + hourMs)).toEqual([])
    expect(other('t/e', newMs, newMs + hourMs)).toHaveLength(1)
  })
})
