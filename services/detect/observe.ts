/**
 * What of an event a correlation needs: its group, the values it counts, the reference to the evidence.
 *
 * An event that lacks one of the fields that a correlation groups by, or the field whose values it counts, is none of the
 * correlation's: what is absent is not a group. A field with several values puts the event into several groups.
 */
import type { Event } from '../../core/event.ts'
import { limits } from '../../core/limits.ts'
import { evidenceOf } from '../../engine/behavior/entities.ts'
import { compilePath, readTexts } from '../../engine/sigma/fields.ts'
import type { Observation, RuleMeta, SigmaCorrelation } from '../../engine/sigma/types.ts'
import { exposureOf } from './describe.ts'
import type { ObservationContext } from './observations.ts'
import { entitiesFor } from './signals.ts'

/** Groups that one event may belong to, and values that it may bring. */
const groupsMax = 16
const valuesMax = 64

export interface ObservedEvent {
  readonly values: readonly string[]
  readonly observation: Observation
}

/** Reads one correlation's fields from the events of one of its bases. */
export type EventObserver = (event: Event, timeMs: number) => readonly ObservedEvent[]

export function eventObserver(rule: SigmaCorrelation, base: number): EventObserver {
  const { groupFields, valueFields } = rule.base[base]!
  const groups = groupFields.map(compilePath)
  const counted = valueFields.map(compilePath)
  return (event, timeMs) => {
    let combined: readonly (readonly string[])[] = [[]]
    for (const get of groups) {
      const texts = unique(readTexts(get, event)).slice(0, groupsMax)
      combined = combined.flatMap((before) => texts.map((text) => [...before, text])).slice(0, groupsMax)
    }
    if (combined.length === 0) return []
    const read = counted.map((get) => unique(readTexts(get, event)).slice(0, valuesMax))
    if (read.some((texts) => texts.length === 0)) return []
    const values = read.length <= 1 ? (read[0] ?? []) : [JSON.stringify(read.map((texts) => texts[0]))]
    const observation: Observation = {
      eventId: event.event.id,
      timestampMs: timeMs,
      base,
      values: values.map((value) => value.slice(0, limits.entityIdCharsMax)),
      evidence: evidenceOf(event),
    }
    return combined.map((group) => ({
      values: group.map((value) => value.slice(0, limits.entityIdCharsMax)),
      observation,
    }))
  }
}

export function observationContext(event: Event, meta: RuleMeta): ObservationContext {
  const exposure = exposureOf(event)
  return {
    entities: entitiesFor(event, meta),
    ...(exposure?.bytes === undefined ? {} : { bytes: exposure.bytes }),
    ...(exposure?.queries === undefined ? {} : { queries: exposure.queries }),
  }
}

function unique(texts: readonly string[]): readonly string[] {
  return texts.length <= 1 ? texts : [...new Set(texts)]
}
