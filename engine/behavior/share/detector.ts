/**
 * `artifact-share`: who has read most of a model or a data set, whether at once, in ranges, or a little a day for weeks.
 *
 * Bytes say little without the whole that they belong to: 10 GB are a day's work on a corpus and all of a model. Parts of
 * objects (ranges, multipart copies) are added up; the whole is the registered size, or what anybody has been seen to read.
 */
import type { Event } from '../../../core/event.ts'
import { entitiesOf, evidenceOf, type WithContext } from '../entities.ts'
import { roleOf } from '../roles.ts'
import { fieldAt } from '../fields.ts'
import { InEventTime, type Instant } from '../in-event-time.ts'
import { isStoreCopy, staysAtHome } from '../store-copy.ts'
import type { BehaviorDetector, EventContext } from '../types.ts'
import { ShareParams, type ShareRead } from './params.ts'
import { ArtifactShares } from './shares.ts'

export const artifactShare: BehaviorDetector<ShareParams> = {
  type: 'artifact-share',
  params: ShareParams,
  needs: (params) => ['warden.bytes', 'warden.asset.id', 'http.request.range', 'user.roles', ...params.coveredBy],
  create: (params) => ({
    read: (event, context) => {
      const of = readOf(event, context, params)
      if (of === undefined) return undefined
      const observation = { of, entities: entitiesOf(event), evidence: [evidenceOf(event)] }
      return { group: [event.organization.id], observation }
    },
    grouped: new InEventTime(new ArtifactShares(params), instantOf),
  }),
}

/** What the others had read by then decides: in the order in which it happened. */
function instantOf(observation: unknown): Instant {
  const { of, evidence } = observation as WithContext<ShareRead>
  return { timeMs: of.timeMs, id: evidence[0]?.id ?? '' }
}

function readOf(
  event: Event,
  context: EventContext,
  { coveredBy, inTurn, workedOn }: ShareParams,
): ShareRead | undefined {
  const { asset, bytes, principal } = event.warden
  if (asset === undefined) return undefined
  const copied = isStoreCopy(event)
  const sent = bytes !== undefined && bytes > 0 ? bytes : 0
  if (sent === 0 && !copied) return undefined
  const kind = asset.kind
  // What lies in several registered places is one: half of it here and half there is all.
  const { artifacts, locations } = context.inventory
  const object = locations.homeOf(event.organization.id, asset.id)
  const registered = artifacts.get(object) ?? artifacts.get(asset.id)
  const range = fieldAt(event, 'http.request.range')
  return {
    timeMs: Date.parse(event['@timestamp']),
    principal,
    role: roleOf(event, context),
    sinceMs: context.knownSinceMs,
    artifact: registered?.release ?? folderOf(object),
    artifactBytes: registered?.releaseBytes,
    artifactFiles: registered?.releaseFiles,
    object,
    objectBytes: registered?.bytes,
    bytes: sent,
    range: typeof range === 'string' ? range : undefined,
    covered: coveredBy.some((path) => fieldAt(event, path) !== undefined) || staysAtHome(event, context),
    ...(copied ? { copied } : {}),
    inTurn: kind !== undefined && inTurn.includes(kind),
    worked: kind !== undefined && workedOn.includes(kind),
  }
}

/** `s3://weights/llm/shard-000.safetensors` -> `s3://weights/llm`. */
function folderOf(uri: string): string {
  const cut = uri.lastIndexOf('/')
  return (cut > 0 ? uri.slice(0, cut) : uri).slice(0, 400)
}
