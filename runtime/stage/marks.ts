/**
 * Redelivery marks: where a record came from, and whether it has been here before.
 *
 * Every output of a stage carries the stage, topic, partition, offset and index of what it was made from, in a header or, where
 * several travel in one record, in its pack (packs.ts). One input
 * partition's outputs reach a given output partition in order, and what comes again after a restart starts at or before
 * what came last; so the highest mark seen of each origin tells a redelivery. Memory grows with partitions, not events.
 */
import { headers } from '../../core/topics.ts'

/** `<stage>/<topic>/<partition>:<offset>.<index>` */
export function formatMark(origin: string, offset: number, index: number): string {
  return `${origin}:${offset}.${index}`
}

/** These headers, with the mark among them: where the output that they go with came from. */
export function marked(own: Record<string, string>, origin: string, offset: number, index: number): typeof own {
  own[headers.mark] = formatMark(origin, offset, index)
  return own
}

/** What names an origin: one task of one stage. */
export function originOf(stage: string, topic: string, partition: number): string {
  return `${stage}/${topic}/${partition}`
}

export type MarkPosition = readonly [offset: number, index: number]

/** Digits of an offset and an index, and the dot, that are exact as numbers for sure. */
const digitsMax = 16

/** Origins remembered at most: tasks of all upstream stages together. */
const originsMax = 100_000

export class Marks {
  readonly #highest: Map<string, [offset: number, index: number]>
  /** The origin of the last mark, with the colon behind it, and what is highest of it. */
  #lastOrigin = ':'
  #last: [offset: number, index: number] | undefined

  constructor(saved: Readonly<Record<string, MarkPosition>> = {}) {
    this.#highest = new Map(Object.entries(saved).map(([origin, [offset, index]]) => [origin, [offset, index]]))
  }

  /** True, and remembered, if this mark is above all of its origin so far; `undefined` if the text is no mark. */
  passes(mark: string): boolean | undefined {
    return this.#passesLast(mark) ?? this.#passesAny(mark)
  }

  /** Mostly it is of the same origin as the one before: then nothing is looked up, or cut out of the text. */
  #passesLast(mark: string): boolean | undefined {
    const last = this.#last
    if (last === undefined || !mark.startsWith(this.#lastOrigin)) return undefined
    let at = this.#lastOrigin.length
    let offset = 0
    let index = 0
    const dot = mark.indexOf('.', at)
    if (dot <= at || dot === mark.length - 1 || mark.length - at > digitsMax) return undefined
    for (; at < mark.length; at++) {
      if (at === dot) continue
      const digit = mark.charCodeAt(at) - 0x30
      if (digit < 0 || digit > 9) return undefined
      if (at < dot) offset = 10 * offset + digit
      else index = 10 * index + digit
    }
    if (offset < last[0] || (offset === last[0] && index <= last[1])) return false
    last[0] = offset
    last[1] = index
    return true
  }

  /** As `passes`, of a mark that comes in parts. */
  passesAt(origin: string, offset: number, index: number): boolean | undefined {
    const seen = this.#highest.get(origin)
    if (seen === undefined) {
      if (this.#highest.size >= originsMax) return undefined
      this.#highest.set(origin, [offset, index])
      return true
    }
    if (offset < seen[0] || (offset === seen[0] && index <= seen[1])) return false
    seen[0] = offset
    seen[1] = index
    return true
  }

  #passesAny(mark: string): boolean | undefined {
    const colon = mark.lastIndexOf(':')
    const dot = mark.indexOf('.', colon)
    if (colon < 1 || dot < 0) return undefined
    const offset = Number(mark.slice(colon + 1, dot))
    const index = Number(mark.slice(dot + 1))
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(index)) return undefined
    const origin = mark.slice(0, colon)
    const passes = this.passesAt(origin, offset, index)
    if (passes !== true) return passes
    this.#last = this.#highest.get(origin)
    this.#lastOrigin = `${origin}:`
    return true
  }

  save(): Record<string, MarkPosition> {
    return Object.fromEntries([...this.#highest].map(([origin, [offset, index]]) => [origin, [offset, index]]))
  }
}
