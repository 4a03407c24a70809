/**
 * Redelivery marks: where a record came from, and whether it has been here before.
 *
 * Every output of a stage carries the stage, topic, partition, offset and index of what it was made from. One input
 * partition's outputs reach a given output partition in order, and what comes again after a restart starts at or before
 * what came last; so the highest mark seen of each origin tells a redelivery. Memory grows with partitions, not events.
 */

/** `<stage>/<topic>/<partition>:<offset>.<index>` */
export function formatMark(origin: string, offset: number, index: number): string {
  return `${origin}:${offset}.${index}`
}

/** What names an origin: one task of one stage. */
export function originOf(stage: string, topic: string, partition: number): string {
  return `${stage}/${topic}/${partition}`
}

export type MarkPosition = readonly [offset: number, index: number]

/** Origins remembered at most: tasks of all upstream stages together. */
const originsMax = 100_000

export class Marks {
  readonly #highest: Map<string, MarkPosition>

  constructor(saved: Readonly<Record<string, MarkPosition>> = {}) {
    this.#highest = new Map(Object.entries(saved))
  }

  /** True, and remembered, if this mark is above all of its origin so far; `undefined` if the text is no mark. */
  passes(mark: string): boolean | undefined {
    const colon = mark.lastIndexOf(':')
    const dot = mark.indexOf('.', colon)
    if (colon < 1 || dot < 0) return undefined
    const offset = Number(mark.slice(colon + 1, dot))
    const index = Number(mark.slice(dot + 1))
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(index)) return undefined
    const origin = mark.slice(0, colon)
    const seen = this.#highest.get(origin)
    if (seen !== undefined && (offset < seen[0] || (offset === seen[0] && index <= seen[1]))) return false
    if (seen === undefined && this.#highest.size >= originsMax) return undefined
    this.#highest.set(origin, [offset, index])
    return true
  }

  save(): Record<string, MarkPosition> {
    return Object.fromEntries(this.#highest)
  }
}
