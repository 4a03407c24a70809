/**
 * What an account shows among the queries that it makes of one base, however many others lie between: a search or an
 * inversion asks on around what it has found, and natural queries between its own take their places among the last eight.
 *
 * The first is made of one of the last eight queries; the others are unlike one of the last of the base in few values,
 * or near to it. Scenes, machines and tests go on so for hundreds of queries as well. What they hardly ever show is bet
 * on alone (evidence.ts), once there were many: pairs around one center, equal changes, and steps that are half of the
 * one before. Pure.
 */
import type { GroupEntries } from '../../types.ts'
import { noted, type Account } from '../account/account.ts'
import { roomFor, shows, usualToAll } from '../account/evidence.ts'
import type { Reference } from '../honest/reference.ts'
import { ringSize, type QueryInput } from '../../input/input.ts'
import { inUnits } from '../../input/units.ts'
import { surroundingsOf, type Surroundings } from '../shapes/geometry.ts'
import { singleMax } from '../shapes/scene.ts'
import { isPlace, type ShownInput } from './shown-input.ts'
import { areEven, isLarge, probedMin, type Shown } from './shown.ts'

const version = 1
/** So many queries of one base before the first bet: what is tried of a record ends before that. */
const longFrom = 24
/** Inputs that are kept until as many are asked as the bets need, since customers' inputs are alike by chance as well. */
const fewRows = 2
const keptFrom = longFrom - ringSize
/** So many others in a row end it. */
const idleMax = 24
/** A query is of the base where at most such a share of its values differ, or by such a share of the usual distance. */
const fewShare = 0.15
const nearShare = 0.4
/**
 * Of a step that is half of the one before it: by what share of that it may be off, what two inputs lose as they are kept
 * as a share of their length, and what of it all that may be.
 */
const halfNear = 0.02
const rounding = 2 ** -10
const offMost = 0.25

/** What an honest account may show of these: as much as of pairs and equal changes among the last eight, also where more is usual. */
const allowedLeast = 0.02
const kinds = [shows.pair, shows.added, shows.probe]
/** Who halves ways shows it in every tenth query, who estimates slopes in most. */
const gains = [0.1, 0.3, 0.9] as const
/** Each bet begins anew at each query, with this weight. */
const weight = 0.5
const valueMax = 1e30

/** Version, queries, others since the last of these, and values of an input; then the bets, and the inputs. */
const headBytes = 4
const betBytes = 4 * gains.length

export class OneBase {
  readonly #dimension: number
  /** Its queries, counted up to the first bet, and others since the last of them. */
  #count = 0
  #idle = 0
  readonly #values = new Float32Array(gains.length)
  /** The last of them, newest first. */
  #rows = new Float16Array(0)

  constructor(dimension: number) {
    this.#dimension = dimension
  }

  /** The mean R of its bets. */
  get value(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length
  }

