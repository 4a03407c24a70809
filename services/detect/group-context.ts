/**
 * What a correlation's group remembers of its events beside the operator's state: which entities each named, and what it
 * exposed. So that a finding names exactly those of its own window.
 *
 * JSON, compact: most events of a group name the same entities, so each set of entities is spelled once, with the stretches
 * of time in which events named it. Bounded: past `eventsMax` the oldest events' exposure is forgotten; who was named when
 * is not.
 */
import type { Entity, Exposure } from '../../core/signal.ts'
import { sameEntities, mergeEntities } from '../../engine/behavior/entities.ts'
import type { ObservationContext } from './observations.ts'

export interface GroupContext {
  /** The different sets of entities that events have named, and when: see Named. */
  readonly sets: Named[]
  /** Three numbers for each event, in the order of arrival: event time, bytes, queries. */
  exposed: number[]
}

interface Named {
  readonly entities: readonly Entity[]
  /** Stretches of event time, first and last instant in turn, in order; no gap between two is `gapMs` or less. */
  spans: number[]
}

const eventsMax = 1_024
const setsMax = 256
/** Sets looked through, from the last one back, before an event is given a set of its own. */
const lookBack = 16
/** Events that name the same this close together are one stretch. */
const gapMs = 60_000
/** Stretches of one set; beyond, the two closest become one. */
const spansMax = 64

export function newContext(): GroupContext {
  return { sets: [], exposed: [] }
}

/** Takes an event in. Returns the first place of `exposed` that has changed. */
export function note(context: GroupContext, timestampMs: number, what: ObservationContext): number {
  stretch(setOf(context, what.entities), timestampMs)
  const { exposed } = context
  const at = exposed.push(timestampMs, what.bytes ?? 0, what.queries ?? 0) - 3
  if (at < 3 * eventsMax) return at
  forgetOldest(context)
  return 0
}

/** Whether each event that is remembered was one query. */
export function allQueries({ exposed }: GroupContext): boolean {
  for (let at = 2; at < exposed.length; at += 3) if (exposed[at] !== 1) return false
  return true
}

function setOf({ sets }: GroupContext, entities: readonly Entity[]): Named {
  for (let number = sets.length - 1; number >= Math.max(0, sets.length - lookBack); number--) {
    if (sameEntities(sets[number]!.entities, entities)) return sets[number]!
  }
  // Past the limit an event's entities are not told apart from the last set's.
  if (sets.length >= setsMax) return sets[sets.length - 1]!
  const named: Named = { entities, spans: [] }
  sets.push(named)
  return named
}

/** Adds an instant. What comes of it does not depend on the order in which instants are added, up to `spansMax`. */
function stretch(named: Named, t: number): void {
  const { spans } = named
  const end = spans.length - 1
  // Mostly it continues the last one.
  if (end > 0 && t >= spans[end - 1]! && t - spans[end]! <= gapMs) {
    if (t > spans[end]!) spans[end] = t
    return
  }
  const merged: number[] = []
  let [from, to] = [t, t]
  for (let at = 0; at < spans.length; at += 2) {
    const [first, last] = [spans[at]!, spans[at + 1]!]
    if (last + gapMs < from) merged.push(first, last)
    else if (first - gapMs > to) {
      merged.push(from, to)
      ;[from, to] = [first, last]
    } else [from, to] = [Math.min(from, first), Math.max(to, last)]
  }
  merged.push(from, to)
  if (merged.length > 2 * spansMax) joinClosest(merged)
  named.spans = merged
}

function joinClosest(spans: number[]): void {
  let closest = 1
  for (let at = 1; at + 1 < spans.length; at += 2) {
    if (spans[at + 1]! - spans[at]! < spans[closest + 1]! - spans[closest]!) closest = at
  }
  spans.splice(closest, 2)
}

/** An eighth goes at once, so that a busy group does not pay for each event. */
function forgetOldest(context: GroupContext): void {
  const { exposed } = context
  const times = exposed.filter((_, at) => at % 3 === 0)
  const oldest = times.sort((a, b) => a - b)[eventsMax >> 3]!
  context.exposed = exposed.filter((_, at) => exposed[at - (at % 3)]! > oldest)
}

/** What the events from `fromMs` to `toMs` named and exposed. */
export function between(
  context: GroupContext,
  fromMs: number,
  toMs: number,
): { readonly entities: readonly Entity[]; readonly exposure: Exposure | undefined } {
  let [bytes, queries] = [0, 0]
  const { exposed } = context
  for (let at = 0; at < exposed.length; at += 3) {
    if (exposed[at]! < fromMs || exposed[at]! > toMs) continue
    bytes += exposed[at + 1]!
    queries += exposed[at + 2]!
  }
  const entities = mergeEntities(
    [],
    context.sets.filter(({ spans }) => overlaps(spans, fromMs, toMs)).flatMap((named) => named.entities),
  )
  const exposure = { ...(bytes > 0 ? { bytes } : {}), ...(queries > 0 ? { queries } : {}) }
  return { entities, exposure: Object.keys(exposure).length === 0 ? undefined : exposure }
}

function overlaps(spans: readonly number[], fromMs: number, toMs: number): boolean {
  for (let at = 0; at < spans.length; at += 2) if (spans[at]! <= toMs && spans[at + 1]! >= fromMs) return true
  return false
}
