/**
 * Whether a query is an earlier one and a step that is as long in each column as another step was, from another input
 * and in other directions.
 *
 * Training data is augmented by the sign of a gradient in the units of a copy (Papernot et al. 2017, Juuti et al.
 * 2019): standardized, or scaled to the range of each column. In a table whose columns are as they are logged such a
 * step is longer in one column than in another (steps.ts knows those of one length), but in each column always as long.
 * So the last steps from what lies near are kept, value for value. Records that are changed by one and the same amount,
 * or its opposite, as where one scenario is worked out for many, are none. How often the differences of honest inputs
 * are as long as earlier ones is learned (usual.ts); of who shows it oftener, as inputs that are read in coarse steps
 * do, its own steps tell. Pure.
 */
import type { GroupEntries } from '../../types.ts'
import type { Account } from '../account/account.ts'
import { shows } from '../account/evidence.ts'
import { dimensionMax, isPicture, type InputKind, type QueryInput } from '../../input/input.ts'
import type { ToldReference } from '../honest/reference.ts'
import type { Shown } from './shown.ts'
import { equalMin, tailOf } from '../shapes/steps.ts'

/** Steps that are kept, and how many of their values are. */
const rows = 8
const widthMax = 16
/** How near an earlier input is that a step may have been made from, as a share of what honest queries are apart. */
const nearShare = 0.5
/** What equal lengths may differ by, as a share of them, and what 16 bits lose of the values that they lie between. */
const equalShare = 0.015
const rounding = 2 ** -10
/** Columns of the learned rate that those of an account's own steps are drawn to. */
const drawn = 20
/** Natural differences are as even as one of the steps that are kept with a probability of about e to the minus this. */
const logOdds = 11

/** How a step compares with those that were kept. */
interface Likeness {
  /** Columns that change on either, and those that change by the same. */
  readonly differ: number
  readonly equal: number
  /** The more of what is small counts as equal, the oftener two are. */
  readonly chance: number
  /** Some of the equal ones go the same way and some the other way. */
  readonly isOther: boolean
}

export class Strides {
  readonly width: number
  /** Of each step the changes of the columns; as many steps as there are. */
  #numbers: Float16Array
  /** The row that is replaced next, once there is no more room. */
  #oldest: number

  constructor(width: number, numbers = new Float16Array(0), oldest = 0) {
    this.width = width
    this.#numbers = numbers
    this.#oldest = oldest
  }

  get isEmpty(): boolean {
    return this.#numbers.length === 0
  }

