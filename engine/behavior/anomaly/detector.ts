/**
 * `anomaly`: a number that is not what it used to be, whatever it counts.
 *
 * A rule's own `detection:` says which events; its `anomaly:` block which number, by whom, with which season. See
 * stream.ts for the statistics and docs/detectors/anomaly.md for what it scores on the Numenta Anomaly Benchmark.
 */
import type { Event } from '../../../core/event.ts'
import { entitiesOf, evidenceOf } from '../entities.ts'
import { fieldAt } from '../fields.ts'
import type { BehaviorDetector } from '../types.ts'
import { AnomalyParams } from './params.ts'
import { AnomalyWatch, type AnomalyValue } from './watch.ts'

const groupCharsMax = 512
/** What is larger counts as this: sums and squares of so many stay numbers. */
const valueMax = 1e100

export const anomaly: BehaviorDetector<AnomalyParams> = {
  type: 'anomaly',
  params: AnomalyParams,
  needs: ({ field, by }) => (field === undefined ? by : [field, ...by]),
  create: (params) => {
    const step = new AnomalyWatch(params)
    const isLocal = params.by.length === 1 && params.by[0] === 'warden.principal'
    return {
      read: (event) => {
        const group = params.by.map((path) => textOf(fieldAt(event, path)))
        const value = params.field === undefined ? 1 : fieldAt(event, params.field)
        if (typeof value !== 'number' || !Number.isFinite(value) || !group.every((each) => each !== undefined))
          return undefined
        return { group, observation: observationOf(event, Math.max(-valueMax, Math.min(valueMax, value))) }
      },
      ...(isLocal ? { local: step } : { grouped: step }),
    }
  },
}

function observationOf(event: Event, value: number): AnomalyValue {
  return { timeMs: Date.parse(event['@timestamp']), value, entities: entitiesOf(event), evidence: evidenceOf(event) }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.slice(0, groupCharsMax)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
