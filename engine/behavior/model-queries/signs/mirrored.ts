/**
 * Whether the steps of a search there come again as steps back: estimates of a gradient ask pairs around one center
 * (Salimans et al. 2017, "antithetic sampling"; Ilyas et al. 2018), and mostly all steps there before all steps back,
 * twenty and more of each.
 *
 * pairs.ts knows pairs among the last eight, by what is kept of these in 16 bits. Here the changes from one input to
 * the next are kept, of a few values: x + u₁ … x + uₘ, x - u₁ … x - uₘ makes the same changes twice, the second time
 * the other way round, and x + u₁, x - u₁, x + u₂, x - u₂ makes three that add up to nothing, the middle one taken
 * twice. What swings to and fro along one line, or comes round again, does so as well and counts as neither; nor does
 * what goes back as it came. Kept only while inputs are made of earlier ones or unlike honest ones. Pure.
 */
import type { GroupEntries } from '../../types.ts'
import { noted } from '../account/account.ts'
import { shows } from '../account/evidence.ts'
import type { QueryInput } from '../../input/input.ts'
import { keepable } from '../../input/rows.ts'
import { pairMin } from '../shapes/pairs.ts'
import type { Shown } from './shown.ts'
import { inUnits, type Units } from '../../input/units.ts'

/** Values that are looked at; changes that are kept: steps there of which there are more are not found again. */
const valuesMax = 16
const changesMax = 48
/** As shares of the largest change: what is no change, and how exactly they must fit; and the share of values that need not. */
const small = 0.1
const near = 0.03
const off = 0.1
/**
 * Squares of the cosines from which two changes go along one line, and from which two in a row go round: those of
 * independent steps turn back, by -1/2 on the average.
 */
const alongLine = 0.9
const goesRound = 0.5
/** So many others in a row end it. */
const idleMax = 8

export class Mirrored {
  /**
   * Values of an input, and which of them are looked at; those of the newest input; and of the last changes, from place
   * `count` modulo `changesMax` on the oldest, once there are any.
   */
  readonly #length: number
  readonly #which: Uint16Array
  readonly #newest: Float64Array
  #changes: Float16Array
  #count: number
  #idle: number

  private constructor(
    length: number,
    which: Uint16Array,
    newest: Float64Array,
    changes: Float16Array,
    count: number,
    idle: number,
  ) {
    this.#length = length
    this.#which = which
    this.#newest = newest
    this.#changes = changes
    this.#count = count
    this.#idle = idle
  }

  /** Undefined: it has too few values. */
  static begin(values: ArrayLike<number>): Mirrored | undefined {
    if (values.length < pairMin) return undefined
    // Scaled inputs are cut off at 0 and 1: what is near to that says least.
    const room = Float64Array.from(values, (value) => Math.min(Math.abs(value), Math.abs(value - 1)))
    const least = room.toSorted()[Math.max(0, room.length - valuesMax)]!
    const places: number[] = []
    for (let n = 0; n < room.length; n++) if (room[n]! >= least) places.push(n)
    places.sort((a, b) => room[b]! - room[a]! || a - b)
    const which = Uint16Array.from(places.slice(0, valuesMax))
    const newest = Float64Array.from(which, (n) => values[n]!)
    return new Mirrored(values.length, which, newest, new Float16Array(0), 0, 0)
  }

  /** Whether it is kept of inputs of so many values. */
  isOf(length: number): boolean {
    return length === this.#length
  }