  /** How the step from `earlier` to `x` compares with each that was kept. */
  likenesses(x: Float64Array, earlier: Float64Array): readonly Likeness[] {
    const changes = Float64Array.from({ length: this.width }, (_, n) => {
      const place = placeOf(n, this.width, x.length)
      return x[place]! - earlier[place]!
    })
    const all: Likeness[] = []
    for (let at = 0; at < this.#numbers.length; at += this.width) all.push(this.#likeness(x, changes, at))
    return all
  }

  /**
   * How often those that were kept are as long as each other, where honest ones are so with this probability: inputs
   * read in coarse steps are often.
   */
  alikeAmong(x: Float64Array, learned: number): number {
    let [differ, equal] = [drawn, drawn * learned]
    for (let at = this.width; at < this.#numbers.length; at += this.width) {
      const changes = this.#numbers.subarray(at, at + this.width)
      for (let before = 0; before < at; before += this.width) {
        const each = this.#likeness(x, changes, before)
        differ += each.differ
        equal += each.equal
      }
    }
    return equal / differ
  }

  #likeness(x: Float64Array, changes: ArrayLike<number>, at: number): Likeness {
    const [numbers, width] = [this.#numbers, this.width]
    let [differ, equal, same, chance] = [0, 0, 0, 0]
    for (let n = 0; n < width; n++) {
      const [change, other] = [changes[n]!, numbers[at + n]!]
      const lost = rounding * Math.max(1, Math.abs(x[placeOf(n, width, x.length)]!))
      if (Math.abs(change) <= lost && Math.abs(other) <= lost) continue
      differ++
      const room = equalShare * Math.abs(other) + lost
      if (Math.abs(Math.abs(change) - Math.abs(other)) > room) continue
      equal++
      chance += room / Math.max(room, Math.abs(other))
      if (change > 0 === other > 0) same++
    }
    return {
      differ,
      equal,
      chance: equal === 0 ? 0 : (2 * chance) / equal,
      isOther: same > 0 && same < equal,
    }
  }

  /** In place of the oldest where there is no more room. */
  keep(x: Float64Array, earlier: Float64Array): void {
    const width = this.width
    const isFull = this.#numbers.length === rows * width
    const at = isFull ? width * this.#oldest : this.#numbers.length
    if (isFull) this.#oldest = (this.#oldest + 1) % rows
    else {
      const more = new Float16Array(at + width)
      more.set(this.#numbers)
      this.#numbers = more
    }
    for (let n = 0; n < width; n++) {
      const place = placeOf(n, width, x.length)
      this.#numbers[at + n] = x[place]! - earlier[place]!
    }
  }

  toJSON(): string {
    const { buffer, byteOffset, byteLength } = this.#numbers
    return Buffer.concat([Buffer.of(this.width, this.#oldest), Buffer.from(buffer, byteOffset, byteLength)]).toString(
      'base64',
    )
  }

  /** From the state, where it is a text after a restart. */
  static of(kept: unknown): Strides | undefined {
    if (kept instanceof Strides) return kept
    if (typeof kept !== 'string') return undefined
    const bytes = Buffer.from(kept, 'base64')
    const [width = 0, oldest = rows] = bytes
    const length = (bytes.length - 2) / 2
    if (width < equalMin || width > widthMax || oldest >= rows) return undefined
    if (length < 0 || length % width !== 0 || length > rows * width) return undefined
    const numbers = new Float16Array(length)
    Buffer.from(numbers.buffer).set(bytes.subarray(2))
    return new Strides(width, numbers, oldest)
  }
}

/** Those that are looked at lie evenly among all. */
function placeOf(n: number, width: number, length: number): number {
  return Math.floor((n * length) / width)
}

/**
 * Whether `earlier` lies so near to an input of `dimension` values, of which these are looked at, that a step may have
 * been made from it.
 */
function isNear(x: Float64Array, earlier: Float64Array, dimension: number, scale: number): boolean {
  const most = (nearShare * scale) ** 2 * (x.length / dimension)
  let sum = 0
  for (let n = 0; n < x.length && sum < most; n++) sum += (x[n]! - earlier[n]!) ** 2
  return sum < most
}

function isEqual({ differ, equal, chance }: Likeness, learned: number): boolean {
  return equal >= equalMin && tailOf(equal, differ, Math.max(learned, chance)) >= logOdds
}

/**
 * What is kept of an account: steps between inputs of which both are unlike most honest ones, and all others, which are
 * many among natural ones.
 */
export class StridesKept {
  readonly all: Strides
  readonly odd: Strides

  constructor(width: number, all = new Strides(width), odd = new Strides(width)) {
    this.all = all
    this.odd = odd
  }
}

const names = { all: 'strides', odd: 'odd strides' } as const

/** What a query shows, with what is known of steps before it. The account has yet to remember it. */
export function withStrides(
  entries: GroupEntries,
  account: Account,
  input: TableInput,
  told: ToldReference | undefined,
  shown: Shown,
): Shown {
  if (told === undefined || !isTable(input)) return shown
  const width = widthOf(account.dimension)
  const read = (name: string): Strides | undefined => {
    const strides = Strides.of(entries.get(name))
    return strides?.width === width ? strides : undefined
  }
  const kept = new StridesKept(width, read(names.all), read(names.odd))
  const now = besidesStrides(kept, account, input, told, shown)
  if (!kept.all.isEmpty) entries.set(names.all, kept.all)
  if (!kept.odd.isEmpty) entries.set(names.odd, kept.odd)
  return now
}

/** The same with these steps before it. What is like none of them is kept among them. */
export function besidesStrides(
  kept: StridesKept,
  account: Account,
  input: TableInput,
  { strides: learned, scale }: Pick<ToldReference, 'strides' | 'scale'>,
  shown: Shown,
): Shown {
  if (learned === undefined || !isTable(input) || (shown.counts & shows.step) === 0) return shown
  if ((shown.bits & (shows.step | shows.stepAbout | shows.sparse)) !== 0) return shown
  const isAnother = (strides: Strides, x: Float64Array, earlier: Float64Array): boolean => {
    if (!isNear(x, earlier, account.dimension, scale)) return false
    const equal = strides.likenesses(x, earlier).filter((each) => isEqual(each, learned))
    if (equal.length === 0) strides.keep(x, earlier)
    if (!equal.some(({ isOther }) => isOther)) return false
    const own = strides.alikeAmong(x, learned)
    return equal.some((each) => each.isOther && isEqual(each, own))
  }
  const x = account.lookedAt()
  const closest = account.closest()
  const step = closest?.isNewest === false && isAnother(kept.all, x, closest.values) ? shows.step : 0
  const { odd } = shown
  const oddStep = odd !== undefined && isAnother(kept.odd, odd.x, odd.earlier) ? shows.oddStep : 0
  return { ...shown, bits: shown.bits | step | oddStep }
}

type TableInput = Pick<QueryInput, 'kind' | 'x'>

/** Of pictures and what is scaled to a range all steps are of one length; what was reduced to fewer values has no columns. */
export function isTable({ kind, x }: { readonly kind: InputKind; readonly x: ArrayLike<number> }): boolean {
  return kind === 'features' && x.length >= equalMin && x.length < dimensionMax && !isPicture(x)
}

/** How many columns of a table are compared. */
export function widthOf(dimension: number): number {
  return Math.min(widthMax, dimension)
}

/**
 * How often the differences of honest inputs to what lies near are as long as earlier ones in the same columns, in the
 * units of their table: of each account, columns that were compared and those that were equal.
 */
export class StridesSeen {
  compared = 0
  equal = 0
  readonly #strides: Strides

  constructor(dimension: number) {
    this.#strides = new Strides(widthOf(dimension))
  }

  take(account: Account, scale: number): void {
    const x = account.lookedAt()
    const closest = account.closest()
    if (closest === undefined || closest.isNewest || !isNear(x, closest.values, account.dimension, scale)) return
    for (const { differ, equal } of this.#strides.likenesses(x, closest.values)) {
      this.compared += differ
      this.equal += equal
    }
    this.#strides.keep(x, closest.values)
  }
}
