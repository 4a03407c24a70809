/**
 * What of an event a correlation needs: its group, the values it counts, the reference to the evidence.
 *
 * An event that lacks one of the fields that a correlation groups by, or the field whose values it counts, is none of the
 * correlation's: what is absent is not a group. A field with several values puts the event into several groups.
 */
import type { Event } from '../../core/event.ts'
import { limits } from '../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../core/signal.ts'
import { evidenceOf } from '../../engine/behavior/entities.ts'
import { compilePath } from '../../engine/sigma/field-path.ts'
import { readTexts } from '../../engine/sigma/fields.ts'
import type { Observation, RuleMeta, SigmaCorrelation } from '../../engine/sigma/types.ts'
import { exposureOf } from './describe.ts'
import { isSame } from './group-context.ts'
import type { ObservationContext } from './observations.ts'
import { entitiesFor } from './signals.ts'

/** Groups that one event may belong to, and values that it may bring. */
const groupsMax = 16
const valuesMax = 64

export interface ObservedEvent {
  readonly values: readonly string[]
  readonly observation: Observation
}

/**
 * Lists of entities as the last events of each principal had them: mostly the next event names the same, and whoever keeps
 * them then sees at a glance that they are. A cache: what comes out is equal with and without it.
 */
export class EntityCache {
  readonly #last = new Map<string, readonly Entity[]>()

  same(principal: string, entities: readonly Entity[]): readonly Entity[] {
    const last = this.#last.get(principal)
    if (last !== undefined && isSame(last, entities)) return last
    if (this.#last.size >= cachedMax) this.#last.clear()
    this.#last.set(principal, entities)
    return entities
  }
}

const cachedMax = 10_000

/** An event under observation: what several correlations ask of it is made once. */
export class ReadEvent {
  readonly event: Event
  readonly timeMs: number
  readonly #cache: EntityCache
  #evidence: EvidenceRef | undefined
  #context: ObservationContext | undefined

  constructor(event: Event, timeMs: number, cache: EntityCache) {
    this.#cache = cache
    this.event = event
    this.timeMs = timeMs
  }

  get evidence(): EvidenceRef {
    return (this.#evidence ??= evidenceOf(this.event))
  }

  context(meta: RuleMeta): ObservationContext {
    if (meta.warden.entities.length > 0) return contextOf(this.event, meta)
    return (this.#context ??= this.#cached(contextOf(this.event, meta)))
  }

  #cached(context: ObservationContext): ObservationContext {
    return { ...context, entities: this.#cache.same(this.event.warden.principal, context.entities) }
  }
}

/** Reads one correlation's fields from the events of one of its bases. */
export type EventObserver = (read: ReadEvent) => readonly ObservedEvent[]

export function eventObserver(rule: SigmaCorrelation, base: number): EventObserver {
  const { groupFields, valueFields } = rule.base[base]!
  const groups = groupFields.map(compilePath)
  const counted = valueFields.map(compilePath)
  return ({ event, timeMs, evidence }) => {
    let combined: readonly (readonly string[])[] = [[]]
    for (const get of groups) {
      const texts = textsOf(get, event, groupsMax)
      if (texts.length === 0) return []
      if (texts.length === 1 && combined.length === 1) (combined[0] as string[]).push(texts[0]!)
      else combined = combined.flatMap((before) => texts.map((text) => [...before, text])).slice(0, groupsMax)
    }
    const read = counted.map((get) => textsOf(get, event, valuesMax))
    if (read.some((texts) => texts.length === 0)) return []
    const values = read.length <= 1 ? (read[0] ?? []) : [JSON.stringify(read.map((texts) => texts[0]))]
    const observation: Observation = { eventId: event.event.id, timestampMs: timeMs, base, values, evidence }
    return combined.map((group) => ({ values: group, observation }))
  }
}

function contextOf(event: Event, meta: RuleMeta): ObservationContext {
  const exposure = exposureOf(event)
  return {
    entities: entitiesFor(event, meta),
    ...(exposure?.bytes === undefined ? {} : { bytes: exposure.bytes }),
    ...(exposure?.queries === undefined ? {} : { queries: exposure.queries }),
  }
}

/** The different texts of a field, bounded in number and length. Most fields hold one short text. */
function textsOf(get: ReturnType<typeof compilePath>, event: Event, max: number): readonly string[] {
  const value = get(event)
  if (typeof value === 'string') return [bounded(value)]
  return unique(readTexts(get, event)).slice(0, max).map(bounded)
}

function bounded(text: string): string {
  return text.length > limits.entityIdCharsMax ? text.slice(0, limits.entityIdCharsMax) : text
}

function unique(texts: readonly string[]): readonly string[] {
  return texts.length <= 1 ? texts : [...new Set(texts)]
}
