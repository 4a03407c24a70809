import { describe, expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import type { BehaviorFinding } from '../types.ts'
import { LeakParams, type Got } from './params.ts'
import { ComparePeers } from './peers.ts'

function got(principal: string, answers: number, more: Partial<Got> = {}): Got {
  return {
    principal, timeMs: 1_000 + answers, sinceMs: 500, answers, queries: answers, coverage: 0.6, fidelity: [0.9, 0.85, 1],
    entities: [], evidence: { id: 'e', timestamp: '1970-01-01T00:00:01.000Z', hash: '', position: { topic: 't', partition: 0, offset: 0, index: 0 } },
    ...more,
  } // prettier-ignore
}

/** What is found as these amounts come, beside ten customers with 150 answers each. */
function foundOf(amounts: readonly number[], more: Partial<Got> = {}): BehaviorFinding[] {
  const step = new ComparePeers(LeakParams.parse({ type: 'leak-account' }))
  const entries = new KeptEntries()
  const take = (each: Got): readonly BehaviorFinding[] => step.apply(['m'], entries, each).findings
  for (let n = 0; n < 10; n++) take(got(`t/c${n}`, 150))
  return amounts.flatMap((amount) => take(got('t/eve', amount, more)))
}

describe('who gets far more answers than others', () => {
  test('is noted from twice as many and five hundred on, again when they have doubled, and accused of nothing', () => {
    expect(foundOf([449, 499])).toEqual([])
    const notes = foundOf([500, 700, 1_000])
    expect(notes.map(({ note, version, anchor }) => [note, version, anchor])).toEqual([
      [true, 1, 'note/t/eve/500'],
      [true, 2, 'note/t/eve/500'],
    ])
    expect(notes[0]!.explanation).toContain('accuses nobody')
  })

  test('is a finding from ten times as many and two thousand on, and is not noted as well', () => {
    const found = foundOf([600, 2_000, 2_500, 4_100])
    expect(found.map(({ note, version }) => [note ?? false, version])).toEqual([
      [true, 1],
      [false, 1],
      [false, 2],
    ])
  })

  test('is not noted where a copy would not be faithful, or where nothing is known of one', () => {
    expect(foundOf([900], { fidelity: [0.7, 0.6, 0.8] })).toEqual([])
    expect(foundOf([900], { fidelity: null, coverage: 0.4 })).toEqual([])
    expect(foundOf([900], { fidelity: null, coverage: 0.5 })).toHaveLength(1)
  })
})
