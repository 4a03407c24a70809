import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { ToldLines } from './lines.ts'
import { HarvestParams } from './params.ts'
import { HarvestStep, type Answered } from './step.ts'

const told: ToldLines = { version: 1, lines: [300, 600], allowed: [0.08, 0.036], own: [], accounts: 20, samples: 999 }

/** A suite of 600 prompts that is answered shortly, and once more by a version that answers at length: what is found then. */
function foundAgain(rest: Pick<Answered, 'x'>): number {
  const step = new HarvestStep(HarvestParams.parse({ type: 'answer-harvest' }))
  const entries = new KeptEntries()
  const context = {
    inventory: emptyInventory,
    baseline: (name: string) => (name === 'llm answers' ? told : undefined),
  }
  let found = 0
  for (let n = 0; n < 1_200; n++) {
    const call: Answered = {
      ...rest,
      timeMs: n * 5_000,
      prompt: Math.imul(1 + (n % 600), 0x9e3779b1) >>> 0,
      inTokens: 40,
      outTokens: n < 600 ? 60 : 900,
      entities: () => [],
      evidence: () => ({
        id: `e${n}`,
        timestamp: '',
        hash: 'h',
        position: { topic: 't', partition: 0, offset: n, index: 0 },
      }),
    }
    found += step.apply(['t/suite', 'llm'], entries, call, n * 5_000, context).findings.length
  }
  return found
}

test('a suite of six hundred prompts with embeddings that a new version answers at length is no harvest: they were asked before', () => {
  expect(foundAgain({ x: Float64Array.of(1, 0) })).toBe(0)
  expect(foundAgain({})).toBeGreaterThan(0)
})
