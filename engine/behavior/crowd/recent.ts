/**
 * The last queries of all accounts at a model, laid out so that a new one is compared with each of them at little cost.
 *
 * A view of the blocks in which memory.ts keeps them: not part of the state, rebuilt from it. Names are numbers here, and
 * inputs one row after the other, for both are compared hundreds of times a query. Pure.
 */
import { dimensionMax } from '../model-queries/input.ts'
import { unpacked } from '../model-queries/packed.ts'

/** JSON; queries are kept in blocks, so that a new one rewrites little. */
export interface Seen {
  readonly principal: string
  readonly tenant: string
  readonly network: string
  readonly agent: string
  /** At most 64 numbers, packed; spelled out where an earlier version has written it. */
  readonly x: string | readonly number[]
}

export const blockQueries = 32
const blocks = 8
export const recentMax = blocks * blockQueries
const neighborsMax = 96
/** Different names that are told apart by number before all are numbered anew. */
const namesMax = 4_096

/** Digits that are compared: what differs by less is the same to everybody. */
const steps = 1e4
/** Squared distances below this are a repetition. */
const repeated = 1e-9

/** The numbers of an input as they are compared; none where it has none, or too many. */
export function placeOf(x: Seen['x']): Float64Array {
  const place = Float64Array.from(typeof x === 'string' ? unpacked(x) : x)
  if (place.length > dimensionMax) return new Float64Array(0)
  for (let i = 0; i < place.length; i++) place[i] = Math.round(place[i]! * steps) / steps
  return place
}

/** Numbers for names; 0 is nobody's. */
class Names {
  readonly #numbers = new Map<string, number>()

  get size(): number {
    return this.#numbers.size
  }

  known(name: string): number {
    return this.#numbers.get(name) ?? 0
  }

  of(name: string): number {
    let number = this.#numbers.get(name)
    if (number === undefined) this.#numbers.set(name, (number = this.#numbers.size + 1))
    return number
  }

  clear(): void {
    this.#numbers.clear()
  }
}

/** What is asked for: the last queries of others' accounts, and the closest of all. */
export interface Wanted {
  readonly neighbors: boolean
  readonly closest: boolean
}

/** What lies around a query among the last ones; good until the next is looked for. */
export interface Around {
  /** Slot of the closest query of another tenant, and the square of its distance; -1: there is none. */
  closest: number
  least: number
  /** The last queries of other tenants' accounts, one of each, newest first: slots and squares of distances. */
  neighbors: number
  readonly slots: Int32Array
  readonly distances: Float64Array
}

export function isRepetition({ least, closest }: Around): boolean {
  return closest >= 0 && least < repeated
}

