/**
 * What of an event a correlation needs: its group, the values it counts, the reference to the evidence.
 *
 * An event that lacks one of the fields that a correlation groups by, or the field whose values it counts, is none of the
 * correlation's: what is absent is not a group. A field with several values puts the event into several groups.
 */
import type { Event } from '../../core/event.ts'
import { limits } from '../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../core/signal.ts'
import { entitiesOf, evidenceOf } from '../../engine/behavior/entities.ts'
import { compilePath } from '../../engine/sigma/field-path.ts'
import { readTexts } from '../../engine/sigma/fields.ts'
import type { Observation, RuleMeta, SigmaCorrelation } from '../../engine/sigma/types.ts'
import { bytesExposed, queriesExposed } from './describe.ts'
import type { Familiar } from './familiar.ts'
import type { ObservationContext } from './observed.ts'
import { entitiesFor } from './signals.ts'

/** Groups that one event may belong to, and values that it may bring. */
const groupsMax = 16
const valuesMax = 64

export interface ObservedEvent {
  readonly values: readonly string[]
  readonly observation: Observation
}

/** An event under observation: what several correlations ask of it is made once. */
export class ReadEvent {
  readonly event: Event
  readonly timeMs: number
  readonly familiar: Familiar
  #evidence: EvidenceRef | undefined
  #context: ObservationContext | undefined

  constructor(event: Event, timeMs: number, familiar: Familiar) {
    this.familiar = familiar
    this.event = event
    this.timeMs = timeMs
  }

  get evidence(): EvidenceRef {
    return (this.#evidence ??= evidenceOf(this.event))
  }

  context(meta: RuleMeta): ObservationContext {
    if (meta.warden.entities.length > 0) return contextOf(this.event, entitiesFor(this.event, meta))
    return (this.#context ??= contextOf(this.event, entitiesOf(this.event)))
  }
}

/** Reads one correlation's fields from the events of one of its bases. */
export type EventObserver = (read: ReadEvent) => readonly ObservedEvent[]

export function eventObserver(rule: SigmaCorrelation, base: number): EventObserver {
  const { groupFields, valueFields } = rule.base[base]!
  const groups = groupFields.map(compilePath)
  const counted = valueFields.map(compilePath)
  return ({ event, timeMs, evidence }) => {
    const values = valuesOf(counted, event)
    if (values === undefined) return []
    const group = onlyGroup(groups, event)
    const observation: Observation = { eventId: event.event.id, timestampMs: timeMs, base, values, evidence }
    if (group !== undefined) return [{ values: group, observation }]
    return groupsOf(groups, event).map((one) => ({ values: one, observation }))
  }
}

type Getters = readonly ReturnType<typeof compilePath>[]

const noValues: readonly string[] = []

/** What the event brings to count; undefined: one of the fields is not there. */
function valuesOf(counted: Getters, event: Event): readonly string[] | undefined {
  const [only, second] = counted
  if (only === undefined) return noValues
  if (second === undefined) {
    const texts = textsOf(only, event, valuesMax)
    return texts.length === 0 ? undefined : texts
  }
  const read = counted.map((get) => textsOf(get, event, valuesMax))
  return read.some((texts) => texts.length === 0) ? undefined : [JSON.stringify(read.map((texts) => texts[0]))]
}

/** The event's group where each of its fields holds one text, as it mostly is; undefined where one does not. */
function onlyGroup(groups: Getters, event: Event): readonly string[] | undefined {
  // Made at its length: a list that grows takes room for many more.
  const values = groups.map((get) => get(event))
  return values.every((value) => typeof value === 'string') ? values.map(bounded) : undefined
}

/** A field with several values puts the event into several groups; without one it is in none. */
function groupsOf(groups: Getters, event: Event): readonly (readonly string[])[] {
  let combined: readonly (readonly string[])[] = [[]]
  for (const get of groups) {
    const texts = textsOf(get, event, groupsMax)
    combined = combined.flatMap((before) => texts.map((text) => [...before, text])).slice(0, groupsMax)
  }
  return combined
}

function contextOf(event: Event, entities: readonly Entity[]): ObservationContext {
  const bytes = bytesExposed(event)
  const queries = queriesExposed(event)
  if (bytes === undefined) return queries === undefined ? { entities } : { entities, queries }
  return queries === undefined ? { entities, bytes } : { entities, bytes, queries }
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
