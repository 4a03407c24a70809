/**
 * Which way an event moves bytes, and to which place: a host, an owner at a code host, a store.
 */
import type { Event } from '../../../core/event.ts'
import { sha256Hex } from '../../../core/ids.ts'
import { fieldAt } from '../fields.ts'
import { staysAtHome } from '../store-copy.ts'
import type { EventContext } from '../types.ts'
import type { Channel, Moved, OutboundParams } from './params.ts'

const placeCharsMax = 200
const artifactKinds: ReadonlySet<string> = new Set([
  'weights',
  'training-data',
  'model-package',
  'code',
  'training-metadata',
])
const pushVerb = /push/i

export function movedOf(
  event: Event,
  context: EventContext,
  { coveredBy, inPieces }: Pick<OutboundParams, 'coveredBy' | 'inPieces'>,
): Moved | undefined {
  if (event.event.outcome === 'failure') return undefined
  const { asset, bytes, principal } = event.warden
  const amount = bytes !== undefined && Number.isFinite(bytes) && bytes > 0 ? bytes : 0
  const way = wayOf(event, asset)
  if (way === undefined || (amount === 0 && way.channel !== 'copy')) return undefined
  return {
    timeMs: Date.parse(event['@timestamp']),
    principal,
    ...way,
    bytes: amount,
    covered: coveredBy.some((path) => fieldAt(event, path) !== undefined) || staysAtHome(event, context),
    ...(way.channel === 'in' && inPieces.includes(asset?.kind ?? '') ? { piece: pieceOf(event, asset!.id) } : {}),
  }
}

function wayOf(
  event: Event,
  asset: Event['warden']['asset'],
): { readonly channel: Channel; readonly place: string } | undefined {
  const destination = asset?.['destination']
  if (typeof destination === 'string' && destination !== '') return { channel: 'copy', place: storeOf(destination) }
  if (event.event.category?.includes('network') === true) {
    const host = textAt(event, 'destination.domain') ?? asset?.id ?? textAt(event, 'destination.ip')
    return host === undefined ? undefined : { channel: 'network', place: hostOf(host) }
  }
  if (asset === undefined) return undefined
  if (asset.kind === 'code' && pushVerb.test(event.event.action ?? ''))
    return { channel: 'code', place: ownerOf(asset.id) }
  return artifactKinds.has(asset.kind ?? '') ? { channel: 'in', place: '' } : undefined
}

/** Parts of one object are pieces, too. */
function pieceOf(event: Event, asset: string): string {
  return sha256Hex(`${asset} ${textAt(event, 'http.request.range') ?? ''}`).slice(0, 10)
}

function textAt(event: Event, path: string): string | undefined {
  const value = fieldAt(event, path)
  return typeof value === 'string' ? value : undefined
}

/** `https://host:443/path` -> `host`. */
function hostOf(text: string): string {
  return bounded(text.replace(/^[a-z0-9+.-]+:\/\//i, '').replace(/[/:].*$/s, '')).toLowerCase()
}

/** `s3://bucket/prefix/x` -> `s3://bucket`. */
function storeOf(text: string): string {
  return bounded(/^([a-z0-9+.-]+:\/\/[^/]*)/i.exec(text)?.[1] ?? text)
}

/** `git://host/owner/repository` -> `git://host/owner`; of two steps the first. */
function ownerOf(text: string): string {
  const steps = text.split('/')
  return bounded(steps.slice(0, Math.max(3, Math.min(4, steps.length - 1))).join('/'))
}

function bounded(text: string): string {
  return text.slice(0, placeCharsMax)
}
