/**
 * The last queries of all accounts at a model, laid out so that a new one is compared with each of them at little cost.
 *
 * A view of the blocks in which memory.ts keeps them: not part of the state, rebuilt from it. Names are numbers here; inputs
 * are compared by their sketches first, and in full where those say that they are among the closest. Pure.
 */
import { dimensionMax } from '../../input/input.ts'
import { distanceUpTo, Few } from './few.ts'
import { hashOf, least, nothing, Room } from './grid.ts'
import type { Names } from './names.ts'
import { putClosest, sketch, sketchedDistance, sketchLength } from './sketch.ts'

/** JSON; queries are kept in blocks, so that a new one rewrites little. */
export interface Seen {
  readonly principal: string
  readonly tenant: string
  readonly network: string
  readonly agent: string
  /** At most 64 numbers, packed; spelled out where an earlier version has written it. */
  readonly x: string | readonly number[]
  /** Further from honest inputs than 95 % of them; absent where it isn't, where nothing was learned, and in states of before. */
  readonly odd?: true
}

/** What is asked for of who asked: whether it has been found to be one of a crowd. */
export interface Asker {
  readonly crowd?: string | undefined
}

export const blockQueries = 32
const blocks = 8
export const recentMax = blocks * blockQueries
const neighborsMax = 96
/** Those that are compared in full, of the closest by their sketches. */
const closestMax = 4
export const nearestMax = 8

export class Recent {
  /** By slot: a query's number, modulo `recentMax`. */
  readonly #seen: (Seen | undefined)[] = new Array<undefined>(recentMax).fill(undefined)
  readonly #askers: (Asker | undefined)[] = new Array<undefined>(recentMax).fill(undefined)
  readonly #rows = new Float64Array(recentMax * dimensionMax)
  readonly #sketches = new Float64Array(recentMax * sketchLength)
  readonly #lengths = new Uint8Array(recentMax)
  readonly #tenants = new Int32Array(recentMax)
  /** Numbers of networks and programs. */
  readonly networks = new Int32Array(recentMax)
  readonly agents = new Int32Array(recentMax)
  readonly #odd = new Uint8Array(recentMax)
  /** 1: no later query of this account, of this length, is kept. */
  readonly #latest = new Uint8Array(recentMax)
  /** By length of the input, then by account: the slot of its last query. */
  readonly #latestOf = new Map<number, Map<string, number>>()
  #accounts = 0
  /** By number of a network or a program: its accounts whose last query is kept. */
  #accountsOf: number[] = []
  #names: Names
  readonly #gaps = new Float64Array(dimensionMax)
  readonly #seconds = new Float64Array(dimensionMax)
  /** Of each input, so that equal ones are found without looking at them. */
  readonly #hashes = new Int32Array(recentMax)
  readonly #few = new Few(closestMax)
  readonly #near = new Few(nearestMax)
  /** The query that is looked at, its hash and its sketch. */
  #x: Float64Array = nothing
  #hash = 0
  #tenant = 0
  readonly #own = new Float64Array(sketchLength)
  #isSketched = false
  /** The last queries of other tenants' accounts, one of each, newest first: slots, and squared distances of sketches. */
  #neighbors = -1
  readonly slots = new Int32Array(neighborsMax)
  readonly #distances = new Float64Array(neighborsMax)
  #nearest = -1
  /** Queries kept so far: the number of the next one. */
  #kept: number

  constructor(kept: number, names: Names) {
    this.#kept = kept
    this.#names = names
  }

  /** The blocks of `kept` queries, as they stand in the state. */
  static of(
    kept: number,
    names: Names,
    block: (number: number) => readonly Seen[],
    askerOf: (principal: string) => Asker | undefined,
  ): Recent {
    const recent = new Recent(kept, names)
    const room = new Room()
    const newest = Math.floor(kept / blockQueries)
    for (let number = Math.max(0, newest - blocks); number <= newest; number++) {
      // Where the newest block has not begun, its place still holds the oldest.
      const all = number * blockQueries < kept ? block(number % blocks) : []
      for (const [at, seen] of all.entries()) {
        const query = number * blockQueries + at
        if (query < kept && query >= kept - recentMax)
          recent.#put(query, seen, room.put(seen.x), askerOf(seen.principal))
      }
    }
    return recent
  }

