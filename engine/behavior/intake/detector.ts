/**
 * `intake-poisoning`: sources that bring bad records into a training set.
 *
 * Three kinds, each against what is usual for the other sources of the same set: labels that contradict the nearest records
 * of others (label flipping), a rare pattern that goes with such labels (a backdoor's trigger), and near copies.
 * What it can't see: poison whose labels are right (clean-label attacks), and a set that one source fills alone.
 */
import type { Event } from '../../../core/event.ts'
import { entitiesOf, evidenceOf } from '../entities.ts'
import { fieldAt } from '../fields.ts'
import type { BehaviorDetector } from '../types.ts'
import { IntakeJudge } from './judge.ts'
import { IntakeParams, type IntakeRecord } from './params.ts'

export const intakePoisoning: BehaviorDetector<IntakeParams> = {
  type: 'intake-poisoning',
  params: IntakeParams,
  needs: () => ['warden.dataset.id', 'warden.input.features', 'warden.input.embedding', 'warden.output.label'],
  create: (params) => ({
    read: (event) => {
      const dataset = fieldAt(event, 'warden.dataset.id')
      const of = recordOf(event)
      if (typeof dataset !== 'string' || of === undefined) return undefined
      const observation = { of, entities: entitiesOf(event), evidence: [evidenceOf(event)] }
      return { group: [event.organization.id, dataset.slice(0, 512)], observation }
    },
    grouped: new IntakeJudge(params),
  }),
}

function recordOf(event: Event): IntakeRecord | undefined {
  const { input, output, principal } = event.warden
  const vector = input?.features ?? input?.embedding
  const label = output?.label
  if (vector === undefined || vector.length === 0 || label === undefined || !vector.every(Number.isFinite)) {
    return undefined
  }
  return { timeMs: Date.parse(event['@timestamp']), source: principal, label: String(label).slice(0, 64), vector }
}
