/**
 * Who and what an event is about: the entities that findings name and incidents are joined by.
 */
import type { Event } from '../../core/event.ts'
import { limits } from '../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../core/signal.ts'

type EntityType = Entity['type']

/** Where an event names what, in the order in which findings list it. */
const named: readonly (readonly [type: EntityType, read: (event: Event) => unknown])[] = [
  ['principal', ({ warden }) => warden.principal],
  ['user', ({ user }) => user?.id ?? user?.name],
  ['credential', ({ warden }) => warden.credential?.id],
  ['session', ({ warden }) => warden.session?.id],
  ['address', ({ source }) => source?.ip ?? source?.address],
  ['asset', ({ warden }) => warden.asset?.id],
  ['model', ({ warden }) => warden.model?.id],
  ['account', ({ cloud }) => cloud?.account?.id],
]

/** What was read of the last event: several rules ask the same of it, one after the other. An event is not changed. */
const last: {
  event: Event | undefined
  timeMs: number | undefined
  entities: readonly Entity[] | undefined
  evidence: EvidenceRef | undefined
} = { event: undefined, timeMs: undefined, entities: undefined, evidence: undefined }

function readOf(event: Event): typeof last {
  if (last.event === event) return last
  last.event = event
  last.timeMs = last.entities = last.evidence = undefined
  return last
}

/** Event time, in ms since 1970. */
export function timeOf(event: Event): number {
  return (readOf(event).timeMs ??= Date.parse(event['@timestamp']))
}

/** The entities an event names, at most one of each type. */
export function entitiesOf(event: Event): readonly Entity[] {
  return (readOf(event).entities ??= readEntities(event))
}

function readEntities(event: Event): Entity[] {
  const found: Entity[] = []
  for (const [type, read] of named) {
    const id = read(event)
    if (typeof id === 'string' && id !== '') found.push({ type, id: bounded(id) })
  }
  return found
}

/** Whether an event names just these, in this order: told without making a list of its own. */
export function namesJust(event: Event, entities: readonly Entity[]): boolean {
  let at = 0
  for (const [type, read] of named) {
    const id = read(event)
    if (typeof id !== 'string' || id === '') continue
    const entity = entities[at++]
    if (entity?.type !== type || entity.id !== bounded(id)) return false
  }
  return at === entities.length
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
const entitiesPerTypeMax = 8

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