  /** A query is kept; `seen` goes into its block. */
  add(seen: Seen, place: Float64Array, asker: Asker | undefined): void {
    // A new block takes the place of the oldest.
    if (this.#kept % blockQueries === 0)
      for (let at = 0; at < blockQueries; at++) this.#drop((this.#kept + at) % recentMax)
    this.#put(this.#kept, seen, place, asker)
    this.#kept++
  }

  /** From here on this query is compared; whether another tenant's is the same. */
  look(tenant: number, x: Float64Array): boolean {
    this.#x = x
    this.#tenant = tenant
    this.#isSketched = false
    this.#neighbors = this.#nearest = -1
    this.#hash = hashOf(x)
    return this.#isRepetition(this.#hash)
  }

  /** Slot of the closest query, whoever asked it; -1: there is none. */
  closest(): number {
    this.#sketch()
    const few = this.#few
    putClosest(few, this.#own, this.#sketches, this.#lengths, this.#x.length)
    let [closest, least] = [-1, Infinity]
    for (let n = 0; n < few.count; n++) {
      const distance = distanceUpTo(this.#x, this.#rows, few.slots[n]! * dimensionMax, least)
      if (distance >= least) continue
      least = distance
      closest = few.slots[n]!
    }
    return closest
  }

  /** The last queries of other tenants' accounts, one of each, newest first: how many there are. */
  neighbors(): number {
    if (this.#neighbors >= 0) return this.#neighbors
    const { length } = this.#x
    // Named once: this looks at all that are remembered.
    const [latest, lengths, tenants, slots] = [this.#latest, this.#lengths, this.#tenants, this.slots]
    const own = this.#tenant
    let count = 0
    let slot = this.#kept % recentMax
    for (let n = Math.min(this.#kept, recentMax); n > 0 && count < neighborsMax; n--) {
      slot = slot === 0 ? recentMax - 1 : slot - 1
      if (latest[slot] === 1 && lengths[slot] === length && tenants[slot] !== own) slots[count++] = slot
    }
    return (this.#neighbors = count)
  }

  /** How many of the neighbors are compared in full: those that are closest by their sketches. */
  nearest(): number {
    if (this.#nearest >= 0) return this.#nearest
    this.#sketch()
    const near = this.#near
    const count = this.neighbors()
    near.count = 0
    for (let n = 0; n < count; n++) {
      const slot = this.slots[n]!
      const distance = sketchedDistance(this.#own, this.#sketches, slot * sketchLength)
      this.#distances[n] = distance
      if (distance < near.most) near.put(slot, distance)
    }
    this.#nearest = near.count
    near.count = 0
    // Each is taken out before another one is put in its place.
    for (let n = 0; n < this.#nearest; n++) {
      const slot = near.slots[n]!
      near.put(slot, distanceUpTo(this.#x, this.#rows, slot * dimensionMax, Infinity))
    }
    return this.#nearest
  }

  /** Slot of the n-th nearest. */
  near(n: number): number {
    return this.#near.slots[n]!
  }

  /** Squared distance of the n-th neighbor's sketch, once the nearest have been asked for. */
  sketchedDistance(n: number): number {
    return this.#distances[n]!
  }

  /**
   * By coordinate of an input, how far the values that occur there lie apart around its own: the second smallest difference
   * to those of the last queries that is none of 0.
   */
  gaps(): Float64Array {
    const x = this.#x
    const gaps = this.#gaps.fill(Infinity)
    const seconds = this.#seconds.fill(Infinity)
    const { length } = x
    for (let slot = 0; slot < recentMax; slot++) {
      if (this.#lengths[slot] !== length) continue
      for (let k = 0, at = slot * dimensionMax; k < length; k++, at++) {
        const gap = Math.abs(x[k]! - this.#rows[at]!)
        if (gap >= seconds[k]! || gap < least) continue
        if (gap < gaps[k]! - least) {
          seconds[k] = gaps[k]!
          gaps[k] = gap
        } else if (gap > gaps[k]! + least) seconds[k] = gap
      }
    }
    return seconds
  }

  at(slot: number): Seen {
    return this.#seen[slot]!
  }

  /** The input of a query. */
  row(slot: number): Float64Array {
    return this.#rows.subarray(slot * dimensionMax, slot * dimensionMax + this.#lengths[slot]!)
  }

  /** Whether it is of the tenant who asks. */
  isOwn(slot: number): boolean {
    return this.#tenants[slot] === this.#tenant
  }

  /** Whether who asked has been found to be one of a crowd. */
  isOfCrowd(slot: number): boolean {
    return this.#askers[slot]?.crowd !== undefined
  }

  /** Accounts whose last query is kept, and of them those on a network, or with a program. */
  get accounts(): number {
    return this.#accounts
  }

  accountsOf(number: number): number {
    return this.#accountsOf[number] ?? 0
  }

  /** Names have other numbers from here on. */
  renumber(names: Names): void {
    this.#names = names
    this.#accountsOf = []
    for (const [slot, seen] of this.#seen.entries()) {
      if (seen === undefined) continue
      this.#name(slot, seen)
      if (this.#latest[slot] === 1) this.#count(slot, 1)
    }
  }

  #sketch(): void {
    if (!this.#isSketched) sketch(this.#x, this.#own, 0)
    this.#isSketched = true
  }

  #isRepetition(hash: number): boolean {
    const { length } = this.#x
    let slot = this.#hashes.indexOf(hash)
    for (; slot >= 0; slot = this.#hashes.indexOf(hash, slot + 1)) {
      if (this.#lengths[slot] !== length || this.#tenants[slot] === this.#tenant) continue
      if (distanceUpTo(this.#x, this.#rows, slot * dimensionMax, least) === 0) return true
    }
    return false
  }

  /** Whether it is unlike honest inputs. */
  isOdd(slot: number): boolean {
    return this.#odd[slot] === 1
  }

  #put(number: number, seen: Seen, place: Float64Array, asker: Asker | undefined): void {
    const slot = number % recentMax
    this.#drop(slot)
    const { length } = place
    this.#seen[slot] = seen
    this.#askers[slot] = asker
    this.#odd[slot] = seen.odd === true ? 1 : 0
    this.#rows.set(place, slot * dimensionMax)
    const isLooked = place === this.#x
    if (isLooked && this.#isSketched) this.#sketches.set(this.#own, slot * sketchLength)
    else sketch(place, this.#sketches, slot * sketchLength)
    this.#hashes[slot] = isLooked ? this.#hash : hashOf(place)
    this.#lengths[slot] = length
    this.#name(slot, seen)
    let latest = this.#latestOf.get(length)
    if (latest === undefined) this.#latestOf.set(length, (latest = new Map<string, number>()))
    const before = latest.get(seen.principal)
    if (before === undefined) this.#accounts++
    else {
      this.#latest[before] = 0
      this.#count(before, -1)
    }
    this.#latest[slot] = 1
    this.#count(slot, 1)
    latest.set(seen.principal, slot)
  }

  #name(slot: number, { tenant, network, agent }: Seen): void {
    this.#tenants[slot] = this.#names.of(tenant)
    this.networks[slot] = this.#names.of(network)
    this.agents[slot] = this.#names.of(agent)
  }

  #count(slot: number, by: number): void {
    const network = this.networks[slot]!
    const agent = this.agents[slot]!
    this.#accountsOf[network] = (this.#accountsOf[network] ?? 0) + by
    this.#accountsOf[agent] = (this.#accountsOf[agent] ?? 0) + by
  }

  #drop(slot: number): void {
    const seen = this.#seen[slot]
    if (seen === undefined) return
    if (this.#latest[slot] === 1) {
      this.#latestOf.get(this.#lengths[slot]!)?.delete(seen.principal)
      this.#accounts--
      this.#count(slot, -1)
    }
    this.#seen[slot] = this.#askers[slot] = undefined
    this.#lengths[slot] = 0
    this.#latest[slot] = 0
  }
}