export class Recent {
  /** By slot: a query's number, modulo `recentMax`. */
  readonly #seen: (Seen | undefined)[] = new Array<undefined>(recentMax).fill(undefined)
  readonly #rows = new Float64Array(recentMax * dimensionMax)
  readonly #lengths = new Uint8Array(recentMax)
  readonly #tenants = new Int32Array(recentMax)
  readonly #networks = new Int32Array(recentMax)
  readonly #agents = new Int32Array(recentMax)
  /** 1: no later query of this account, of this length, is kept. */
  readonly #latest = new Uint8Array(recentMax)
  readonly #latestOf = new Map<string, number>()
  readonly #names = new Names()
  readonly #around: Around = {
    closest: -1,
    least: Infinity,
    neighbors: 0,
    slots: new Int32Array(neighborsMax),
    distances: new Float64Array(neighborsMax),
  }
  /** Queries kept so far: the number of the next one. */
  #kept: number

  constructor(kept: number) {
    this.#kept = kept
  }

  /** The blocks of `kept` queries, as they stand in the state. */
  static of(kept: number, block: (number: number) => readonly Seen[]): Recent {
    const recent = new Recent(kept)
    const newest = Math.floor(kept / blockQueries)
    for (let number = Math.max(0, newest - blocks); number <= newest; number++) {
      // Where the newest block has not begun, its place still holds the oldest.
      const all = number * blockQueries < kept ? block(number % blocks) : []
      for (const [at, seen] of all.entries()) {
        const query = number * blockQueries + at
        if (query < kept && query >= kept - recentMax) recent.#put(query, seen, placeOf(seen.x))
      }
    }
    return recent
  }

  /** A query is kept; `seen` goes into its block. */
  add(seen: Seen, place: Float64Array): void {
    // A new block takes the place of the oldest.
    if (this.#kept % blockQueries === 0)
      for (let at = 0; at < blockQueries; at++) this.#drop((this.#kept + at) % recentMax)
    if (this.#names.size > namesMax) this.#rename()
    this.#put(this.#kept, seen, place)
    this.#kept++
  }

  /** Whoever does not ask for the closest is told of a repetition alone. */
  around(tenant: string, x: Float64Array, wanted: Wanted): Around {
    const around = this.#around
    around.closest = -1
    around.least = wanted.closest ? Infinity : repeated
    around.neighbors = 0
    const own = this.#names.known(tenant)
    const { length } = x
    for (let number = this.#kept - 1; number >= this.#kept - recentMax && number >= 0; number--) {
      const slot = number % recentMax
      if (this.#lengths[slot] !== length || this.#tenants[slot] === own) continue
      const isNeighbor = wanted.neighbors && this.#latest[slot] === 1 && around.neighbors < neighborsMax
      const distance = distanceUpTo(x, this.#rows, slot * dimensionMax, isNeighbor ? Infinity : around.least)
      if (isNeighbor) {
        around.slots[around.neighbors] = slot
        around.distances[around.neighbors++] = distance
      }
      if (distance < around.least) {
        around.least = distance
        around.closest = slot
      }
    }
    return around
  }

  at(slot: number): Seen {
    return this.#seen[slot]!
  }

  /** The input of a query. */
  row(slot: number): Float64Array {
    return this.#rows.subarray(slot * dimensionMax, slot * dimensionMax + this.#lengths[slot]!)
  }

  /** Number of a name; 0: none of the queries has it. */
  numberOf(name: string): number {
    return this.#names.known(name)
  }

  networkOf(slot: number): number {
    return this.#networks[slot]!
  }

  agentOf(slot: number): number {
    return this.#agents[slot]!
  }

  #put(number: number, seen: Seen, place: Float64Array): void {
    const slot = number % recentMax
    this.#drop(slot)
    const { length } = place
    this.#seen[slot] = seen
    this.#rows.set(place, slot * dimensionMax)
    this.#lengths[slot] = length
    this.#name(slot, seen)
    const account = `${length}/${seen.principal}`
    const before = this.#latestOf.get(account)
    if (before !== undefined) this.#latest[before] = 0
    this.#latest[slot] = 1
    this.#latestOf.set(account, slot)
  }

  #name(slot: number, { tenant, network, agent }: Seen): void {
    this.#tenants[slot] = this.#names.of(tenant)
    this.#networks[slot] = this.#names.of(network)
    this.#agents[slot] = this.#names.of(agent)
  }

  #drop(slot: number): void {
    const seen = this.#seen[slot]
    if (seen === undefined) return
    if (this.#latest[slot] === 1) this.#latestOf.delete(`${this.#lengths[slot]!}/${seen.principal}`)
    this.#seen[slot] = undefined
    this.#lengths[slot] = 0
    this.#latest[slot] = 0
  }

  #rename(): void {
    this.#names.clear()
    for (const [slot, seen] of this.#seen.entries()) if (seen !== undefined) this.#name(slot, seen)
  }
}

/**
 * The squared distance of an input to the row that begins at `from`, or something at least as large as `max`. Hundreds are
 * computed a query: four sums at a time, for an addition waits for the one before.
 */
function distanceUpTo(a: Float64Array, rows: Float64Array, from: number, max: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  let k = 0
  for (const whole = a.length - 7; k < whole; k += 8) {
    const b = from + k
    const d0 = a[k]! - rows[b]!
    const d1 = a[k + 1]! - rows[b + 1]!
    const d2 = a[k + 2]! - rows[b + 2]!
    const d3 = a[k + 3]! - rows[b + 3]!
    const d4 = a[k + 4]! - rows[b + 4]!
    const d5 = a[k + 5]! - rows[b + 5]!
    const d6 = a[k + 6]! - rows[b + 6]!
    const d7 = a[k + 7]! - rows[b + 7]!
    s0 += d0 * d0 + d4 * d4
    s1 += d1 * d1 + d5 * d5
    s2 += d2 * d2 + d6 * d6
    s3 += d3 * d3 + d7 * d7
    if (s0 + s1 + (s2 + s3) >= max) break
  }
  let sum = s0 + s1 + (s2 + s3)
  for (; k < a.length && sum < max; k++) {
    const difference = a[k]! - rows[from + k]!
    sum += difference * difference
  }
  return sum
}
