/**
 * What an account keeps of inputs that have left its ring: a few, for long, by which later steps from them are known (steps.ts).
 *
 * Until there is no more room each is kept, then one in so many, in place of the one that was kept longest. One that a step was made
 * from begins anew. Oldest first, of each the values that are looked at, as 16-bit numbers.
 */
import { roomFor, valuesLookedAt } from './steps.ts'

export class Kept {
  /** Which values of an input are looked at. */
  readonly values: Uint8Array
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
    const numbers = this.#numbers
    let place = -1
    for (let row = 0, first = 0; row < count; row++, first += x.length) {
      let sum = 0
      for (let n = 0; n < x.length && sum < least; n++) {
        const difference = x[n]! - numbers[first + n]!
        sum += difference * difference
      }
      if (sum > 0 && sum < least) {
        least = sum
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

  /** Takes the n-th input of an account that leaves the ring, which begins at `first` there; how many are kept then, of `count`. */
  keep(ring: Uint16Array, first: number, n: number, count: number): number {
    const isFull = count === this.#rows
    if (isFull && n % this.#every !== 0) return count
    if (isFull) this.#bits.copyWithin(0, this.values.length)
    const at = (isFull ? count - 1 : count) * this.values.length
    for (let i = 0; i < this.values.length; i++) this.#bits[at + i] = ring[first + this.values[i]!]!
    return isFull ? count : count + 1
  }

  /** Puts one behind all others. */
  renew(place: number, count: number): void {
    const width = this.values.length
    const row = this.#bits.slice(place * width, (place + 1) * width)
    this.#bits.copyWithin(place * width, (place + 1) * width, count * width)
    this.#bits.set(row, (count - 1) * width)
  }
}
