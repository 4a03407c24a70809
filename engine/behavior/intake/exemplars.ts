/**
 * The newest records of a data set, and the nearest of them to another one.
 *
 * Long vectors are folded to `dimensionsMax` by a signed hash of the position, which keeps distances in expectation
 * (Weinberger et al. 2009). Kept in shelves, so that a checkpoint rewrites no more than the shelf that changed.
 */
import type { GroupEntries } from '../types.ts'

export const dimensionsMax = 256
const shelfSize = 64

/** Labels that neighbors name, and how many name each. */
export type Named = readonly (readonly [label: string, count: number])[]

export interface Exemplar {
  readonly v: readonly number[]
  /** Label and source. */
  readonly l: string
  readonly s: string
  /** What its neighbors from other sources named; undefined where there were too few. */
  readonly n?: Named
}

export interface Near {
  readonly distance: number
  readonly exemplar: Exemplar
}

export interface Neighborhood {
  readonly strangers: readonly Near[]
  readonly alike: number
  /** Of strangers, and no exact copy. */
  readonly closest: Near | undefined
}

export class Exemplars {
  readonly #entries: GroupEntries
  readonly #max: number

  constructor(entries: GroupEntries, max: number) {
    this.#entries = entries
    this.#max = Math.ceil(max / shelfSize) * shelfSize
  }

  add(number: number, exemplar: Exemplar): void {
    const at = number % this.#max
    const name = `shelf/${Math.floor(at / shelfSize)}`
    const shelf = this.#entries.get<Exemplar[]>(name) ?? []
    shelf[at % shelfSize] = exemplar
    this.#entries.set(name, shelf)
  }

  *all(): Generator<Exemplar> {
    for (let n = 0; n < this.#max / shelfSize; n++) yield* this.#entries.get<Exemplar[]>(`shelf/${n}`) ?? []
  }

  /** The `k` nearest of strangers, how many of all strangers carry the label, and the nearest that is no exact copy. */
  nearest(vector: readonly number[], source: string, label: string, k: number): Neighborhood {
    const strangers: Near[] = []
    let closest: Near | undefined
    let alike = 0
    for (let n = 0; n < this.#max / shelfSize; n++) {
      for (const exemplar of this.#entries.get<Exemplar[]>(`shelf/${n}`) ?? []) {
        if (exemplar.v.length !== vector.length) continue
        if (exemplar.s === source) continue
        if (exemplar.l === label) alike++
        const worst = strangers.length < k ? Infinity : strangers[k - 1]!.distance
        const line = Math.max(worst, closest?.distance ?? Infinity)
        const distance = distanceWithin(vector, exemplar.v, line)
        if (distance > 0 && distance < (closest?.distance ?? Infinity)) closest = { distance, exemplar }
        if (distance < worst) insert(strangers, { distance, exemplar }, k)
      }
    }
    return { strangers, closest, alike }
  }
}

/** Euclidean; Infinity as soon as it is known to be above the line. */
function distanceWithin(a: readonly number[], b: readonly number[], line: number): number {
  const over = line * line
  let sum = 0
  for (let n = 0; n < a.length; n++) {
    const difference = a[n]! - b[n]!
    sum += difference * difference
    if ((n & 15) === 15 && sum > over) return Infinity
  }
  return Math.sqrt(sum)
}

function insert(sorted: Near[], near: Near, max: number): void {
  let at = sorted.length
  while (at > 0 && sorted[at - 1]!.distance > near.distance) at--
  sorted.splice(at, 0, near)
  if (sorted.length > max) sorted.pop()
}

export function folded(vector: readonly number[]): readonly number[] {
  if (vector.length <= dimensionsMax) return vector.map(rounded)
  const short = new Array<number>(dimensionsMax).fill(0)
  for (const [n, value] of vector.entries()) {
    const hash = Math.imul(n + 1, 0x9e3779b1) >>> 0
    short[hash % dimensionsMax]! += (hash & 0x40000000) === 0 ? value : -value
  }
  return short.map(rounded)
}

/** Five digits are what a gateway logs; more only make checkpoints longer. */
function rounded(value: number): number {
  return Math.round(value * 1e5) / 1e5
}
