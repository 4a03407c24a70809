/** An account that asks a model for which something was learned: for tests of what its queries show, without a task. */
import { emptyInventory } from '../../engine/inventory/inventory.ts'
import { keyOfText } from '../../engine/behavior/input/input.ts'
import { WeighQueries, type ModelQuery } from '../../engine/behavior/model-queries/local.ts'
import { ModelQueriesParams } from '../../engine/behavior/model-queries/params.ts'
import type { BehaviorFinding } from '../../engine/behavior/types.ts'
import { KeptEntries } from './kept-entries.ts'

export interface AskedQuery {
  readonly x: Float64Array
  readonly label: string
  readonly probabilities?: readonly number[]
  /** One of the model's training records. */
  readonly member?: boolean
}

export class AskingAccount {
  readonly #step = new WeighQueries(ModelQueriesParams.parse({ type: 'model-queries' }))
  readonly #entries = new KeptEntries()
  readonly #told: unknown
  #queries = 0
  /** At which query each threat was first named. */
  readonly named: Record<string, number> = {}

  /** `told`: what was learned of honest traffic; no drift was. */
  constructor(told: object | undefined) {
    this.#told = told
  }

  /** A query a second; what is kept comes back from a checkpoint after each one. */
  ask({ x, label, probabilities, member = false }: AskedQuery): readonly BehaviorFinding[] {
    const n = this.#queries++
    const evidence = { id: `e${n}` } as unknown as ReturnType<ModelQuery['evidence']>
    const query: ModelQuery = {
      timeMs: n * 1_000,
      input: {
        kind: 'features', hidden: false, blackAndWhite: false, probabilities, x, label, margin: 1,
        values: Array.from(x), key: keyOfText(x.join()),
      },
      member, entities: () => [], evidence: () => evidence,
    } // prettier-ignore
    const { findings } = this.#step.apply(['t/u', 'm'], this.#entries, query, -Infinity, {
      inventory: emptyInventory,
      baseline: (name) => (/drift/.test(name) ? undefined : this.#told),
    })
    for (const { threat } of findings) if (threat !== undefined) this.named[threat] ??= this.#queries
    this.#entries.restart()
    return findings
  }
}
