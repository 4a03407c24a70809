/**
 * `volume-baseline`: who reads far more model artifacts than they and their peers usually do.
 *
 * An insider's theft drowns in a plain threshold and in a plain z-score: heavy readers (backup, training, release) are
 * always above the one, and heavy tails always cross the other. So both lines must be crossed, the principal's own and its
 * peers', each by robust statistics, and nobody is judged before enough is known of them.
 */
import type { Event } from '../../../core/event.ts'
import { entitiesOf, evidenceOf, type WithContext } from '../entities.ts'
import { fieldAt } from '../fields.ts'
import { roleOf } from '../roles.ts'
import { bytesAsked } from '../share/ranges.ts'
import { isStoreCopy, staysAtHome } from '../store-copy.ts'
import type { BehaviorDetector, EventContext, Shuffled } from '../types.ts'
import { VolumeParams, type VolumeRead } from './params.ts'
import { VolumePeers } from './peers.ts'
import { VolumeTotals } from './totals.ts'

export const volumeBaseline: BehaviorDetector<VolumeParams> = {
  type: 'volume-baseline',
  params: VolumeParams,
  needs: ({ coveredBy }) => [
    'warden.bytes',
    'warden.asset.id',
    'warden.asset.kind',
    'http.request.range',
    'user.roles',
    ...coveredBy,
  ],
  create: (params) => ({
    read: (event, context) => readOf(event, context, params),
    local: new VolumeTotals(params),
    grouped: new VolumePeers(params),
  }),
}

function readOf(event: Event, context: EventContext, { coveredBy, workedOn, freshMin }: VolumeParams): Shuffled {
  const { bytes, asset, principal } = event.warden
  const range = freshMin > 0 ? fieldAt(event, 'http.request.range') : undefined
  const sent = bytes !== undefined && Number.isFinite(bytes) && bytes > 0 ? bytes : 0
  const of: VolumeRead = {
    timeMs: Date.parse(event['@timestamp']),
    bytes: Math.max(sent, copiedBytes(event, context)),
    covered: coveredBy.some((path) => isPresent(event, path)) || staysAtHome(event, context),
    worked: asset?.kind !== undefined && workedOn.includes(asset.kind),
    // Another part of an object is as new as another object.
    asset: asset !== undefined && typeof range === 'string' ? `${asset.id} ${range}` : asset?.id,
    ...(freshMin > 0 && asset !== undefined && { folder: asset.id.slice(0, Math.max(0, asset.id.lastIndexOf('/'))) }),
    tenant: event.organization.id,
    role: roleOf(event, context),
    sinceMs: context.knownSinceMs,
  }
  const observation: WithContext<VolumeRead> = { of, entities: entitiesOf(event), evidence: [evidenceOf(event)] }
  return { group: [principal], observation }
}

/**
 * What the store itself copies counts as it is registered, and a part of it by its range; not without that, since many
 * parts make one object.
 */
function copiedBytes(event: Event, { inventory }: EventContext): number {
  if (!isStoreCopy(event)) return 0
  const range = fieldAt(event, 'http.request.range')
  if (range === undefined && event.event.action === 'UploadPartCopy') return 0
  return bytesAsked(range, inventory.artifacts.get(event.warden.asset!.id)?.bytes ?? 0)
}

function isPresent(event: Event, path: string): boolean {
  let value: unknown = event
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return false
    value = (value as Record<string, unknown>)[step]
  }
  return value !== undefined && value !== null && value !== ''
}
