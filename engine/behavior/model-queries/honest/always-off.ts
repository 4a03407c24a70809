/**
 * How unlike honest inputs one of an account is but for the few fields in which its inputs are always off.
 *
 * Dead pixels, a sensor that is stuck, a column in another unit: such an account says the same thing with each query. So
 * the fields are looked for in which it and the odd ones among the last eight are off: by more than two deviations of
 * what the other fields leave open (the squares are those of the partial residuals that the inverse covariance tells;
 * Lauritzen 1996, section 5.1). They are left out one after the other, first what is off by most, as long as an input is
 * odd. Where that explains what was odd before, they may be anything: what is left is the Mahalanobis distance in the
 * other columns, as of fields that nobody filled in (unfilled.ts). A field that is off leads to another class, so each
 * input is held against the nearest. Synthetic and foreign inputs are off in now these and now those fields, or in more.
 * Pure.
 */
import { whitened, type Fit } from './fit.ts'

/** At most this share of the fields is left out, and at most so many. */
const shareMax = 0.25
const fieldsMax = 8
/**
 * A field is off where the square of its deviations is at least this, and in all inputs together that, as long as they
 * are few: of two 3.5 deviations, of six and more 2.
 */
const offMin = 4
const togetherMin = 24
/** Of the inputs it is off in this share, and of the earlier ones as many are odd no more without such fields. */
const mostly = 0.75
/** Square of a distance past which rounding hides what the other fields say. */
const squareMax = 1e12

/** `earlier`: odd ones that were asked before. Infinity: they have no such fields in common. */
export type OffScorer = (x: ArrayLike<number>, earlier: readonly ArrayLike<number>[]) => number

/** `line`: the distance from which on an input is odd. */
export function offScorer(fit: Fit, line: number): OffScorer {
  const { dimension: d, labels, whitening, means } = fit
  const precision = Array.from({ length: d }, (_, i) => back(columnOf(whitening, i, d), whitening))
  const classes = Array.from({ length: Math.max(1, labels.length) }, (_, n) => means.subarray(n * d, (n + 1) * d))
  const pulls = classes.map((mean) => back(mean, whitening))
  const most = Math.min(fieldsMax, Math.floor(shareMax * d))
  // Of honest inputs each field adds as much to the square of the distance.
  const lineWithout = (count: number): number => (line * line * (d - count)) / d
  return (x, earlier) => {
    if (earlier.length === 0) return Infinity
    const distant = [x, ...earlier].map((input) => whitened(whitening, input, d))
    const distances = distant.map((y) => Float64Array.from(classes, (mean) => squareOfDistance(y, mean)))
    if (!distances.every((to) => Math.max(...to) <= squareMax)) return Infinity
    const rest = new Rest(
      precision,
      pulls.map((pull) => pull.slice()),
      distant.map((y) => back(y, whitening)),
      distances,
    )
    let count = 0
    for (; count < most && rest.squares.some((square) => square > lineWithout(count)); count++) {
      const field = rest.offMost()
      if (field < 0) break
      rest.leaveOut(field)
    }
    const explained = rest.squares.filter((square, n) => n > 0 && square <= lineWithout(count)).length
    if (count === 0 || explained < mostly * earlier.length) return Infinity
    return Math.sqrt((rest.squares[0]! * d) / (d - count))
  }
}

/** Inputs in the fields that are not left out yet. */
class Rest {
  /** Of each input: the square of its distance to the nearest class. */
  readonly squares: number[] = []
  readonly #nearest: number[] = []
  readonly #precision: readonly Float64Array[]
  readonly #classes: readonly Float64Array[]
  readonly #inputs: readonly Float64Array[]
  readonly #distances: readonly Float64Array[]
  /** What of the precision goes with each field that is left out, and what is left of its diagonal. */
  readonly #gone: Float64Array[] = []
  readonly #diagonal: Float64Array

  /** `classes`, `inputs`: each multiplied by the precision; `distances`: squares, of each input to each class. */
  constructor(
    precision: readonly Float64Array[],
    classes: readonly Float64Array[],
    inputs: readonly Float64Array[],
    distances: readonly Float64Array[],
  ) {
    this.#precision = precision
    this.#classes = classes
    this.#inputs = inputs
    this.#distances = distances
    this.#diagonal = Float64Array.from(precision, (row, i) => row[i]!)
    this.#find()
  }

  /** The field that is off by most, of those that mostly are; -1: there is none. */
  offMost(): number {
    const count = this.#inputs.length
    const least = Math.max(offMin, togetherMin / count)
    let [field, most] = [-1, 0]
    for (let i = 0; i < this.#diagonal.length; i++) {
      let [together, often] = [0, 0]
      for (let n = 0; n < count; n++) {
        const off = this.#offBy(n, this.#nearest[n]!, i)
        if (off > least) often++
        together += off
      }
      if (often >= mostly * count && together > most) [field, most] = [i, together]
    }
    return field
  }

  /** The precision of the others is that less what goes with the field (Schur's complement). */
  leaveOut(field: number): void {
    for (const [n, distances] of this.#distances.entries()) {
      for (let of = 0; of < distances.length; of++) distances[of]! -= this.#offBy(n, of, field)
    }
    const own = this.#precision[field]!.slice()
    for (const gone of this.#gone) subtract(own, gone, gone[field]!)
    const variance = own[field]!
    for (const row of this.#inputs) subtract(row, own, row[field]! / variance)
    for (const row of this.#classes) subtract(row, own, row[field]! / variance)
    for (let i = 0; i < own.length; i++) this.#diagonal[i]! -= own[i]! ** 2 / variance
    this.#gone.push(own.map((value) => value / Math.sqrt(variance)))
    this.#find()
  }

  /** Square of the deviations by which a field differs from what the others make likely; of one left out next to 0. */
  #offBy(n: number, of: number, field: number): number {
    const precision = this.#diagonal[field]!
    const off = this.#inputs[n]![field]! - this.#classes[of]![field]!
    return precision > 0 ? (off * off) / precision : 0
  }

  #find(): void {
    for (const [n, distances] of this.#distances.entries()) {
      let nearest = 0
      for (let of = 1; of < distances.length; of++) if (distances[of]! < distances[nearest]!) nearest = of
      this.#nearest[n] = nearest
      this.squares[n] = Math.max(0, distances[nearest]!)
    }
  }
}

/** The transpose of a lower triangle times `y`. */
function back(y: ArrayLike<number>, triangle: Float64Array): Float64Array {
  const to = new Float64Array(y.length)
  for (let i = 0, at = 0; i < to.length; i++) {
    const by = y[i]!
    for (let j = 0; j <= i; j++) to[j]! += triangle[at++]! * by
  }
  return to
}

function columnOf(triangle: Float64Array, column: number, d: number): Float64Array {
  return Float64Array.from({ length: d }, (_, i) => (i < column ? 0 : triangle[(i * (i + 1)) / 2 + column]!))
}

function subtract(from: Float64Array, what: Float64Array, times: number): void {
  for (let i = 0; i < from.length; i++) from[i]! -= times * what[i]!
}

function squareOfDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}
