/**
 * Who and what an event is about: the entities that findings name and incidents are joined by.
 */
import type { Event } from '../../core/event.ts'
import { limits } from '../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../core/signal.ts'

/** An observation with the entities and the evidence that it brings. */
export interface WithContext<T> {
  readonly of: T
  readonly entities: readonly Entity[]
  readonly evidence: readonly EvidenceRef[]
}

type EntityType = Entity['type']

/** What was read of the last event: several rules ask the same of it, one after the other. An event is not changed. */
const last: {
  event: Event | undefined
  timeMs: number | undefined
  /** What the event before of the same principal named: mostly this one names the same. */
  known: readonly Entity[]
  entities: readonly Entity[] | undefined
  evidence: EvidenceRef | undefined
} = { event: undefined, timeMs: undefined, known: [], entities: undefined, evidence: undefined }

const none: readonly Entity[] = []

function readOf(event: Event): typeof last {
  if (last.event === event) return last
  last.event = event
  last.timeMs = last.entities = last.evidence = undefined
  last.known = none
  return last
}

/** Event time, in ms since 1970. */
export function timeOf(event: Event): number {
  return (readOf(event).timeMs ??= Date.parse(event['@timestamp']))
}

/**
 * Who has read an event's time tells it to whoever asks next. `known`: what the event before of the same principal named; where
 * this one names just these it is that very list, which shows at a glance that it is the same.
 */
export function timeIsRead(event: Event, timeMs: number, known: readonly Entity[] = none): void {
  const read = readOf(event)
  read.timeMs = timeMs
  read.known = known
}

/** The entities an event names, at most one of each type, in the order in which findings list them. */
export function entitiesOf(event: Event): readonly Entity[] {
  const read = readOf(event)
  return (read.entities ??= namesJust(event, read.known) ? read.known : readEntities(event))
}

/** Written out, like what follows: this runs for nearly every event. */
function namesJust(event: Event, known: readonly Entity[]): boolean {
  const { warden, user, source, cloud } = event
  let at = passes(known, 0, 'principal', warden.principal)
  at = passes(known, at, 'user', user?.id ?? user?.name)
  at = passes(known, at, 'credential', warden.credential?.id)
  at = passes(known, at, 'session', warden.session?.id)
  at = passes(known, at, 'address', source?.ip ?? source?.address)
  at = passes(known, at, 'asset', warden.asset?.id)
  at = passes(known, at, 'model', warden.model?.id)
  at = passes(known, at, 'account', cloud?.account?.id)
  return at === known.length
}

/** The place behind this entity, where it is the one that is known there; -1: another one is, there or before. */
function passes(known: readonly Entity[], at: number, type: EntityType, id: unknown): number {
  if (typeof id !== 'string' || id === '') return at
  if (at < 0 || at >= known.length) return -1
  const entity = known[at]!
  return entity.type === type && entity.id === bounded(id) ? at + 1 : -1
}

function readEntities(event: Event): Entity[] {
  const { warden, user, source, cloud } = event
  const found: Entity[] = []
  add(found, 'principal', warden.principal)
  add(found, 'user', user?.id ?? user?.name)
  add(found, 'credential', warden.credential?.id)
  add(found, 'session', warden.session?.id)
  add(found, 'address', source?.ip ?? source?.address)
  add(found, 'asset', warden.asset?.id)
  add(found, 'model', warden.model?.id)
  add(found, 'account', cloud?.account?.id)
  return found
}

function add(found: Entity[], type: EntityType, id: unknown): void {
  if (typeof id === 'string' && id !== '') found.push({ type, id: bounded(id) })
}

function bounded(id: string): string {
  return id.length > limits.entityIdCharsMax ? id.slice(0, limits.entityIdCharsMax) : id
}

export function evidenceOf(event: Event): EvidenceRef {
  return (readOf(event).evidence ??= readEvidence(event))
}

function readEvidence(event: Event): EvidenceRef {
  const { topic, partition, offset, index } = event.warden.position
  return {
    id: event.event.id,
    timestamp: event['@timestamp'],
    hash: event.event.hash,
    position: { topic, partition, offset, index },
  }
}

/** Entities of each type kept in one finding. */
export const entitiesPerTypeMax = 8

/**
 * Adds to a bounded list of entities, sorted by type and id. Which ones stay when there are too many depends on their
 * names alone, never on the order in which they came.
 */
export function mergeEntities(kept: readonly Entity[], more: readonly Entity[]): Entity[] {
  const byType = new Map<EntityType, Set<string>>()
  for (const { type, id } of [...kept, ...more]) {
    const ids = byType.get(type) ?? new Set()
    byType.set(type, ids.add(id))
  }
  const types = [...byType.keys()].sort()
  return types.flatMap((type) => {
    const ids = [...byType.get(type)!].sort().slice(0, entitiesPerTypeMax)
    return ids.map((id) => ({ type, id }))
  })
}

/** Adds to a bounded list of evidence in event-time order; the earliest stay. Commutative. */
export function mergeEvidence(kept: readonly EvidenceRef[], more: readonly EvidenceRef[], max: number): EvidenceRef[] {
  const byId = new Map<string, EvidenceRef>()
  for (const ref of [...kept, ...more]) byId.set(ref.id, ref)
  return [...byId.values()].sort(inEventTime).slice(0, max)
}

function inEventTime(a: EvidenceRef, b: EvidenceRef): number {
  return a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
