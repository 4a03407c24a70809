/**
 * Whether one value after another of one base is changed by the same, however little: so slopes are estimated by finite
 * differences (Chen et al. 2017, ZOO: steps of a ten-thousandth, to both sides) and so a search keeps what helped (Guo
 * et al. 2019, SimBA).
 *
 * even.ts looks among the last inputs, which are kept as 16-bit numbers: changes that these don't tell, and more values
 * than there are inputs, are known here of one base alone, which is kept as 32-bit numbers and told value for value:
 * from the first input that is another one in two values at most, as far as 16 bits tell, until one that is of no such
 * kind. What is common is found as the majority is (Boyer and Moore 1991), so a few changes that were cut off do no
 * harm. Pure; natural inputs have no base and cost nothing.
 */
import { isOffGridBy, type EvenChanges } from './even.ts'

/** Words behind the base: what is in `at`. */
const words = 6
const at = { size: 0, first: 1, votes: 2, state: 3, tried: 4 } as const
const begun = 1
const offGrid = 2
/** What of a change equal ones may differ by; and what is lost of a number that is kept with 24 bits, as a share of it. */
const near = 0.02
const rounding = 2 ** -22
const none = 0xff

/** One value that was changed alone; and what it is in the base. */
export interface SingleChange {
  readonly value: number
  readonly base: number
}

export interface Slope extends EvenChanges {
  readonly change?: SingleChange
}

const noSlope: Slope = { alone: 0, isOffGrid: false }
const differing = new Uint8Array(2)

/** Bytes that the base of inputs of so many values takes. */
export function slopesBytes(dimension: number): number {
  return 4 * (dimension + words)
}

export class Slopes {
  readonly #base: Float32Array
  readonly #numbers: Float32Array
  readonly #bits: Uint32Array
  /** The same memory: what is to be kept where it has begun. */
  readonly bytes: Buffer
  #small = 0

  constructor(dimension: number) {
    const buffer = new ArrayBuffer(slopesBytes(dimension))
    this.#base = new Float32Array(buffer, 0, dimension)
    this.#numbers = new Float32Array(buffer, 4 * dimension, words)
    this.#bits = new Uint32Array(buffer, 4 * dimension, words)
    this.bytes = Buffer.from(buffer)
  }

  /** There is a base. */
  get hasBegun(): boolean {
    return (this.#bits[at.state]! & begun) !== 0
  }

  end(): void {
    this.#bits[at.state] = 0
  }

  /**
   * Takes the next input of the account; `isVariant`: it is one of the last ones in all but two values; `small`: less
   * than what anybody draws or puts in.
   */
  take(x: Float64Array, isVariant: boolean, small = 0): Slope {
    this.#small = small
    const count = this.hasBegun ? this.#differing(x) : 3
    if (count === 0) return noSlope
    if (count > 2) {
      if (isVariant) this.#begin(x)
      else this.end()
      return noSlope
    }
    const value = differing[0]!
    if (count === 1) {
      const before = this.#base[value]!
      this.#setLast(value, none)
      return this.#changed(this.#count(x[value]!, before, value), value)
    }
    // What was changed last was kept, or is the base's own: the base is what it is without the other.
    const [a, b] = [this.#last(0), this.#last(1)]
    const own = [value, differing[1]!].find((each) => each === a || each === b)
    this.#setLast(value, differing[1]!)
    if (own === undefined) return noSlope
    const other = own === value ? differing[1]! : value
    return this.#changed(this.#countBeside(x, other, own), other)
  }

  #changed({ alone, isOffGrid }: EvenChanges, value: number): Slope {
    return { alone, isOffGrid, change: { value, base: this.#base[value]! } }
  }

  /** How many values differ, up to three; which do. */
  #differing(x: Float64Array): number {
    const base = this.#base
    let count = 0
    for (let n = 0; n < base.length; n++) {
      if (Math.fround(x[n]!) === base[n]!) continue
      if (count === 2) return 3
      differing[count++] = n
    }
    return count
  }

  #begin(x: Float64Array): void {
    this.#base.set(x)
    this.#bits.fill(0)
    this.#bits[at.state] = begun
    this.#setLast(none, none)
  }

  /**
   * One value was changed, and the base is another one in its own. That is its own change, which tells as any other
   * where it is as large, and what was taken for one before lay on the other side of it; or a search has moved on by
   * what slopes have told it.
   */
  #countBeside(x: Float64Array, value: number, own: number): EvenChanges {
    const [was, before] = [this.#base[own]!, this.#base[value]!]
    this.#setLast(value, none)
    this.#base[own] = x[own]!
    if (this.#numbers[at.votes] === 1 && !this.#isCommon(x[value]!, before)) this.#numbers[at.votes] = 0
    const changes = this.#count(x[value]!, before, value)
    return this.#isCommon(was, x[own]!) ? this.#count(was, x[own]!, own) : changes
  }

  #isCommon(now: number, before: number): boolean {
    const common = this.#numbers[at.size]!
    return Math.abs(Math.abs(now - before) - common) <= near * common + lostOf(now, before)
  }

  #count(now: number, before: number, value: number): EvenChanges {
    const [numbers, bits] = [this.#numbers, this.#bits]
    const size = Math.abs(now - before)
    const lost = lostOf(now, before)
    if (numbers[at.votes] === 0 || !this.#isCommon(now, before)) {
      // Scaled inputs are cut off at both ends. A change away from one is not; but ink on white is one, and a word that
      // comes in, if no small one.
      if (now === 0 || now === 1 || ((before === 0 || before === 1) && size >= this.#small)) return noSlope
      if (numbers[at.votes]! > 0) {
        numbers[at.votes]!--
        return noSlope
      }
      bits[at.tried] = bits[at.tried + 1] = 0
      bits[at.state]! &= ~offGrid
      numbers[at.size] = size
      numbers[at.first] = now
    }
    const word = at.tried + (value >> 5)
    const bit = 1 << (value & 31)
    if ((bits[word]! & bit) === 0) {
      bits[word]! |= bit
      numbers[at.votes]!++
    }
    if (isOffGridBy(now, numbers[at.first]!, size, lost)) bits[at.state]! |= offGrid
    return {
      alone: ones(bits[at.tried]!) + ones(bits[at.tried + 1]!),
      isOffGrid: (bits[at.state]! & offGrid) !== 0,
    }
  }

  #last(n: 0 | 1): number {
    return (this.#bits[at.state]! >>> (8 + 8 * n)) & none
  }

  #setLast(a: number, b: number): void {
    this.#bits[at.state] = (this.#bits[at.state]! & none) | (a << 8) | (b << 16)
  }
}

/** Of the difference of two numbers that are kept with 24 bits. */
function lostOf(a: number, b: number): number {
  return rounding * Math.max(Math.abs(a), Math.abs(b))
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
