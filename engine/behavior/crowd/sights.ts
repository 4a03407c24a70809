/**
 * What a query is to the last ones of all accounts at a model.
 *
 * Two looks. *Alike*: is what this account asks closer to what its cell-mates of other tenants ask than to what everybody
 * else does? Where sharing a network or a program means nothing, the closest of m accounts is each of them with the same
 * probability: a rank test that needs no history. *Step*: is it another tenant's query plus a step that is equally long in
 * each coordinate, as signs of a gradient are (Goodfellow et al. 2015, Papernot et al. 2017)? Differences of natural inputs
 * are uneven: their mean size over their root mean square is about 0.8 (0.798 for a normal distribution), a sign step's is 1.
 */
import type { Around, Recent, Seen } from './recent.ts'

const matesMin = 3
const othersMin = 8
/** Room for accounts that are alike for a reason, beyond chance. */
const alikeRoom = 1.3
/** Mates that are compared for each other account. */
const matesPerOther = 0.6
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

export interface Kin {
  /** Whose query it is a step from. */
  readonly of: Seen
  readonly log: number
}

/** The logarithm of the evidence that it is a step from the closest query of another tenant; 0 where nothing says so. */
export function stepFrom(x: Float64Array, recent: Recent, { closest }: Around): number {
  const p = closest < 0 ? undefined : evenness(x, recent.row(closest))
  return p === undefined ? 0 : Math.log(kappa) + (kappa - 1) * Math.log(p)
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
  return Math.max(pMin, upperTail(((even - naturalEven) * Math.sqrt(count)) / naturalSpread))
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

/** The logarithm of the evidence that the account asks alike its cell-mates; 0 where there are too few to compare with. */
export function alikeMates({ neighbors, slots, distances }: Around, isMate: (slot: number) => boolean): number {
  let mates = 0
  for (let n = 0; n < neighbors; n++) if (isMate(slots[n]!)) mates++
  const others = neighbors - mates
  if (mates < matesMin || others < othersMin) return 0
  // More mates find more that is alike, and make it more likely by chance.
  const count = Math.max(matesMin, Math.min(mates, Math.floor(matesPerOther * others)))
  const share = (alikeRoom * count) / (count + others) + 0.02
  const bet = (1 + share) / 2
  let [closestMate, closestOther] = [Infinity, Infinity]
  for (let n = 0, compared = 0; n < neighbors; n++) {
    const distance = distances[n]!
    if (!isMate(slots[n]!)) {
      if (distance < closestOther) closestOther = distance
    } else if (compared++ < count && distance < closestMate) closestMate = distance
  }
  return closestMate < closestOther ? Math.log(bet / share) : Math.log((1 - bet) / (1 - share))
}
