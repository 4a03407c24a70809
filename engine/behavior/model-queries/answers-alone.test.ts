import { expect, test } from 'vitest'
import { KeptEntries } from '../../../test/support/kept-entries.ts'
import { randomOf } from '../../../test/support/random.ts'
import { emptyInventory } from '../../inventory/inventory.ts'
import type { BehaviorFinding } from '../types.ts'
import type { QueryInput } from '../input/input.ts'
import { WeighQueries, type ModelQuery } from './local.ts'
import { ModelQueriesParams } from './params.ts'
import { learnReference } from './honest/reference.ts'

let keys = 0
/** An answer with this probability of its class, as it looks where nothing else is known. */
function answer(label: number, confidence: number): QueryInput {
  const x = Float64Array.from([confidence, 1 - confidence], (p) => Math.log(Math.max(p, 1e-4)))
  return {
    kind: 'output',
    hidden: true,
    blackAndWhite: false,
    probabilities: undefined,
    x,
    label: String(label),
    margin: confidence,
    key: ++keys * 2_654_435_761,
  }
}

/** Of ten classes; hardly ever surer than .999. */
function honest(random: () => number): QueryInput {
  return answer(Math.floor(random() * 10), 1 - 0.5 * random() ** 3 - 1e-5)
}

const random = randomOf(3)
const told = learnReference(
  Array.from({ length: 10 }, () =>
    Array.from({ length: 200 }, () => {
      const { x, label, margin } = honest(random)
      return { x, label, margin: margin! }
    }),
  ),
)

function findingsOf(next: () => QueryInput, queries: number): BehaviorFinding[] {
  const step = new WeighQueries(ModelQueriesParams.parse({ type: 'model-queries' }))
  const entries = new KeptEntries()
  const context = { inventory: emptyInventory, baseline: () => told }
  return Array.from({ length: queries }, (_, n) => {
    const evidence = { id: `e${n}` } as unknown as ReturnType<ModelQuery['evidence']>
    const query: ModelQuery = {
      timeMs: n * 1_000, input: next(), member: false, entities: () => [], evidence: () => evidence,
    } // prettier-ignore
    return step.apply(['t/u', 'm'], entries, query, -Infinity, context).findings
  }).flat()
}

test('where answers alone are known, an account whose answers are surer than honest ones again and again is named', () => {
  const sure = (): QueryInput => (random() < 0.4 ? answer(Math.floor(random() * 10), 1 - 1e-7) : honest(random))
  const [finding] = findingsOf(sure, 600)
  expect(finding).toMatchObject({ threat: 'extraction' })
  expect(finding!.facts['queries.sure']).toBeGreaterThan(5)
})

test('an honest account is not, nor is a camera that looks at one thing of which the model is sure', () => {
  expect(findingsOf(() => honest(random), 3_000)).toEqual([])
  expect(findingsOf(() => answer(4, 1 - 1e-7 * (1 + random())), 3_000)).toEqual([])
})
