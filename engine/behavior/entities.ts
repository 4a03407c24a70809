/**
 * Who and what an event is about: the entities that findings name and incidents are joined by.
 */
import type { Event } from '../../core/event.ts'
import { limits } from '../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../core/signal.ts'

type EntityType = Entity['type']

/** The entities an event names, at most one of each type. */
export function entitiesOf(event: Event): Entity[] {
  const { warden } = event
  const found: Entity[] = []
  const add = (type: EntityType, id: unknown): void => {
    if (typeof id !== 'string' || id === '') return
    found.push({ type, id: id.slice(0, limits.entityIdCharsMax) })
  }
  add('principal', warden.principal)
  add('user', event.user?.id ?? event.user?.name)
  add('credential', warden.credential?.id)
  add('session', warden.session?.id)
  add('address', event.source?.ip ?? event.source?.address)
  add('asset', warden.asset?.id)
  add('model', warden.model?.id)
  add('account', event.cloud?.account?.id)
  return found
}

export function evidenceOf(event: Event): EvidenceRef {
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
