/**
 * Which entities the events of a group named, and when, in little room as long as all events name the very same ones: those of
 * most groups are of one caller. Past that, and past what is small, it is as named-entities.ts has it.
 *
 * Pure. Promises: what is told, and what is kept in the state, is the same as there.
 */
import type { Entity } from '../../../core/signal.ts'
import { mergeEntities } from '../../../engine/behavior/entities.ts'
import { bytesMostOf, bytesSmall, NamedEntities, spanBytes, type Named } from './named-entities.ts'
import { overlaps } from './spans.ts'

export class NamedTogether {
  /** As each event names them, all of different types; undefined: no event has come yet, or they are told apart. */
  #entities: readonly Entity[] | undefined
  /** As in Named; of the last stretch it is known which one it is, unless it comes from the state. */
  #spans: number[] | undefined
  #number = NaN
  /** What all names may take, as JSON. */
  #bytesMost = 0
  #apart: NamedEntities | undefined

  constructor(named: readonly Named[] = []) {
    const [only, second] = named
    if (only === undefined) return
    if (second === undefined && areOfDifferentTypes(only.entities)) this.#begin(only.entities, [...only.spans], NaN)
    else this.#apart = new NamedEntities(named)
  }

  toJSON(): readonly Named[] {
    if (this.#apart !== undefined) return this.#apart.toJSON()
    if (this.#entities === undefined || this.#entities.length === 0) return []
    return [{ entities: this.#entities, spans: [...this.#spans!] }]
  }

  /** An event of this time named these. `neededFromMs`: nothing before it is told any more. */
  note(entities: readonly Entity[], t: number, lengthMs: number, neededFromMs: () => number): void {
    if (this.#apart === undefined) {
      const number = Math.floor(t / lengthMs)
      if (this.#entities === undefined && areOfDifferentTypes(entities)) {
        this.#begin(entities, [t, t], number)
        if (this.#isSmall()) return
        this.#entities = this.#spans = undefined
      } else if (this.#goesOn(entities, t, number)) return
      this.#apart = new NamedEntities(this.toJSON())
      this.#entities = this.#spans = undefined
    }
    this.#apart.note(entities, t, lengthMs, neededFromMs)
  }

  /** What the events from `fromMs` to `toMs` named. */
  between(fromMs: number, toMs: number): readonly Entity[] {
    if (this.#apart !== undefined) return this.#apart.between(fromMs, toMs)
    const named = this.#entities !== undefined && overlaps(this.#spans!, fromMs, toMs) ? this.#entities : []
    return mergeEntities([], named)
  }

  #begin(entities: readonly Entity[], spans: number[], number: number): void {
    this.#entities = entities
    this.#spans = spans
    this.#number = number
    this.#bytesMost = 0
    for (const entity of entities) this.#bytesMost += bytesMostOf(entity)
  }

  /** The same in the last stretch, or in a later one, for which there is room. */
  #goesOn(entities: readonly Entity[], t: number, number: number): boolean {
    if (this.#entities !== entities || !(number >= this.#number)) return false
    const spans = this.#spans!
    if (number === this.#number) {
      const end = spans.length - 1
      if (t > spans[end]!) spans[end] = t
      if (t < spans[end - 1]!) spans[end - 1] = t
      return true
    }
    if (!this.#isSmall(1)) return false
    spans.push(t, t)
    this.#number = number
    return true
  }

  #isSmall(more = 0): boolean {
    const stretches = this.#spans!.length / 2 + more
    return this.#bytesMost + stretches * this.#entities!.length * spanBytes <= bytesSmall
  }
}

function areOfDifferentTypes(entities: readonly Entity[]): boolean {
  for (let at = 1; at < entities.length; at++) {
    for (let before = 0; before < at; before++) if (entities[before]!.type === entities[at]!.type) return false
  }
  return true
}
