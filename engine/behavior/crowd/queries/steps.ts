/**
 * Whether a query is an earlier one plus a step that is equally long in each coordinate, as signs of a gradient are
 * (Goodfellow et al. 2015, Papernot et al. 2017).
 *
 * Differences of natural inputs are uneven. Of many values: their mean size over their root mean square is about 0.86, a sign
 * step's is 1. Of a table's few: as directions that have nothing to do with the axes, differences come as near to equal ones
 * as a cap around a diagonal is large, as a share of the sphere. There only values count that are told apart finely enough:
 * whole numbers, and yes and no, differ evenly by themselves.
 */
import { logOfCap } from './cap.ts'
import type { Recent, Seen } from './recent.ts'

/** Differences in a coordinate below this share of the largest are none. */
const stepFloor = 0.02
const coordinatesMin = 8
/** A step is small: differences past this share of all that values range over are changes of something else. */
const stepMost = 0.6
/** Values that take no more than this many levels, such as yes and no, differ evenly by themselves. */
const levelsMax = 8
/** Of natural differences: middle and spread of their evenness, over the root of the number of coordinates. */
const naturalEven = 0.86
const naturalSpread = 0.32
/** The calibrator κ·p^(κ-1) (Vovk and Wang 2021), and the least p that it trusts. */
const kappa = 0.3
const pMin = 1e-3

/** Values of a table's row, at most. */
const tableMax = 32
/** Fewest of a row's values that tell of a step. */
const valuesMin = 3
/** A value counts where the gaps between those that occur are below this share of the difference. */
const gapMost = 0.25
/** Where no three differences are as equal as that, they are no step: nothing else is looked at. */
const aboutEven = 0.8

export interface Kin {
  /** Whose query it is a step from. */
  readonly of: Seen
  /** It is one of the same tenant's: that says what is asked, and not who belongs together. */
  readonly own: boolean
  /** The logarithm of the evidence. */
  readonly log: number
}

/** Whose query this one is closest to, and how much speaks for a step from there; undefined where nothing can. */
export function stepFrom(x: Float64Array, recent: Recent): Kin | undefined {
  const closest = recent.closest()
  if (closest < 0) return undefined
  const log = logOfStep(x, recent.row(closest), recent)
  return log === 0 ? undefined : { of: recent.at(closest), own: recent.isOwn(closest), log }
}

function logOfStep(x: Float64Array, row: Float64Array, recent: Recent): number {
  const ofMany = evenness(x, row)
  const ofTable = x.length > tableMax ? undefined : tableStep(x, row, recent)
  if (ofMany === undefined) return ofTable === undefined ? 0 : Math.log(calibrated(ofTable))
  if (ofTable === undefined) return Math.log(calibrated(ofMany))
  // Either has mean at most one, and so has their mean.
  return Math.log((calibrated(ofMany) + calibrated(ofTable)) / 2)
}

function calibrated(p: number): number {
  return kappa * Math.max(pMin, p) ** (kappa - 1)
}

/** The probability that natural inputs differ as evenly; undefined where too few coordinates differ, or all by leaps. */
function evenness(a: Float64Array, b: Float64Array): number | undefined {
  let [largest, least, most] = [0, Infinity, -Infinity]
  for (let k = 0; k < a.length; k++) {
    largest = Math.max(largest, Math.abs(a[k]! - b[k]!))
    least = Math.min(least, a[k]!, b[k]!)
    most = Math.max(most, a[k]!, b[k]!)
  }
  if (largest > stepMost * (most - least)) return undefined
  let [count, sum, squares] = [0, 0, 0]
  for (let k = 0; k < a.length; k++) {
    const size = Math.abs(a[k]! - b[k]!)
    if (size <= stepFloor * largest) continue
    count++
    sum += size
    squares += size * size
  }
  if (count < coordinatesMin || hasFewLevels(a, b)) return undefined
  const even = sum / Math.sqrt(count * squares)
  return upperTail(((even - naturalEven) * Math.sqrt(count)) / naturalSpread)
}

function hasFewLevels(a: Float64Array, b: Float64Array): boolean {
  const levels = new Set<number>()
  for (const values of [a, b]) {
    for (const value of values) {
      levels.add(value)
      if (levels.size > levelsMax) return false
    }
  }
  return true
}

/** P(Z > z) of a standard normal distribution (Abramowitz and Stegun 7.1.25, to 2e-5). */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.47047 * x)
  const erfc = t * (0.3480242 + t * (-0.0958798 + t * 0.7478556)) * Math.exp(-x * x)
  return z >= 0 ? erfc / 2 : 1 - erfc / 2
}

const sizes = new Float64Array(tableMax)

/** The probability that rows of a table differ as evenly in the values that are fine enough; undefined where too few are. */
function tableStep(a: Float64Array, b: Float64Array, recent: Recent): number | undefined {
  let [least, most, differ] = [Infinity, -Infinity, 0]
  for (let k = 0; k < a.length; k++) {
    least = Math.min(least, a[k]!, b[k]!)
    most = Math.max(most, a[k]!, b[k]!)
    const size = Math.abs(a[k]! - b[k]!)
    if (size === 0) continue
    let at = differ++
    for (; at > 0 && sizes[at - 1]! > size; at--) sizes[at] = sizes[at - 1]!
    sizes[at] = size
  }
  if (differ < valuesMin) return undefined
  if (!someAreEven(differ)) return 1
  const gaps = recent.gaps()
  const largest = stepMost * (most - least)
  let [count, sum, squares, coarse] = [0, 0, 0, 0]
  for (let k = 0; k < a.length; k++) {
    const size = Math.abs(a[k]! - b[k]!)
    if (size === 0 || size > largest || !(gaps[k]! <= gapMost * size)) continue
    count++
    sum += size
    squares += size * size
    coarse += (gaps[k]! / size) ** 2
  }
  if (count < valuesMin) return undefined
  const aside = Math.max(0, 1 - (sum * sum) / (count * squares)) + coarse / count
  return Math.exp(logOfCap(count, aside))
}

/** Whether at least as many differences as tell of a step are about as large. */
function someAreEven(count: number): boolean {
  for (let n = valuesMin - 1; n < count; n++) if (sizes[n - valuesMin + 1]! >= aboutEven * sizes[n]!) return true
  return false
}
