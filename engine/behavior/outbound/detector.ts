/**
 * `outbound-transfer`: artifacts gathered, then sent to a place that nobody else uses; at once or a little a day.
 *
 * A fixed limit on single connections sees neither a transfer cut small nor a push to somebody's own remote, and shouts at
 * every video meeting. Here the amount is judged against what this tenant's people usually send, the place by who else
 * uses it, and both by what the sender had read before.
 */
import { entitiesOf, evidenceOf } from '../entities.ts'
import type { BehaviorDetector } from '../types.ts'
import { OutboundParams } from './params.ts'
import { movedOf } from './read.ts'
import { OutboundTransfers } from './transfers.ts'

export const outboundTransfer: BehaviorDetector<OutboundParams> = {
  type: 'outbound-transfer',
  params: OutboundParams,
  needs: (params) => ['warden.bytes', 'warden.asset.id', 'event.category', 'http.request.range', ...params.coveredBy],
  create: (params) => ({
    read: (event, context) => {
      const of = movedOf(event, context, params)
      if (of === undefined) return undefined
      return {
        group: [event.organization.id],
        observation: {
          of,
          entities: of.channel === 'in' ? [] : entitiesOf(event),
          evidence: of.channel === 'in' ? [] : [evidenceOf(event)],
        },
      }
    },
    grouped: new OutboundTransfers(params),
  }),
}
