/**
 * `credential-habits`: a key that several use, or that somebody else has taken over.
 */
import type { Event } from '../../../core/event.ts'
import { accountOf } from '../account.ts'
import { timeOf } from '../entities.ts'
import { agentFamily, networkOf } from '../network.ts'
import type { BehaviorDetector, Shuffled } from '../types.ts'
import { HabitsParams, type KeyUse } from './params.ts'
import { HabitsStep } from './step.ts'

export const credentialHabits: BehaviorDetector<HabitsParams> = {
  type: 'credential-habits',
  params: HabitsParams,
  needs: () => ['source.ip', 'source.geo.country_iso_code', 'user_agent.original', 'warden.credential.id'],
  create: (params) => ({ read, local: new HabitsStep(params) }),
}

function read(event: Event): Shuffled | undefined {
  const address = event.source?.ip
  if (address === undefined || address === '') return undefined
  const { principal, credential } = event.warden
  const observation: KeyUse = {
    timeMs: timeOf(event),
    credential: credential?.id ?? principal,
    network: networkOf(address),
    agent: agentFamily(event.user_agent?.original ?? ''),
    country: (event.source?.geo?.country_iso_code ?? '').slice(0, 2).toUpperCase(),
    event,
  }
  return { group: accountOf(event), observation }
}
