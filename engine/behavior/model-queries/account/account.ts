/**
 * What is remembered of one account and model: one block of bytes, about three kilobytes and half as much more
 * where many of its inputs were odd, as long as what it holds.
 *
 * An `Account` is the form to work in: a block is opened over it, changed, and put back, so that of a million accounts each
 * costs its bytes and little else.
 */
import { AccountBlock, at, endOf, from, headSize, seenWords, version, shareParts } from './account-block.ts'
import { betCount, queryThreats } from './evidence.ts'
import { ringSize } from '../../input/input.ts'
import { see } from './filter.ts'
import { isSummedUp, Kept, valuesOfReduced } from './kept.ts'
import { keepable } from '../../input/rows.ts'
import { OddOnes, oddBytes, oddBytesMax, type OddPair } from './odd-ones.ts'
import { Slopes, type Slope } from '../shapes/slopes.ts'
import { roomFor, type Earlier } from '../shapes/steps.ts'

/**
 * Which inputs were asked before is known of the last 100 to 200 that differ, by two Bloom filters (Bloom 1970) of which the
 * older goes when the newer is full; of others one in fifty is taken for one of them, which costs its evidence.
 */
const seenFull = 331
/** Queries that the share of those which repeat earlier ones is about. */
const repeatedOver = 128
/** For whole numbers the remainder of a division by the ring's size, without the division. */
const ringMask = ringSize - 1
/**
 * Bits: a training record; a step from an earlier one; natural, or asked when one of the last ones was noted so; made
 * of a record; made of any; on a way that a search takes, or about where one led; unlike honest inputs.
 */
export const noted = { member: 1, step: 2, rooted: 4, copy: 8, made: 16, led: 32, odd: 64 } as const

export class Account {
  readonly dimension: number
  /** For each threat: distinct queries when it was first told (0: it was not), and since when evidence adds up. */
  readonly told: Float64Array
  readonly since: Float64Array
  readonly values: Float32Array
  readonly #bytes: Buffer
  /** Where the ring ends when it is full. */
  readonly #fullRing: number
  readonly #head: Float64Array
  /** The newer filter, then the older. */
  readonly #seen: Uint32Array
  /** Hashes of the labels of what is in the ring, and what is noted of it. */
  readonly #labels: Uint32Array
  readonly #slopes: Slopes
  readonly #odd: OddOnes
  readonly #ring: Float16Array
  /** The same memory. */
  readonly #ringBits: Uint16Array
  readonly #notes: Uint8Array
  /** The inputs in the ring by their place there, and newest first. */
  readonly #places: readonly Float16Array[]
  readonly #newestFirst: Float16Array[] = []
  readonly #rounding: Float16Array
  readonly #rounded: Float64Array
  readonly #kept: Kept
  /** Of an input that was reduced, its own values that are looked at. */
  readonly #own: Float16Array
  readonly #ownBits: Uint16Array
  #isReduced = false
  readonly #lookedAt: Float64Array
  readonly #from: Float64Array

