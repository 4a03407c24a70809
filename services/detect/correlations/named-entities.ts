/**
 * Which entities the events of a group named, and when: a finding names those of its own window.
 *
 * Pure. Event time is cut into stretches of equal length. Of each type the eight least names of a stretch are kept,
 * with the first and the last instant in it at which events named them. So what is kept follows from the events alone,
 * not from the order in which they came, and of any window the eight least names are known, up to the stretches that
 * reach over its ends.
 *
 * Bounded: what no finding needs any more is forgotten whenever what is kept has doubled, and past `bytesMax` the oldest.
 */
import type { Entity } from '../../../core/signal.ts'
import { entitiesPerTypeMax, mergeEntities } from '../../../engine/behavior/entities.ts'
import { insert, isEqual, overlaps, widen } from './spans.ts'

/**
 * JSON. Entities that were named at the same times, as those of most callers are, stand together: their times stand
 * there once.
 */
export interface Named {
  readonly entities: readonly Entity[]
  /** First and last instant of each stretch in turn, in order. */
  readonly spans: readonly number[]
}

/** When events named an entity. */
interface Times {
  readonly entity: Entity
  /** As in Named. */
  spans: number[]
}

/** Of the JSON, about. A group's head must fit into one record of the log, whatever callers call their sessions. */
const bytesMax = 128 * 1024
/** What is left once there is more. */
const leftShare = 0.75
/** Up to here nothing is looked through. */
export const bytesSmall = 4 * 1024
export const spanBytes = 29
/** A name beside its id. */
const nameBytes = 60

export class NamedEntities {
  readonly #byType = new Map<Entity['type'], Map<string, Times>>()
  /**
   * By type and stretch of event time: of a type with more names than are kept of a stretch. Of others, as most are,
   * none is left out.
   */
  readonly #stretches = new Map<Entity['type'], Map<number, Times[]>>()
  /** Some type may have more names than are kept of a stretch. */
  #crowded = false
  #bytes = 0
  /** Past that many bytes it is looked what can be forgotten. */
  #roomAt = bytesSmall
  /** Most events name what the one before named, in the very same list. */
  #last: { readonly entities: readonly Entity[]; readonly times: readonly (Times | undefined)[] } | undefined
  /**
   * When events named these in a row: spans of stretches, one after the other, of which the first is the last of each
   * entity. They are put down there when they are asked for, or others are named. Empty: there is no such row.
   */
  #row: number[] = []
  /** Of the row's last stretch. */
  #rowNumber = NaN

  constructor(named: readonly Named[]) {
    for (const { entities, spans } of named) {
      for (const entity of entities) {
        const times = this.#open(entity)
        for (let at = 0; at < spans.length; at += 2) this.#insert(times, spans[at]!, spans[at + 1]!)
      }
    }
    this.#crowded = this.#isCrowded()
  }

