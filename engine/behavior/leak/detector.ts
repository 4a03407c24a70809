/**
 * `leak-account`: what each account holds of a model, and how faithful a copy it could train with that.
 *
 * For harvesting by natural inputs, which nothing in a query tells from honest use. Every account has an account of its leak
 * (core/leak.ts); findings are few: where a license or the rule allows less, or where an account gets far more than others.
 * docs/detectors/leak-account.md has the science, how good the intervals are, and what it can't see.
 */
import type { Event } from '../../../core/event.ts'
import { accountAndModel } from '../account.ts'
import { entitiesOf, evidenceOf, timeOf } from '../entities.ts'
import { inputOf } from '../input/input.ts'
import type { BehaviorDetector, Shuffled } from '../types.ts'
import { HoldStep, type AnsweredQuery } from './local.ts'
import { LeakParams } from './params.ts'
import { ComparePeers } from './peers.ts'

export const leakAccount: BehaviorDetector<LeakParams> = {
  type: 'leak-account',
  params: LeakParams,
  needs: () => ['warden.model.id', 'warden.input.features', 'warden.output.label'],
  create: (params, meta) => ({
    read: readOf,
    local: new HoldStep(params, meta),
    grouped: new ComparePeers(params),
  }),
}

function readOf(event: Event): Shuffled | undefined {
  const model = event.warden.model?.id
  if (model === undefined || model === '') return undefined
  const input = inputOf(event)
  // Of the answer alone nothing can be learned about the inputs that it belongs to.
  if (input === undefined || input.kind === 'output') return undefined
  const observation: AnsweredQuery = {
    timeMs: timeOf(event),
    tenant: event.organization.id,
    input,
    entities: () => entitiesOf(event),
    evidence: () => evidenceOf(event),
  }
  return { group: accountAndModel(event, model), observation }
}
