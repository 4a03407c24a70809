/**
 * How unlike honest inputs a record is but for the fields in it that nobody filled in.
 *
 * A form, an export or a gateway sends nought for what it was not given, or a code. Such a record lies far from honest
 * ones by these values alone, and what was filled in is ordinary. So those that are exactly that may be anything: what
 * is left is the least distance to the mean of a class that any values there would make, which is the Mahalanobis
 * distance in the other columns (the marginal of a normal distribution; Anderson 2003, section 2.4). Of whichever class
 * it is the nearest to: such values lead to another one. It is never more than the whole. Which accounts have that room
 * is told as of noise (noisy.ts). Pure.
 */
import { whitened, type Fit } from './fit.ts'

/** Of a record at most this share is not filled in, and at most so many values; with more, all count. */
const shareMax = 0.25
const valuesMax = 16
/** What is sent for what is missing; positive numbers of one or two digits are values mostly. */
const codes = new Set([0, -1, -9, -99, -999, -9999, 999, 9999])

export function unfilledScorer({
  dimension: d,
  labels,
  whitening,
  means,
}: Fit): (x: ArrayLike<number>, unfilled: readonly number[]) => number {
  const classes = Array.from({ length: Math.max(1, labels.length) }, (_, n) => means.subarray(n * d, (n + 1) * d))
  return (x, unfilled) => {
    const y = whitened(whitening, x, d)
    // What each unfilled column can change, made orthogonal to those before it, is taken away (Gram and Schmidt).
    const taken: Float64Array[] = []
    for (const column of unfilled) {
      const change = Float64Array.from(y, (_, i) => (i < column ? 0 : whitening[(i * (i + 1)) / 2 + column]!))
      for (const before of taken) subtract(change, before)
      const length = Math.sqrt(dot(change, change))
      if (length === 0) continue
      taken.push(change.map((value) => value / length))
    }
    const distances = classes.map((mean) => {
      const rest = y.map((value, i) => value - mean[i]!)
      for (const unit of taken) subtract(rest, unit)
      return Math.sqrt(dot(rest, rest))
    })
    return Math.min(...distances)
  }
}

/** The columns that are exactly nought or such a code; none where they are more than a form leaves open. */
export function unfilledOf(x: ArrayLike<number>): readonly number[] {
  const columns: number[] = []
  const most = Math.min(valuesMax, Math.floor(shareMax * x.length))
  for (let i = 0; i < x.length; i++) {
    if (!codes.has(x[i]!)) continue
    if (columns.length === most) return []
    columns.push(i)
  }
  return columns
}

/** Takes from `x` what it has of `unit`. */
function subtract(x: Float64Array, unit: Float64Array): void {
  const along = dot(x, unit)
  for (let i = 0; i < x.length; i++) x[i]! -= along * unit[i]!
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
