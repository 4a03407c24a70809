import { expect, test } from 'vitest'
import { KeptEntries } from '../../../../test/support/kept-entries.ts'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { emptyInventory } from '../../../inventory/inventory.ts'
import type { ToldReference } from '../honest/reference.ts'
import { packed } from '../../input/packed.ts'
import { ModelQueriesParams } from '../params.ts'
import { LearnTraffic, type ToTeach } from './learn.ts'

const dayMs = 86_400_000

/** A model, and what is learned of it by the day. */
class Learned {
  readonly #learn = new LearnTraffic(ModelQueriesParams.parse({ type: 'model-queries' }))
  readonly #entries = new KeptEntries()
  readonly #normal = normalOf(randomOf(3))

  teach(principal: string, timeMs: number): void {
    const x = packed(Float32Array.from({ length: 8 }, this.#normal))
    const taught: ToTeach = { principal, timeMs, sample: { x, label: 'a', margin: 0.5 } }
    this.#learn.apply(['m', 'features'], this.#entries, taught)
  }

  /** How many accounts taught what is told at this watermark, with how many queries. */
  told(watermarkMs: number): readonly [accounts: number, samples: number] {
    const context = { inventory: emptyInventory, baseline: () => undefined }
    const { baselines = [] } = this.#learn.advance(['m', 'features'], this.#entries, watermarkMs, context)
    const told = baselines.find(({ name }) => name === 'm features')?.value as ToldReference | undefined
    return [told?.accounts ?? 0, told?.samples ?? 0]
  }
}

test('a model that is asked by more accounts than have a place is learned from those that came first', () => {
  const model = new Learned()
  for (let turn = 0; turn < 3 * 24; turn++) {
    for (let n = 0; n < 300; n++) model.teach(`t/a${n}`, turn * (dayMs / 24) + n)
  }
  expect(model.told(3 * dayMs)).toEqual([256, 256 * 48])
})

test('fewer queries of each are learned from, the more accounts there are, of those too that taught when there were few', () => {
  const model = new Learned()
  for (let n = 0; n < 300; n++) model.teach('t/first', n)
  for (let turn = 0; turn < 200; turn++) for (let n = 0; n < 95; n++) model.teach(`t/a${n}`, turn * 1_000)
  // 12,288 are kept in all.
  expect(model.told(3 * dayMs)).toEqual([96, 96 * 128])
})
