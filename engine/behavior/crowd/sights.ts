/**
 * The last queries of all accounts at a model, and what a new one is to them.
 *
 * Two looks. *Alike*: is what this account asks closer to what its cell-mates of other tenants ask than to what everybody
 * else does? Where sharing a network or a program means nothing, the closest of m accounts is each of them with the same
 * probability: a rank test that needs no history. *Step*: is it another tenant's query plus a step that is equally long in
 * each coordinate, as signs of a gradient are (Goodfellow et al. 2015, Papernot et al. 2017)? Differences of natural inputs
 * are uneven: their mean size over their root mean square is about 0.8 (0.798 for a normal distribution), a sign step's is 1.
 */
import type { Sight } from './params.ts'

/** JSON; queries are kept in blocks, so that a new one rewrites little. */
export interface Seen {
  readonly principal: string
  readonly tenant: string
  readonly network: string
  readonly agent: string
  readonly x: readonly number[]
}

const neighborsMax = 96
const matesMin = 3
const othersMin = 8
/** Room for accounts that are alike for a reason, beyond chance. */
const alikeRoom = 1.3
/** Mates that are compared for each other account. */
const matesPerOther = 0.6
/** Differences in a coordinate below this share of the largest are none. */
const stepFloor = 0.02
const coordinatesMin = 8
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

/** What the closest query of another tenant says; undefined where there is none, 'repeat' where it is the same. */
export function stepFrom(sight: Sight, seen: readonly Seen[]): Kin | 'repeat' | undefined {
  let closest: Seen | undefined
  let least = Infinity
  for (const each of seen) {
    if (each.tenant === sight.tenant || each.x.length !== sight.x.length) continue
    const distance = distanceUpTo(sight.x, each.x, least)
    if (distance < least) [least, closest] = [distance, each]
  }
  if (closest === undefined) return undefined
  if (least < 1e-9) return 'repeat'
  if (sight.kind !== 'features') return { of: closest, log: 0 }
  const p = evenness(sight.x, closest.x)
  return p === undefined ? { of: closest, log: 0 } : { of: closest, log: Math.log(kappa) + (kappa - 1) * Math.log(p) }
}

/** The probability that natural inputs differ as evenly; undefined where too few coordinates differ. */
function evenness(a: readonly number[], b: readonly number[]): number | undefined {
  let largest = 0
  for (let k = 0; k < a.length; k++) largest = Math.max(largest, Math.abs(a[k]! - b[k]!))
  let [count, sum, squares] = [0, 0, 0]
  for (let k = 0; k < a.length; k++) {
    const size = Math.abs(a[k]! - b[k]!)
    if (size <= stepFloor * largest) continue
    count++
    sum += size
    squares += size * size
  }
  if (count < coordinatesMin) return undefined
  const even = sum / Math.sqrt(count * squares)
  return Math.max(pMin, upperTail(((even - naturalEven) * Math.sqrt(count)) / naturalSpread))
}

/** P(Z > z) of a standard normal distribution (Abramowitz and Stegun 7.1.25, to 2e-5). */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.47047 * x)
  const erfc = t * (0.3480242 + t * (-0.0958798 + t * 0.7478556)) * Math.exp(-x * x)
  return z >= 0 ? erfc / 2 : 1 - erfc / 2
}

/** The last query of an account, and how far this one is from it. */
export interface Neighbor {
  readonly of: Seen
  readonly distance: number
}

/** The last queries of other tenants' accounts, one of each. `seen`: latest first. */
export function neighborsOf(sight: Sight, seen: readonly Seen[]): Neighbor[] {
  const accounts = new Set<string>()
  const found: Neighbor[] = []
  for (const of of seen) {
    if (found.length >= neighborsMax) break
    if (of.tenant === sight.tenant || of.x.length !== sight.x.length || accounts.has(of.principal)) continue
    accounts.add(of.principal)
    found.push({ of, distance: distanceUpTo(sight.x, of.x, Infinity) })
  }
  return found
}

/** The logarithm of the evidence that the account asks alike its cell-mates; 0 where there are too few to compare with. */
export function alikeMates(neighbors: readonly Neighbor[], isMate: (of: Seen) => boolean): number {
  const mates: number[] = []
  const others: number[] = []
  for (const { of, distance } of neighbors) (isMate(of) ? mates : others).push(distance)
  if (mates.length < matesMin || others.length < othersMin) return 0
  // More mates find more that is alike, and make it more likely by chance.
  const count = Math.max(matesMin, Math.min(mates.length, Math.floor(matesPerOther * others.length)))
  const share = (alikeRoom * count) / (count + others.length) + 0.02
  const bet = (1 + share) / 2
  const alike = Math.min(...mates.slice(0, count)) < Math.min(...others)
  return alike ? Math.log(bet / share) : Math.log((1 - bet) / (1 - share))
}

/**
 * The squared distance, or something at least as large as `max`. Hundreds are computed a query: four sums at a time, for an
 * addition waits for the one before.
 */
function distanceUpTo(a: readonly number[], b: readonly number[], max: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  let k = 0
  for (const whole = a.length - 7; k < whole; k += 8) {
    const d0 = a[k]! - b[k]!
    const d1 = a[k + 1]! - b[k + 1]!
    const d2 = a[k + 2]! - b[k + 2]!
    const d3 = a[k + 3]! - b[k + 3]!
    const d4 = a[k + 4]! - b[k + 4]!
    const d5 = a[k + 5]! - b[k + 5]!
    const d6 = a[k + 6]! - b[k + 6]!
    const d7 = a[k + 7]! - b[k + 7]!
    s0 += d0 * d0 + d4 * d4
    s1 += d1 * d1 + d5 * d5
    s2 += d2 * d2 + d6 * d6
    s3 += d3 * d3 + d7 * d7
    if (s0 + s1 + (s2 + s3) >= max) break
  }
  let sum = s0 + s1 + (s2 + s3)
  for (; k < a.length && sum < max; k++) {
    const difference = a[k]! - b[k]!
    sum += difference * difference
  }
  return sum
}