  /** Takes the next input that is made of earlier ones; whether its change is an earlier one, the other way round. */
  take(values: ArrayLike<number>): boolean {
    this.#idle = 0
    const { length } = this.#which
    if (this.#count === 0) this.#changes = new Float16Array(changesMax * length)
    const place = (this.#count++ % changesMax) * length
    for (let n = 0; n < length; n++) {
      const [value, before] = [values[this.#which[n]!]!, this.#newest[n]!]
      this.#changes[place + n] = isEnd(value) || isEnd(before) ? NaN : keepable(value - before)
      this.#newest[n] = value
    }
    const before = this.#back(1)
    if (before === undefined || this.#isOnLine(place, before, goesRound)) return false
    const twice = this.#back(2)
    // Between the two at which it turns back nothing changed.
    const isTurn = this.#largest(before) < small * this.#largest(place)
    if (twice !== undefined && !isTurn && this.#addUp(place, before, 2, twice)) return true
    const most = Math.min(this.#count, changesMax) - 1
    for (let back = 2; back < most; back++) {
      // On a way there and back they come again in the other order.
      if (!this.#addUp(place, this.#back(back)!, 1) || !this.#addUp(before, this.#back(back + 1)!, 1)) continue
      const again = 2 * back <= most ? this.#back(2 * back) : undefined
      return again === undefined || !this.#isOnLine(place, again, alongLine)
    }
    return false
  }

  /** Another input was asked; false: it is not looked at any longer. */
  passes(): boolean {
    return ++this.#idle < idleMax
  }

  /** Where the n-th change before the newest begins. */
  #back(n: number): number | undefined {
    if (n >= Math.min(this.#count, changesMax)) return undefined
    return ((this.#count - 1 - n) % changesMax) * this.#which.length
  }

  /** Whether a change and so many times another, and a third one, come to nothing in nearly all values. */
  #addUp(newest: number, other: number, times: number, third?: number): boolean {
    const changes = this.#changes
    const largest = this.#largest(newest)
    if (largest === 0) return false
    let [active, isOff] = [0, 0]
    for (let n = 0; n < this.#which.length; n++) {
      const own = changes[newest + n]!
      const rest = times * changes[other + n]! + (third === undefined ? 0 : changes[third + n]!)
      // What was cut off says nothing.
      if (Number.isNaN(own + rest) || (Math.abs(own) < small * largest && Math.abs(rest) < small * largest)) continue
      active++
      if (Math.abs(own + rest) > near * largest && ++isOff > 1 + off * active) return false
    }
    return active >= pairMin && isOff <= off * active
  }

  #largest(change: number): number {
    let most = 0
    for (let n = 0; n < this.#which.length; n++) {
      const size = Math.abs(this.#changes[change + n]!)
      if (size > most) most = size
    }
    return most
  }

  /** `same`: square of the cosine from which it is so where both go the same way. */
  #isOnLine(a: number, b: number, same: number): boolean {
    const changes = this.#changes
    let [aa, ab, bb] = [0, 0, 0]
    for (let n = 0; n < this.#which.length; n++) {
      const [one, other] = [changes[a + n]!, changes[b + n]!]
      if (Number.isNaN(one + other)) continue
      aa += one * one
      ab += one * other
      bb += other * other
    }
    return ab * ab >= (ab > 0 ? same : alongLine) * aa * bb
  }

  toJSON(): string {
    const rows = Math.min(this.#count, changesMax) * this.#which.length
    const numbers = Uint16Array.of(this.#which.length, this.#idle, this.#length, ...this.#which)
    const count = Float64Array.of(this.#count, ...this.#newest)
    return Buffer.concat(
      [numbers, count, this.#changes.subarray(0, rows)].map((part) =>
        Buffer.from(part.buffer, part.byteOffset, part.byteLength),
      ),
    ).toString('base64')
  }

  /** From the state, where it is a text after a restart. */
  static of(kept: unknown): Mirrored | undefined {
    if (kept instanceof Mirrored) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Buffer.from(kept, 'base64')
    const length = bytes.length < 6 ? 0 : bytes.readUInt16LE(0)
    const head = 6 + 2 * length
    const end = head + 8 * (1 + length)
    if (length < pairMin || length > valuesMax || bytes.length < end) return undefined
    const which = Uint16Array.from({ length }, (_, n) => bytes.readUInt16LE(6 + 2 * n))
    const [count, ...newest] = Array.from({ length: 1 + length }, (_, n) => bytes.readDoubleLE(head + 8 * n))
    const changes = new Float16Array(count === 0 ? 0 : changesMax * length)
    if (!Number.isSafeInteger(count) || count! < 0) return undefined
    if (bytes.length !== end + 2 * length * Math.min(count!, changesMax)) return undefined
    Buffer.from(changes.buffer).set(bytes.subarray(end))
    return new Mirrored(bytes.readUInt16LE(4), which, Float64Array.from(newest), changes, count!, bytes.readUInt16LE(2))
  }
}

/** Scaled inputs are cut off there. */
function isEnd(value: number): boolean {
  return value === 0 || value === 1
}

const name = 'mirrored'

/**
 * What a query shows, with what is known of pairs among all that was made of earlier inputs, or is unlike honest ones,
 * shortly before. `units`: of the model's table.
 */
export function withPairs(entries: GroupEntries, input: QueryInput, units: Units | undefined, shown: Shown): Shown {
  const kept = Mirrored.of(entries.get(name))
  const isMade = (shown.counts & shows.pair) !== 0 && (shown.notes & (noted.made | noted.copy | noted.odd)) !== 0
  if (!isMade) {
    if (kept?.passes() === true) entries.set(name, kept)
    else if (kept !== undefined) entries.delete(name)
    return shown
  }
  const values = units === undefined ? (input.values ?? input.x) : inUnits(input.x, units)
  if (kept?.isOf(values.length) !== true) {
    const begun = Mirrored.begin(values)
    if (begun !== undefined) entries.set(name, begun)
    return shown
  }
  const isPair = kept.take(values)
  entries.set(name, kept)
  return isPair ? { ...shown, bits: shown.bits | shows.pair } : shown
}