  toJSON(): readonly Named[] {
    this.#putDown()
    const all: { readonly entities: Entity[]; readonly spans: readonly number[] }[] = []
    const known = new Map<string, typeof all>()
    for (const { entity, spans } of [...this.#byType.values()].flatMap((byId) => [...byId.values()])) {
      const alike = `${spans.length} ${spans[0]} ${spans.at(-1)}`
      const others = known.get(alike)
      const same = others?.find((other) => isEqual(other.spans, spans))
      if (same !== undefined) {
        same.entities.push(entity)
        continue
      }
      const named = { entities: [entity], spans }
      all.push(named)
      if (others === undefined) known.set(alike, [named])
      else others.push(named)
    }
    return all
  }

  /** An event of this time named these. `neededFromMs`: nothing before it is told any more. */
  note(entities: readonly Entity[], t: number, lengthMs: number, neededFromMs: () => number): void {
    const number = Math.floor(t / lengthMs)
    if (!this.#growsRow(entities, t, number)) {
      this.#putDown()
      this.#row.length = 0
      this.#noteAll(entities, t, number, lengthMs)
      if (this.#endsIn(number, lengthMs)) this.#beginRow(t, number)
    }
    if (this.#bytes > this.#roomAt) this.#makeRoom(neededFromMs(), lengthMs)
  }

  #noteAll(entities: readonly Entity[], t: number, number: number, lengthMs: number): void {
    if (this.#goesOn(entities, t, number, lengthMs)) return
    if (this.#last?.entities === entities && !this.#crowded) {
      // None is left out of any stretch: nothing has to be looked up.
      for (const times of this.#last.times) if (times !== undefined) this.#lastsTo(times, t, number, lengthMs)
    } else this.#last = { entities, times: entities.map((entity) => this.#noteOne(entity, t, number, lengthMs)) }
  }

  /** It named what the event before did, in the same stretch or in a later one. */
  #growsRow(entities: readonly Entity[], t: number, number: number): boolean {
    const row = this.#row
    const end = row.length - 1
    if (this.#last?.entities !== entities || end < 0 || !(number >= this.#rowNumber)) return false
    if (number === this.#rowNumber) {
      if (t > row[end]!) row[end] = t
      if (t < row[end - 1]!) row[end - 1] = t
      return true
    }
    // None is left out of any stretch.
    if (this.#crowded) return false
    row.push(t, t)
    this.#rowNumber = number
    this.#bytes += this.#last.times.length * spanBytes
    return true
  }

  /** Whether those named last are different ones, each last named in this stretch. */
  #endsIn(number: number, lengthMs: number): boolean {
    const { times } = this.#last!
    const ends = (each: Times | undefined): boolean => Math.floor((each?.spans.at(-1) ?? NaN) / lengthMs) === number
    return times.every(ends) && new Set(times).size === times.length
  }

  #beginRow(t: number, number: number): void {
    this.#row.push(t, t)
    this.#rowNumber = number
  }

  #putDown(): void {
    const row = this.#row
    if (row.length === 0) return
    const [first, last] = row as [number, number]
    for (const times of this.#last!.times) {
      const { spans } = times!
      const end = spans.length - 1
      if (last > spans[end]!) spans[end] = last
      if (first < spans[end - 1]!) spans[end - 1] = first
      for (let at = 2; at < row.length; at++) spans.push(row[at]!)
    }
    row.splice(0, row.length - 2)
  }

  /** It named what the event before did, in the stretches that these were named in. */
  #goesOn(entities: readonly Entity[], t: number, number: number, lengthMs: number): boolean {
    if (this.#last?.entities !== entities) return false
    for (const times of this.#last.times) {
      if (times === undefined || !widen(times.spans, t, number, lengthMs)) return false
    }
    return true
  }

  #lastsTo(times: Times, t: number, number: number, lengthMs: number): void {
    if (!widen(times.spans, t, number, lengthMs)) this.#insert(times, t, t)
  }

  #insert({ spans }: Times, first: number, last: number): void {
    insert(spans, first, last)
    this.#bytes += spanBytes
  }

  #isCrowded(): boolean {
    return [...this.#byType.values()].some((byId) => byId.size > entitiesPerTypeMax)
  }

