/**
 * `canary-seen`: texts of our own canaries where they have no business: asked of our models, given as an answer, or among the
 * records of a training set.
 *
 * Nobody but us should have them: whoever sends one has read the sealed plan or what was taught, or asks a copy's
 * questions. Texts don't travel; what is compared are digests of whole texts, as gateways log them, with those that
 * `modelwarden canary register` has put into the inventory.
 */
import { z } from 'zod'
import type { Event } from '../../../core/event.ts'
import { accountOf } from '../account.ts'
import { entitiesOf, evidenceOf } from '../entities.ts'
import type { BehaviorDetector, EventContext } from '../types.ts'
import { CanarySeenStep, type Sighting } from './step.ts'

const CanarySeenParams = z.strictObject({ type: z.literal('canary-seen') })

export const canarySeen: BehaviorDetector<z.output<typeof CanarySeenParams>> = {
  type: 'canary-seen',
  params: CanarySeenParams,
  needs: () => ['warden.input.hash', 'warden.output.hash'],
  create: () => ({
    read: (event, context) => {
      const observation = sightingIn(event, context)
      return observation === undefined ? undefined : { group: accountOf(event), observation }
    },
    local: new CanarySeenStep(),
  }),
}

function sightingIn(event: Event, { inventory }: EventContext): Sighting | undefined {
  if (inventory.canaryTexts.size === 0) return undefined
  const { input, output } = event.warden
  const asked = textOf(input?.hash, inventory)
  const text = asked ?? textOf(output?.['hash'], inventory)
  if (text === undefined) return undefined
  const where = asked === undefined ? 'answered' : event.event.action === 'dataset.add' ? 'taken in' : 'asked'
  const { canary, part } = text
  const [entities, evidence] = [entitiesOf(event), evidenceOf(event)]
  return { timeMs: Date.parse(event['@timestamp']), canary, part, where, entities, evidence }
}

function textOf(hash: unknown, { canaryTexts }: EventContext['inventory']) {
  return typeof hash === 'string' ? canaryTexts.get(hash.replace(/^sha256:/i, '').toLowerCase()) : undefined
}
