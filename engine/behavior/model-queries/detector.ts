/**
 * `model-queries`: who copies, inverts or probes a model through its own interface.
 *
 * One look at each query feeds four threats: extraction (queries unlike honest ones, or at the decision boundary), boundary
 * search, inversion, membership inference. docs/detectors/model-queries.md has the science, the bounds and what it can't see.
 */
import type { Event } from '../../../core/event.ts'
import { accountAndModel } from '../account.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import type { BehaviorDetector, EventContext, Shuffled } from '../types.ts'
import { inputOf } from '../input/input.ts'
import { LearnTraffic } from './learn/learn.ts'
import { WeighQueries, type ModelQuery } from './local.ts'
import { ModelQueriesParams } from './params.ts'

export const modelQueries: BehaviorDetector<ModelQueriesParams> = {
  type: 'model-queries',
  params: ModelQueriesParams,
  needs: () => ['warden.model.id', 'warden.input.features', 'warden.output.probabilities'],
  create: (params) => ({
    read: readOf,
    local: new WeighQueries(params),
    grouped: new LearnTraffic(params),
  }),
}

function readOf(event: Event, context: EventContext): Shuffled | undefined {
  const model = event.warden.model?.id
  if (model === undefined || model === '') return undefined
  const input = inputOf(event)
  if (input === undefined) return undefined
  const hash = event.warden.input?.hash
  const observation: ModelQuery = {
    timeMs: timeOf(event),
    input,
    member: hash !== undefined && context.inventory.models.get(model)?.isTrainingRecord(hash) === true,
    entities: () => entitiesOf(event),
    evidence: () => evidenceOf(event),
  }
  return { group: accountAndModel(event, model), observation }
}
