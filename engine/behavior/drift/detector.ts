/**
 * `drift`: what a model is asked and answers is not what it used to be, or a subgroup is wronged more than the rest.
 *
 * Validated statistics over a fixed reference: Kolmogorov-Smirnov with the bound of Dvoretzky, Kiefer and Wolfowitz, the
 * population stability index beside it; errors by subgroup where the truth comes back. An account that asks otherwise than
 * all others is no drift: each has its part of the window.
 */
import type { Event } from '../../../core/event.ts'
import { accountOf } from '../account.ts'
import { evidenceOf, timeOf } from '../entities.ts'
import type { BehaviorDetector } from '../types.ts'
import { channelsOf, hasChannels } from './channels.ts'
import { DriftParams, type Answer } from './params.ts'
import { AnswerSampler, type AnswerSeen } from './sampler.ts'
import { DriftWatch } from './watch.ts'

export const drift: BehaviorDetector<DriftParams> = {
  type: 'drift',
  params: DriftParams,
  needs: () => [
    'warden.model.id',
    'warden.input.features',
    'warden.output.label',
    'warden.output.truth',
    'warden.input.group',
  ],
  create: (params) => ({
    read: (event) => {
      const model = event.warden.model?.id
      if (model === undefined || !hasChannels(event)) return undefined
      const observation: AnswerSeen = {
        model: model.slice(0, 512),
        timeMs: timeOf(event),
        answer: () => answerOf(event),
        evidence: () => evidenceOf(event),
      }
      return { group: accountOf(event), observation }
    },
    local: new AnswerSampler(params),
    grouped: new DriftWatch(params),
  }),
}

function answerOf(event: Event): Answer {
  const { input, output } = event.warden
  const label = output?.label
  const truth = output?.['truth']
  const subgroup = input?.['group']
  return {
    timeMs: timeOf(event),
    channels: channelsOf(event),
    subgroup:
      (typeof subgroup === 'string' && subgroup !== '') || typeof subgroup === 'number'
        ? String(subgroup).slice(0, 64)
        : undefined,
    right:
      label === undefined || truth === '' || (typeof truth !== 'string' && typeof truth !== 'number')
        ? undefined
        : String(truth) === String(label),
  }
}
