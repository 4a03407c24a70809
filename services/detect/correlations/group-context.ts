/**
 * What a correlation's group remembers of its events beside the operator's state: which entities each named, and what it
 * exposed. So that a finding names exactly those of its own window.
 *
 * JSON, compact. Bounded: past `eventsMax` the oldest events' exposure is forgotten; who was named when is not
 * (named-entities.ts).
 */
import type { Entity, Exposure } from '../../../core/signal.ts'
import type { Named } from './named-entities.ts'
import { NamedTogether } from './named-together.ts'
import type { ObservationContext } from '../observed.ts'

export interface GroupContext {
  readonly named: NamedTogether
  /** Three numbers for each event, in the order of arrival: event time, bytes, queries. */
  exposed: number[]
}

/** What of a correlation decides how its groups remember. */
export interface Reach {
  readonly timespanMs: number
  /** Nothing that lies before is told of the group any more, from what this very event has changed on. */
  neededFromMs(): number
}

const eventsMax = 1_024
/** Stretches of event time in one timespan: who is named in one is told apart by the first and the last instant in it. */
const stretchesPerTimespan = 8
const stretchMsMin = 1_000

export function newContext(named: readonly Named[] = []): GroupContext {
  return { named: new NamedTogether(named), exposed: [] }
}

/** Takes an event in. Returns the first place of `exposed` that has changed. */
export function note(context: GroupContext, timestampMs: number, what: ObservationContext, reach: Reach): number {
  const lengthMs = Math.max(stretchMsMin, Math.ceil(reach.timespanMs / stretchesPerTimespan))
  context.named.note(what.entities, timestampMs, lengthMs, () => reach.neededFromMs())
  const { exposed } = context
  if (exposed.length === 0) {
    // Made at its length: most groups have one event, and a list that grows takes room for many.
    context.exposed = [timestampMs, what.bytes ?? 0, what.queries ?? 0]
    return 0
  }
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
  const exposure = { ...(bytes > 0 ? { bytes } : {}), ...(queries > 0 ? { queries } : {}) }
  return {
    entities: context.named.between(fromMs, toMs),
    exposure: Object.keys(exposure).length === 0 ? undefined : exposure,
  }
}
