/**
 * What a correlation's group remembers of its events beside the operator's state: which entities each named, and what it
 * exposed. So that a finding names exactly those of its own window.
 *
 * JSON, compact: most events of a group name the same entities, so each set of entities is spelled once and events refer to
 * it by number. Bounded: past `eventsMax` the oldest events are forgotten.
 */
import type { Entity, Exposure } from '../../core/signal.ts'
import { mergeEntities } from '../../engine/behavior/entities.ts'
import type { ObservationContext } from './observations.ts'

export interface GroupContext {
  /** The different sets of entities that events have named. */
  readonly sets: (readonly Entity[])[]
  /** One number for each event: event time, set, bytes, queries. */
  times: number[]
  which: number[]
  bytes: number[]
  queries: number[]
}

const eventsMax = 1_024
const setsMax = 256
/** Sets looked through, from the last one back, before an event is given a set of its own. */
const lookBack = 16

export function newContext(): GroupContext {
  return { sets: [], times: [], which: [], bytes: [], queries: [] }
}

export function note(context: GroupContext, timestampMs: number, what: ObservationContext): void {
  context.times.push(timestampMs)
  context.which.push(setOf(context, what.entities))
  context.bytes.push(what.bytes ?? 0)
  context.queries.push(what.queries ?? 0)
  if (context.times.length > eventsMax) forgetOldest(context)
}

function setOf({ sets }: GroupContext, entities: readonly Entity[]): number {
  for (let number = sets.length - 1; number >= Math.max(0, sets.length - lookBack); number--) {
    if (isSame(sets[number]!, entities)) return number
  }
  // Past the limit an event's entities are not told apart from the last set's.
  return sets.length < setsMax ? sets.push(entities) - 1 : sets.length - 1
}

/** Whether two lists name the same entities in the same order. */
export function isSame(a: readonly Entity[], b: readonly Entity[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at]!.id !== b[at]!.id || a[at]!.type !== b[at]!.type) return false
  return true
}

/** An eighth goes at once, so that a busy group does not pay for each event; sets that nobody refers to go with them. */
function forgetOldest(context: GroupContext): void {
  const oldest = [...context.times].sort((a, b) => a - b)[eventsMax >> 3]!
  const kept = [...context.times.keys()].filter((at) => context.times[at]! > oldest)
  const number = new Map<number, number>()
  for (const at of kept) if (!number.has(context.which[at]!)) number.set(context.which[at]!, number.size)
  const sets = [...number.keys()].map((old) => context.sets[old]!)
  context.which = kept.map((at) => number.get(context.which[at]!)!)
  context.times = kept.map((at) => context.times[at]!)
  context.bytes = kept.map((at) => context.bytes[at]!)
  context.queries = kept.map((at) => context.queries[at]!)
  context.sets.splice(0, context.sets.length, ...sets)
}

/** What the events from `fromMs` to `toMs` named and exposed. */
export function between(
  context: GroupContext,
  fromMs: number,
  toMs: number,
): { readonly entities: readonly Entity[]; readonly exposure: Exposure | undefined } {
  const named = new Set<number>()
  let [bytes, queries] = [0, 0]
  for (let at = 0; at < context.times.length; at++) {
    if (context.times[at]! < fromMs || context.times[at]! > toMs) continue
    bytes += context.bytes[at]!
    queries += context.queries[at]!
    named.add(context.which[at]!)
  }
  const entities = mergeEntities(
    [],
    [...named].flatMap((number) => context.sets[number]!),
  )
  const exposure = { ...(bytes > 0 ? { bytes } : {}), ...(queries > 0 ? { queries } : {}) }
  return { entities, exposure: Object.keys(exposure).length === 0 ? undefined : exposure }
}
