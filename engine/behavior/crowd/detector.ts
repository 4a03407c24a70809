/**
 * `account-crowd`: many accounts that one hand uses, each below what would show by itself.
 *
 * Extraction and distillation spread over accounts of many tenants: the evidence is pooled over those who share a network or
 * a program. docs/detectors/account-crowd.md has the science, the bound and what it can't see.
 */
import type { Event } from '../../../core/event.ts'
import { accountAndModel } from '../account.ts'
import type { BehaviorDetector, Shuffled } from '../types.ts'
import { TellStep } from './local.ts'
import { CrowdParams } from './params.ts'
import { PoolStep } from './pool-step.ts'

export const accountCrowd: BehaviorDetector<CrowdParams> = {
  type: 'account-crowd',
  params: CrowdParams,
  needs: () => [
    'warden.model.id',
    'source.ip',
    'user_agent.original',
    'warden.input.features',
    'warden.input.embedding',
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.input_tokens',
  ],
  create: (params) => ({ read, local: new TellStep(params), grouped: new PoolStep(params) }),
}

function read(event: Event): Shuffled | undefined {
  const model = event.warden.model?.id
  const address = event.source?.ip
  if (model === undefined || model === '' || address === undefined || address === '') return undefined
  return { group: accountAndModel(event, model), observation: event }
}