  isOf(x: Float64Array, scale: number): boolean {
    const [rows, d] = [this.#rows, this.#dimension]
    if (x.length !== d) return false
    const [few, near] = [Math.floor(fewShare * d), (nearShare * scale) ** 2]
    for (let at = 0; at < rows.length; at += d) {
      let [changed, sum] = [0, 0]
      for (let i = 0; i < d; i++) {
        const step = x[i]! - rows[at + i]!
        if (step !== 0) changed++
        sum += step * step
      }
      if (changed <= few || sum < near) return true
    }
    return false
  }

  /** Another input was asked; false: it is over. */
  passes(): boolean {
    return ++this.#idle < idleMax
  }

  /**
   * Takes the next of its inputs; `tells`: whether it shows what is bet on, as it lies to the last, which an honest one
   * does with a probability of at most `allowed`. True: it does.
   */
  take(x: Float64Array, allowed: number, tells: (ring: readonly Float16Array[]) => boolean): boolean {
    this.#idle = 0
    if (this.#count < longFrom) this.#count++
    const isLong = this.#count === longFrom
    const does = isLong && tells(this.#ring())
    for (const [n, gain] of isLong ? gains.entries() : []) {
      const times = does ? (allowed + (1 - allowed) * gain) / allowed : 1 - gain
      this.#values[n] = Math.min(valueMax, (this.#values[n]! + weight) * times)
    }
    this.#keep(x)
    return does
  }

  #ring(): Float16Array[] {
    const d = this.#dimension
    return Array.from({ length: this.#rows.length / d }, (_, n) => this.#rows.subarray(n * d, (n + 1) * d))
  }

  #keep(x: Float64Array): void {
    const most = (this.#count < keptFrom ? fewRows : ringSize) * x.length
    if (this.#rows.length < most) {
      const more = new Float16Array(this.#rows.length + x.length)
      more.set(this.#rows, x.length)
      this.#rows = more
    } else this.#rows.copyWithin(x.length, 0)
    this.#rows.set(x)
  }

  toJSON(): string {
    const head = Buffer.of(version, this.#count, this.#idle, this.#dimension)
    return Buffer.concat([head, bytesOf(this.#values), bytesOf(this.#rows)]).toString('base64')
  }

  /** From the state, where it is a text after a restart. */
  static of(kept: unknown): OneBase | undefined {
    if (kept instanceof OneBase) return kept
    const bytes = typeof kept === 'string' ? Buffer.from(kept, 'base64') : Buffer.alloc(0)
    if (bytes.length < headBytes + betBytes || bytes[0] !== version) return undefined
    const base = new OneBase(bytes[3]!)
    const rows = (bytes.length - headBytes - betBytes) / 2 / base.#dimension
    if (!(Number.isInteger(rows) && rows >= Math.min(fewRows, bytes[1]!) && rows <= ringSize)) return undefined
    base.#count = Math.min(longFrom, bytes[1]!)
    base.#idle = bytes[2]!
    base.#rows = new Float16Array(rows * base.#dimension)
    bytes.copy(bytesOf(base.#values), 0, headBytes)
    bytes.copy(bytesOf(base.#rows), 0, headBytes + betBytes)
    return base
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float16Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

const name = 'base'

/** What a query shows among those of its base, and their mean R; `shown`: by itself. The account has yet to remember it. */
export function amongBase(
  entries: GroupEntries,
  account: Account,
  input: QueryInput,
  reference: Reference | undefined,
  shown: Shown,
): { readonly bits: number; readonly value: number } {
  const kept = OneBase.of(entries.get(name))
  if (reference === undefined || !isPlace(input)) return { bits: 0, value: kept?.value ?? 0 }
  const { scale, units } = reference.told
  const x = account.lastRounded
  if (kept?.isOf(x, scale) !== true) {
    if (kept?.passes() === true) entries.set(name, kept)
    else if (kept !== undefined) entries.delete(name)
    else if ((shown.notes & noted.made) !== 0) {
      const begun = new OneBase(x.length)
      begun.take(x, usualToAll, () => false)
      entries.set(name, begun)
    }
    return { bits: 0, value: kept?.value ?? 0 }
  }
  const isSynthetic = (shown.notes & noted.odd) !== 0
  const does = kept.take(x, roomFor(kinds, allowedLeast, reference.told), (ring) => {
    if (isHalved(x, ring)) return true
    const placed = units === undefined ? input : { ...input, x: inUnits(input.x, units), values: undefined }
    return isSlope(placed, surroundingsOf(x, ring, scale, isSynthetic), scale)
  })
  entries.set(name, kept)
  return { bits: does ? shows.ofBase : 0, value: kept.value }
}

/** Made so that a slope is estimated, or added up from changes that were. `input`: in the units of the model's table. */
function isSlope(input: ShownInput, around: Surroundings, scale: number): boolean {
  if (around.pair && !around.still) return true
  return isLarge(input, around.added, scale) || (around.close && areEven(around.even, probedMin))
}

/** Whether the step to the input is half of the one before it, there or back, in more values than are changed by hand. */
function isHalved(x: Float64Array, [last, before]: readonly ArrayLike<number>[]): boolean {
  let [square, on, back, old, changed] = [0, 0, 0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    const [step, half] = [x[i]! - last![i]!, (last![i]! - before![i]!) / 2]
    square += x[i]! * x[i]!
    on += (step - half) ** 2
    back += (step + half) ** 2
    old += 4 * half * half
    if (step !== 0) changed++
  }
  const most = halfNear * Math.sqrt(old) + rounding * Math.sqrt(square)
  return (
    changed > Math.max(singleMax, fewShare * x.length) &&
    most < (offMost / 2) * Math.sqrt(old) &&
    Math.min(on, back) < most * most
  )
}