  constructor(dimension: number) {
    this.#slopes = new Slopes(dimension)
    this.#odd = new OddOnes(dimension)
    const most = endOf(dimension, ringSize, roomFor(dimension).rows)
    const buffer = new ArrayBuffer(most + oddBytesMax(dimension) + this.#slopes.bytes.length)
    this.dimension = dimension
    this.#fullRing = endOf(dimension, ringSize, 0)
    this.#bytes = Buffer.from(buffer)
    this.#head = new Float64Array(buffer, 0, headSize)
    this.told = this.#head.subarray(at.told, at.told + queryThreats.length)
    this.since = this.#head.subarray(at.since, at.since + queryThreats.length)
    this.values = new Float32Array(buffer, from.values, betCount)
    this.#labels = new Uint32Array(buffer, from.labels, ringSize)
    this.#seen = new Uint32Array(buffer, from.seen, 2 * seenWords)
    this.#notes = new Uint8Array(buffer, from.notes, ringSize)
    this.#ring = new Float16Array(buffer, from.ring, ringSize * dimension)
    this.#ringBits = new Uint16Array(buffer, from.ring, ringSize * dimension)
    this.#rounding = new Float16Array(dimension)
    this.#rounded = new Float64Array(dimension)
    this.#places = Array.from({ length: ringSize }, (_, n) => this.#ring.subarray(n * dimension, (n + 1) * dimension))
    this.#kept = new Kept(buffer, this.#fullRing, dimension)
    this.#own = new Float16Array(this.#kept.values.length)
    this.#ownBits = new Uint16Array(this.#own.buffer)
    this.#lookedAt = new Float64Array(this.#kept.values.length)
    this.#from = new Float64Array(this.#kept.values.length)
  }

  /** Of an account that was never seen. */
  begin(timeMs: number): AccountBlock {
    this.#bytes.fill(0)
    this.#head[at.version] = version
    this.#head[at.dimension] = this.dimension
    this.#head[at.firstMs] = timeMs
    this.since.fill(timeMs)
    return new AccountBlock(this.#bytes, from.ring)
  }

  open(block: AccountBlock): void {
    block.copyTo(this.#bytes)
    const [ring, end, length] = [this.#end(0), this.#end(this.#head[at.kept]!), block.length]
    const base = end + oddBytes(this.dimension, this.#head[at.odd]!)
    if (base > end) this.#bytes.copy(this.#odd.bytes, 0, end, base)
    if (length > base) this.#bytes.copy(this.#slopes.bytes, 0, base, length)
    else this.#slopes.end()
    if (this.#head[at.ringCount]! < ringSize) this.#bytes.copyWithin(this.#fullRing, ring, end)
  }

  /** It is to be opened again before it is used. */
  putBack(block: AccountBlock): void {
    const [ring, end, slopes] = [this.#end(0), this.#end(this.#head[at.kept]!), this.#slopes]
    // What was kept lies where a full ring ends.
    if (this.#head[at.ringCount]! < ringSize) this.#bytes.copyWithin(ring, this.#fullRing, this.#fullRing + end - ring)
    const base = end + this.#odd.bytes.copy(this.#bytes, end, 0, oddBytes(this.dimension, this.#head[at.odd]!))
    if (slopes.hasBegun) slopes.bytes.copy(this.#bytes, base)
    block.put(this.#bytes, slopes.hasBegun ? base + slopes.bytes.length : base)
  }

  /** Where so many of what was kept end. */
  #end(kept: number): number {
    return endOf(this.dimension, Math.min(ringSize, this.#head[at.ringCount]!), kept)
  }

  get queries(): number {
    return this.#head[at.queries]!
  }

  /** Queries that repeat none of the last ones. */
  get distinct(): number {
    return this.#head[at.distinct]!
  }

  /** Inputs that the ring has taken so far. */
  get taken(): number {
    return this.#head[at.ringCount]!
  }

  get firstMs(): number {
    return this.#head[at.firstMs]!
  }

  /** Of the last queries, the share of those that repeat earlier ones. */
  get repeated(): number {
    return (Math.floor(this.#head[at.repeated]!) % (2 * shareParts)) / shareParts
  }

  get lastMs(): number {
    return this.#head[at.lastMs]!
  }

  /** It is under suspicion, and what it taught was taken back. */
  get withdrawn(): boolean {
    return this.#head[at.repeated]! % 1 !== 0
  }

  set withdrawn(is: boolean) {
    this.#head[at.repeated] = Math.floor(this.#head[at.repeated]!) + (is ? 0.5 : 0)
  }

  /** What is counted of its noise (noisy.ts). */
  get noise(): number {
    return Math.floor(this.#head[at.repeated]! / (2 * shareParts))
  }

  set noise(counts: number) {
    this.#head[at.repeated]! += 2 * shareParts * (counts - this.noise)
  }

  /** Takes note of a query; false: it repeats one of the last. */
  ask(key: number, timeMs: number): boolean {
    this.#head[at.queries]!++
    if (timeMs > this.lastMs) this.#head[at.lastMs] = timeMs
    const known = see(this.#seen, seenFull, key)
    if (!known) this.#head[at.distinct]!++
    const move = (Number(known) - this.repeated) / Math.min(this.queries, repeatedOver)
    this.#head[at.repeated]! += Math.round(shareParts * (this.repeated + move)) - shareParts * this.repeated
    return !known
  }

  /** Whether one more query may teach in this epoch; it is counted. */
  teaches(epoch: number, max: number): boolean {
    if (this.#head[at.taughtEpoch] !== epoch) {
      this.#head[at.taughtEpoch] = epoch
      this.#head[at.taught] = 0
    }
    return this.#head[at.taught]!++ < max
  }

  /** The last inputs, newest first; good until the next call. */
  ring(): readonly Float16Array[] {
    const count = this.#head[at.ringCount]!
    const kept = Math.min(ringSize, count)
    const list = this.#newestFirst
    // Even where it stays as it is, setting a list's length takes as long as all of this.
    if (list.length !== kept) list.length = kept
    for (let n = 0; n < kept; n++) list[n] = this.#places[(count - 1 - n) & ringMask]!
    return list
  }

  /** Of the n-th newest. */
  labelOf(n: number): number {
    return this.#labels[(this.#head[at.ringCount]! - 1 - n) & ringMask]!
  }

  wasMember(n: number): boolean {
    return (this.#notes[(this.#head[at.ringCount]! - 1 - n) & ringMask]! & noted.member) !== 0
  }

  /** Whether one of the last, by a bit each from the newest on, has one of these notes. */
  wasNoted(which: number, notes: number): boolean {
    for (let n = 0; which !== 0; n++, which >>>= 1) {
      if ((which & 1) !== 0 && (this.#notes[(this.#head[at.ringCount]! - 1 - n) & ringMask]! & notes) !== 0) return true
    }
    return false
  }

  /** Something natural was asked before what is in the ring, or is there itself. */
  get isRooted(): boolean {
    const kept = Math.min(ringSize, this.#head[at.ringCount]!)
    for (let slot = 0; slot < kept; slot++) if ((this.#notes[slot]! & noted.rooted) !== 0) return true
    return false
  }

  /** An input as the ring keeps it; good until the next call. `values`: its own, where it was reduced from more. */
  rounded(x: Float64Array, values?: readonly number[]): Float64Array {
    this.#isReduced = values !== undefined && isSummedUp(values.length, this.dimension)
    if (this.#isReduced) {
      const which = valuesOfReduced(values!.length)
      for (let n = 0; n < which.length; n++) this.#own[n] = keepable(values![which[n]!]!)
    }
    const [rounding, rounded] = [this.#rounding, this.#rounded]
    for (let i = 0; i < rounded.length; i++) {
      rounding[i] = keepable(x[i]!)
      rounded[i] = rounding[i]!
    }
    return rounded
  }

  /** The input that was rounded last; good until another is. */
  get lastRounded(): Float64Array {
    return this.#rounded
  }

  /**
   * Takes note of what the next input changes in what was asked before it (slopes.ts); `isVariant`: it is one of those
   * but for two values.
   */
  changed(x: Float64Array, isVariant: boolean, small = 0): Slope {
    return this.#slopes.take(x, isVariant, small)
  }

  /** The values of the input that was rounded last by which steps are known; good until the next call. */
  lookedAt(): Float64Array {
    if (this.#isReduced) {
      for (let n = 0; n < this.#own.length; n++) this.#lookedAt[n] = this.#own[n]!
      return this.#lookedAt
    }
    return this.#picked(this.#rounded, this.#lookedAt)
  }

  /**
   * Of the ring, as it was opened last, and of what was kept of what has left it, the input that is closest to `lookedAt`. Not
   * those that were made by steps: they began somewhere.
   */
  closest(): Earlier | undefined {
    if (this.#isReduced) return this.#closestReduced()
    const [x, which, count] = [this.#lookedAt, this.#kept.values, this.#head[at.ringCount]!]
    let [least, closest, newest] = [Infinity, -1, -1]
    for (let n = 0; n < Math.min(ringSize, count); n++) {
      if ((this.#notes[(count - 1 - n) & ringMask]! & noted.step) !== 0) continue
      if (newest < 0) newest = n
      const earlier = this.#newestFirst[n]!
      let sum = 0
      for (let i = 0; i < x.length && sum < least; i++) {
        const difference = x[i]! - earlier[which[i]!]!
        sum += difference * difference
      }
      if (sum > 0 && sum < least) {
        least = sum
        closest = n
      }
    }
    const place = this.#kept.closest(x, this.#head[at.kept]!, least)
    if (place >= 0) return { values: this.#kept.row(place), kept: place, isNewest: false }
    if (closest < 0) return undefined
    return {
      values: this.#picked(this.#newestFirst[closest]!, this.#from),
      kept: undefined,
      isNewest: closest === newest,
    }
  }

  /** The ring has their sums alone. */
  #closestReduced(): Earlier | undefined {
    const kept = this.#head[at.kept]!
    const place = this.#kept.leastApart(this.#lookedAt, kept)
    return place < 0 ? undefined : { values: this.#kept.row(place), kept: place, isNewest: place === kept - 1 }
  }

  /**
   * An odd input and the closest of the odd ones before it, by their values that are kept; good until the next call. It
   * is kept as well.
   */
  takeOdd(looked: Float64Array): OddPair | undefined {
    const x = this.#odd.valuesOf(looked)
    const count = this.#head[at.odd]!++
    const earlier = this.#odd.closest(x, count)
    this.#odd.keep(x, count)
    return earlier && { x, earlier }
  }

  /** A step was made from it: it is kept longer. */
  renew({ kept, isNewest }: Earlier): void {
    if (kept === undefined || isNewest) return
    const count = this.#head[at.kept]!
    // The newest stays the last.
    if (this.#isReduced) this.#kept.renew(kept, 0, count - 1)
    else this.#kept.renew(kept, this.#head[at.ringCount]!, count)
  }

  /**
   * Puts the input that was rounded last into the ring; `notes`: bits of `noted`. What leaves the ring may be kept,
   * unless it was a step itself.
   */
  remember(label: number, notes: number): void {
    const count = this.#head[at.ringCount]!++
    const place = count & ringMask
    if (this.#isReduced) {
      if ((notes & noted.step) === 0)
        this.#head[at.kept] = this.#kept.keepNewest(this.#ownBits, count, this.#head[at.kept]!)
    } else if (count >= ringSize && (this.#notes[place]! & noted.step) === 0) {
      this.#head[at.kept] = this.#kept.keep(this.#ringBits, place * this.dimension, count, this.#head[at.kept]!)
    }
    this.#ring.set(this.#rounding, place * this.dimension)
    this.#labels[place] = label
    this.#notes[place] = notes
  }

  #picked(x: Float16Array | Float64Array, into: Float64Array): Float64Array {
    const which = this.#kept.values
    for (let n = 0; n < which.length; n++) into[n] = x[which[n]!]!
    return into
  }
}
