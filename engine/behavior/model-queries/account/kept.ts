/**
 * What an account keeps of inputs that have left its ring: a few, for long, by which later steps from them are known (steps.ts).
 *
 * Until there is no more room each is kept, then one in so many, in place of the one that was kept longest. Of an
 * account that has asked for long half of the room is for its last inputs, so that a theft that begins then is known by
 * steps from what it began with. One that a step was made from begins anew. Of inputs that are reduced, whose own
 * values the ring does not have, they are kept at once, and the newest is always there. Oldest first, of each the
 * values that are looked at, as 16-bit numbers.
 */
import { dimensionMax } from '../../input/input.ts'
import { roomFor, valuesLookedAt } from '../shapes/steps.ts'
import { closestRow } from '../../input/rows.ts'

/** Sums of up to so many values still show steps: mostly they go one way, or all but one do. */
const summedMax = 4

/** From so many inputs of an account on half of the rows are for the last ones alone, of which one in so many is kept. */
const longFrom = 512
const shortlyEvery = 4

/** Whether an input of so many values was reduced so far that steps show in its own values alone. */
export function isSummedUp(length: number, dimension: number): boolean {
  return length > summedMax * dimension
}

function isLong(n: number): boolean {
  return n >= longFrom
}

/** Which values are looked at of inputs of so many that they are reduced. */
const ofReduced = new Map<number, Uint16Array>()

/** The same number of them as of what inputs are reduced to. */
export function valuesOfReduced(length: number): Uint16Array {
  let values = ofReduced.get(length)
  if (values === undefined) ofReduced.set(length, (values = valuesLookedAt(Math.max(dimensionMax, length))))
  return values
}

export class Kept {
  /** Which values of an input are looked at. */
  readonly values: Uint16Array
  readonly #rows: number
  readonly #every: number
  readonly #bits: Uint16Array
  /** The same memory. */
  readonly #numbers: Float16Array
  readonly #row: Float64Array

  constructor(buffer: ArrayBuffer, at: number, dimension: number) {
    const { rows, every } = roomFor(dimension)
    this.values = valuesLookedAt(dimension)
    this.#rows = rows
    this.#every = every
    this.#bits = new Uint16Array(buffer, at, rows * this.values.length)
    this.#numbers = new Float16Array(buffer, at, rows * this.values.length)
    this.#row = new Float64Array(this.values.length)
  }

  /** The place of the one that is closest to an input's values, of `count`; -1: none is closer than the root of `least`. */
  closest(x: Float64Array, count: number, least: number): number {
    return closestRow(this.#numbers, x, count, least)
  }

  /**
   * The place of the one of which no value is further from an input's than of others; -1: there is none. Of a few
   * values of a picture most are background: by their sum another picture may be closer than the one that a step was
   * made from.
   */
  leastApart(x: Float64Array, count: number): number {
    const numbers = this.#numbers
    let least = Infinity
    let place = -1
    for (let row = 0, first = 0; row < count; row++, first += x.length) {
      let most = 0
      for (let n = 0; n < x.length && most < least; n++) {
        const difference = Math.abs(x[n]! - numbers[first + n]!)
        if (difference > most) most = difference
      }
      if (most > 0 && most < least) {
        least = most
        place = row
      }
    }
    return place
  }

  /** Good until the next call. */
  row(place: number): Float64Array {
    const first = place * this.#row.length
    for (let n = 0; n < this.#row.length; n++) this.#row[n] = this.#numbers[first + n]!
    return this.#row
  }

  /**
   * Takes the n-th input of an account that leaves the ring, which begins at `first` there; how many are kept then, of
   * `count`.
   */
  keep(ring: Uint16Array, first: number, n: number, count: number): number {
    const isFull = count === this.#rows
    const isDue = n % this.#every === 0
    if (isFull && !isDue && !(isLong(n) && n % shortlyEvery === 0)) return count
    if (isFull) this.#drop(isDue ? 0 : this.#lasting)
    const at = (isFull ? count - 1 : count) * this.values.length
    for (let i = 0; i < this.values.length; i++) this.#bits[at + i] = ring[first + this.values[i]!]!
    return isFull ? count : count + 1
  }

  /** Takes the n-th input of an account at once, as the newest; how many are kept then, of `count`. */
  keepNewest(bits: Uint16Array, n: number, count: number): number {
    const isFull = count === this.#rows
    if (isFull && n % this.#every === 0) this.#bits.copyWithin(0, this.values.length)
    this.#bits.set(bits, (isFull ? count - 1 : count) * this.values.length)
    return isFull ? count : count + 1
  }

  /** Puts one behind all others of `count` that are kept for long, where the account has had `n` inputs. */
  renew(place: number, n: number, count: number): void {
    const width = this.values.length
    const last = count === this.#rows && isLong(n) ? this.#lasting - 1 : count - 1
    const row = this.#bits.slice(place * width, (place + 1) * width)
    if (place > last) {
      // The one that was kept longest goes in its place, as the next that is dropped there.
      const oldest = this.#bits.slice(0, width)
      this.#bits.copyWithin((last + 2) * width, (last + 1) * width, place * width)
      this.#bits.copyWithin(0, width, (last + 1) * width)
      this.#bits.set(oldest, (last + 1) * width)
    } else this.#bits.copyWithin(place * width, (place + 1) * width, (last + 1) * width)
    this.#bits.set(row, last * width)
  }

  #drop(row: number): void {
    const width = this.values.length
    this.#bits.copyWithin(row * width, (row + 1) * width, this.#rows * width)
  }

  /** Rows that are kept for long; those behind them are not. */
  get #lasting(): number {
    return this.#rows >> 1
  }
}