  #noteOne(entity: Entity, t: number, number: number, lengthMs: number): Times | undefined {
    const byId = this.#byType.get(entity.type)
    const known = byId?.get(entity.id)
    if (known !== undefined && widen(known.spans, t, number, lengthMs)) return known
    const names = (byId?.size ?? 0) + (known === undefined ? 1 : 0)
    const isFew = names <= entitiesPerTypeMax && !this.#stretches.has(entity.type)
    if (!isFew) this.#crowded = true
    const among = isFew ? undefined : this.#among(number, entity.type, lengthMs)
    if (among !== undefined && among.length >= entitiesPerTypeMax) {
      const greatest = among.reduce((most, each) => (each.entity.id > most.entity.id ? each : most))
      if (greatest.entity.id < entity.id) return undefined
      among.splice(among.indexOf(greatest), 1)
      this.#drop(greatest, number, lengthMs)
    }
    const times = known ?? this.#open(entity)
    this.#insert(times, t, t)
    among?.push(times)
    return times
  }

  #open(entity: Entity): Times {
    let byId = this.#byType.get(entity.type)
    if (byId === undefined) this.#byType.set(entity.type, (byId = new Map<string, Times>()))
    let times = byId.get(entity.id)
    if (times === undefined) {
      byId.set(entity.id, (times = { entity, spans: [] }))
      this.#bytes += bytesOf(entity)
    }
    return times
  }

  /** What is kept of a type in a stretch. */
  #among(number: number, type: Entity['type'], lengthMs: number): Times[] {
    const stretches = this.#filed(type, lengthMs)
    let among = stretches.get(number)
    if (among === undefined) stretches.set(number, (among = []))
    return among
  }

  #filed(type: Entity['type'], lengthMs: number): Map<number, Times[]> {
    const known = this.#stretches.get(type)
    if (known !== undefined) return known
    const stretches = new Map<number, Times[]>()
    this.#stretches.set(type, stretches)
    for (const times of this.#byType.get(type)?.values() ?? []) {
      for (let at = 1; at < times.spans.length; at += 2) {
        const number = Math.floor(times.spans[at]! / lengthMs)
        const among = stretches.get(number)
        if (among === undefined) stretches.set(number, [times])
        else if (!among.includes(times)) among.push(times)
      }
    }
    return stretches
  }

  /** Forgets that it was named in a stretch. */
  #drop(times: Times, number: number, lengthMs: number): void {
    this.#keep(times, (each) => each !== number, lengthMs)
  }

  /** Forgets when it was named, but for the stretches wanted. */
  #keep(times: Times, wanted: (number: number) => boolean, lengthMs: number): void {
    const { entity, spans } = times
    times.spans = spans.filter((_, at) => wanted(Math.floor(spans[at | 1]! / lengthMs)))
    this.#bytes -= ((spans.length - times.spans.length) / 2) * spanBytes
    if (times.spans.length === 0 && this.#byType.get(entity.type)?.delete(entity.id) === true)
      this.#bytes -= bytesOf(entity)
  }

  #makeRoom(neededFromMs: number, lengthMs: number): void {
    this.#putDown()
    this.#row.length = 0
    this.#forgetBefore(Math.floor(neededFromMs / lengthMs), lengthMs)
    if (this.#bytes > bytesMax) this.#forgetBefore(this.#firstToKeep(lengthMs), lengthMs)
    this.#roomAt = Math.min(bytesMax, Math.max(bytesSmall, 2 * this.#bytes))
    // Names may be gone. What is filed is filed again where it is asked for.
    this.#last = undefined
    this.#stretches.clear()
    this.#crowded = this.#isCrowded()
  }

  #forgetBefore(number: number, lengthMs: number): void {
    for (const byId of this.#byType.values()) {
      for (const times of [...byId.values()]) this.#keep(times, (each) => each >= number, lengthMs)
    }
  }

  /** The stretch from which on enough is left; the newest stays, whatever it takes. */
  #firstToKeep(lengthMs: number): number {
    const freed = new Map<number, number>()
    for (const { entity, spans } of [...this.#byType.values()].flatMap((byId) => [...byId.values()])) {
      for (let at = 1; at < spans.length; at += 2) {
        const number = Math.floor(spans[at]! / lengthMs)
        // With its last stretch the name goes too.
        const bytes = spanBytes + (at === spans.length - 1 ? bytesOf(entity) : 0)
        freed.set(number, (freed.get(number) ?? 0) + bytes)
      }
    }
    let left = this.#bytes
    const numbers = [...freed.keys()].sort((a, b) => a - b)
    for (const number of numbers) {
      if (left <= bytesMax * leftShare) return number
      left -= freed.get(number)!
    }
    return numbers.at(-1)!
  }

  /** What the events from `fromMs` to `toMs` named. */
  between(fromMs: number, toMs: number): readonly Entity[] {
    this.#putDown()
    const named: Entity[] = []
    for (const byId of this.#byType.values()) {
      for (const { entity, spans } of byId.values()) if (overlaps(spans, fromMs, toMs)) named.push(entity)
    }
    return mergeEntities([], named)
  }
}

/** Never less than what it counts for here. */
export function bytesMostOf({ id }: Entity): number {
  return 6 * id.length + 2 + nameBytes
}

function bytesOf({ id }: Entity): number {
  return Buffer.byteLength(JSON.stringify(id)) + nameBytes
}
