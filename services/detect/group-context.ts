/**
 * What a correlation's group remembers of its events beside the operator's state: which entities each named, and what it
 * exposed. So that a finding names exactly those of its own window.
 *
 * JSON, compact: entities are spelled once for the group, events refer to them by number. Bounded: past `eventsMax` the
 * oldest events are forgotten.
 */
import type { Entity, Exposure } from '../../core/signal.ts'
import { mergeEntities } from '../../engine/behavior/entities.ts'
import type { ObservationContext } from './observations.ts'

/** Event time, bytes, queries, and numbers of entities. */
type Noted = readonly [timestampMs: number, bytes: number, queries: number, ...entities: number[]]

export interface GroupContext {
  /** Entities by number. */
  readonly names: Entity[]
  /** By event id. */
  readonly of: Record<string, Noted>
  count: number
}

const eventsMax = 2_000
const namesMax = 1_000

export function newContext(): GroupContext {
  return { names: [], of: {}, count: 0 }
}

export function note(context: GroupContext, eventId: string, timestampMs: number, what: ObservationContext): void {
  if (Object.hasOwn(context.of, eventId)) return
  const numbers: number[] = []
  for (const entity of what.entities) {
    let number = context.names.findIndex(({ type, id }) => type === entity.type && id === entity.id)
    if (number < 0 && context.names.length < namesMax) number = context.names.push(entity) - 1
    if (number >= 0) numbers.push(number)
  }
  context.of[eventId] = [timestampMs, what.bytes ?? 0, what.queries ?? 0, ...numbers]
  context.count++
  if (context.count > eventsMax) forgetOldest(context)
}

/** A tenth goes at once, so that a busy group does not pay for each event. */
function forgetOldest(context: GroupContext): void {
  const ids = Object.entries(context.of).sort(([a, [x]], [b, [y]]) => x - y || (a < b ? -1 : 1))
  for (const [id] of ids.slice(0, eventsMax / 10)) Reflect.deleteProperty(context.of, id)
  context.count = Object.keys(context.of).length
}

/** What the events from `fromMs` to `toMs` named and exposed. */
export function between(
  context: GroupContext,
  fromMs: number,
  toMs: number,
): { readonly entities: readonly Entity[]; readonly exposure: Exposure | undefined } {
  const named = new Set<number>()
  let [bytes, queries] = [0, 0]
  for (const [timestampMs, itsBytes, itsQueries, ...numbers] of Object.values(context.of)) {
    if (timestampMs < fromMs || timestampMs > toMs) continue
    bytes += itsBytes
    queries += itsQueries
    for (const number of numbers) named.add(number)
  }
  const entities = mergeEntities([], [...named].map((number) => context.names[number]!))
  const exposure = { ...(bytes > 0 ? { bytes } : {}), ...(queries > 0 ? { queries } : {}) }
  return { entities, exposure: Object.keys(exposure).length === 0 ? undefined : exposure }
}
