/**
 * What an account keeps of its odd inputs: the last ones, for long, by which those are known that were made of each other.
 *
 * Who mixes an augmentation with many natural inputs leaves hours between an input and what is made of it, past all
 * that is kept of all of them (kept.ts). Of natural inputs few are odd, so that those that are kept go far back. Some
 * values of each, as 16-bit numbers.
 */
import { closestRow } from '../../input/rows.ts'
import { widthOf } from '../shapes/steps.ts'

const rows = 48
const valuesMost = 16

/** How many values of an input are kept. */
function widthOfOdd(dimension: number): number {
  return Math.min(valuesMost, widthOf(dimension))
}

/** Bytes of those that are kept when an account has had so many. */
export function oddBytes(dimension: number, count: number): number {
  return 2 * Math.min(rows, count) * widthOfOdd(dimension)
}

/** Most that `oddBytes` says. */
export function oddBytesMax(dimension: number): number {
  return oddBytes(dimension, rows)
}

/** An odd input and one before it: their values that are kept. */
export interface OddPair {
  readonly x: Float64Array
  readonly earlier: Float64Array
}

export class OddOnes {
  /** 16-bit numbers. */
  readonly bytes: Buffer
  readonly #numbers: Float16Array
  readonly #row: Float64Array
  readonly #x: Float64Array

  constructor(dimension: number) {
    const buffer = new ArrayBuffer(oddBytesMax(dimension))
    this.bytes = Buffer.from(buffer)
    this.#numbers = new Float16Array(buffer)
    this.#row = new Float64Array(widthOfOdd(dimension))
    this.#x = new Float64Array(this.#row.length)
  }

  /** Of the values of an input that are looked at for steps, those that are kept; good until the next call. */
  valuesOf(looked: Float64Array): Float64Array {
    const x = this.#x
    for (let n = 0; n < x.length; n++) x[n] = looked[Math.floor((n * looked.length) / x.length)]!
    return x
  }

  /** The closest one, of `count` that there were; undefined: there was none but the same. Good until the next call. */
  closest(x: Float64Array, count: number): Float64Array | undefined {
    const place = closestRow(this.#numbers, x, Math.min(rows, count), Infinity)
    if (place < 0) return undefined
    for (let n = 0; n < x.length; n++) this.#row[n] = this.#numbers[place * x.length + n]!
    return this.#row
  }

  /** Takes the one after the first `count`, in place of the oldest where there is no more room. */
  keep(x: Float64Array, count: number): void {
    this.#numbers.set(x, (count % rows) * x.length)
  }
}
