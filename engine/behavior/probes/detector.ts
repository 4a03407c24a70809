/**
 * `call-probes`: what models should not tell, drawn out of them by how they are asked. Four looks at each call (looks.ts),
 * none of which needs its text. docs/detectors/call-probes.md has the bounds and what it can't see.
 */
import { accountAndModel } from '../account.ts'
import type { BehaviorDetector } from '../types.ts'
import { readCall } from './call.ts'
import { ProbesParams } from './params.ts'
import { ProbesStep } from './step.ts'

export const callProbes: BehaviorDetector<ProbesParams> = {
  type: 'call-probes',
  params: ProbesParams,
  needs: () => [
    'warden.model.id',
    'warden.input.hash',
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.output_tokens',
    'gen_ai.request.max_tokens',
    'warden.latency_ms',
  ],
  create: (params) => ({
    read: (event) => {
      const call = readCall(event)
      return call === undefined ? undefined : { group: accountAndModel(event, call.model), observation: call }
    },
    local: new ProbesStep(params),
  }),
}
