/**
 * The newest records of a data set, and the nearest of them to another one.
 *
 * Long vectors are folded to `dimensionsMax` by a signed hash of the position, which keeps distances in expectation
 * (Weinberger et al. 2009). Kept in shelves, so that a checkpoint rewrites no more than the shelf that changed.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
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
  /** The event that brought it; states of before have none. */
  readonly e?: EvidenceRef
}

/** Of each other source the record nearest to one, the nearest first: whom to ask about it again. */
export type Voters = [source: string, label: string, distance: number][]
/** Sources that may be asked about one record. */
const votersMax = 7

export interface Near {
  readonly distance: number
  readonly exemplar: Exemplar
}

export interface Neighborhood {
  readonly strangers: readonly Near[]
  readonly alike: number
  /** Of strangers, and no exact copy. */
  readonly closest: (Near & { readonly at: number }) | undefined
  readonly voters: Voters
}

export class Exemplars {
  readonly #entries: GroupEntries
  readonly #max: number

  constructor(entries: GroupEntries, max: number) {
    this.#entries = entries
    this.#max = Math.ceil(max / shelfSize) * shelfSize
  }

  add(number: number, exemplar: Exemplar, voters: Voters): void {
    const at = number % this.#max
    this.#put('shelf', at, exemplar)
    this.#put('voters', at, voters)
  }

  *all(): Generator<Exemplar> {
    for (let n = 0; n < this.#max / shelfSize; n++) yield* this.#entries.get<Exemplar[]>(`shelf/${n}`) ?? []
  }

  *withVoters(): Generator<readonly [Exemplar, Voters]> {
    for (let n = 0; n < this.#max / shelfSize; n++) {
      const voters = this.#entries.get<(Voters | null)[]>(`voters/${n}`) ?? []
      for (const [at, exemplar] of (this.#entries.get<Exemplar[]>(`shelf/${n}`) ?? []).entries()) {
        yield [exemplar, voters[at] ?? []]
      }
    }
  }

  /**
   * The `k` nearest of strangers, how many of all strangers carry the label (both without sources that are not asked),
   * the nearest that is no exact copy, and the nearest of each source. Where this record is the nearest of its source
   * to another one, it becomes that one's voter: each pair is compared once.
   */
  meet(
    { v: vector, s: source, l: label }: Pick<Exemplar, 'v' | 's' | 'l'>,
    k: number,
    unasked: ReadonlySet<string>,
  ): Neighborhood {
    const strangers: Near[] = []
    const voters: Voters = []
    let closest: Neighborhood['closest']
    let alike = 0
    for (let n = 0; n < this.#max / shelfSize; n++) {
      const votersOf = this.#entries.get<(Voters | null)[]>(`voters/${n}`) ?? []
      let isChanged = false
      for (const [at, exemplar] of (this.#entries.get<Exemplar[]>(`shelf/${n}`) ?? []).entries()) {
        if (exemplar.v.length !== vector.length) continue
        if (exemplar.s === source) continue
        const isAsked = !unasked.has(exemplar.s)
        if (isAsked && exemplar.l === label) alike++
        const theirs = (votersOf[at] ??= [])
        const worst = !isAsked ? 0 : strangers.length < k ? Infinity : strangers[k - 1]!.distance
        const asNeighbor = Math.max(worst, closest?.distance ?? Infinity)
        const line = Math.max(asNeighbor, reach(theirs, source), reach(voters, exemplar.s))
        const distance = distanceWithin(vector, exemplar.v, line)
        if (distance > 0 && distance < (closest?.distance ?? Infinity))
          closest = { distance, exemplar, at: n * shelfSize + at }
        if (distance < worst) insert(strangers, { distance, exemplar }, k)
        if (vote(theirs, source, label, distance)) isChanged = true
        vote(voters, exemplar.s, exemplar.l, distance)
      }
      if (isChanged) this.#entries.set(`voters/${n}`, votersOf)
    }
    return { strangers, closest, alike, voters }
  }

  /**
   * Whether a source had a record within this distance of another before the one that stands `at` its place came.
   * `records`: brought into the set so far.
   */
  hadBefore(source: string, vector: readonly number[], within: number, at: number, records: number): boolean {
    const ageOf = (place: number): number => (records - 1 - place + 2 * this.#max) % this.#max
    for (let n = 0; n < this.#max / shelfSize; n++) {
      for (const [place, { s, v }] of (this.#entries.get<Exemplar[]>(`shelf/${n}`) ?? []).entries()) {
        if (s !== source || v.length !== vector.length || ageOf(n * shelfSize + place) <= ageOf(at)) continue
        if (distanceWithin(vector, v, within) < within) return true
      }
    }
    return false
  }

  #put(what: 'shelf' | 'voters', at: number, value: unknown): void {
    const name = `${what}/${Math.floor(at / shelfSize)}`
    const shelf = this.#entries.get<unknown[]>(name) ?? []
    shelf[at % shelfSize] = value
    this.#entries.set(name, shelf)
  }
}

/** How near a record of this source has to be to become a voter. */
function reach(voters: Voters, source: string): number {
  for (const [of, , distance] of voters) if (of === source) return distance
  return voters.length < votersMax ? Infinity : voters[votersMax - 1]![2]
}

/** True: it has become one. */
function vote(voters: Voters, source: string, label: string, distance: number): boolean {
  if (!(distance < reach(voters, source))) return false
  const known = voters.findIndex(([of]) => of === source)
  if (known >= 0) voters.splice(known, 1)
  const at = voters.findIndex(([, , other]) => other > distance)
  voters.splice(at < 0 ? voters.length : at, 0, [source, label, rounded(distance)])
  if (voters.length > votersMax) voters.pop()
  return true
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
