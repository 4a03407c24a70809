/**
 * How a query lies to the last ones of its account: on a line with them, close to one, unlike one in a few values alone, in
 * pairs around one center.
 *
 * Searches for a decision boundary halve the way between two inputs and step along it (Chen et al. 2020, HopSkipJump; Brendel
 * et al. 2018), or change a patch at a time (Andriushchenko et al. 2020, Square); inversion asks in a ball around a guess
 * (Fredrikson et al. 2015). Inputs that come from the world do none of that. Pure; O(ring) a query.
 */
import { addedSize } from './added.ts'
import { evenMax, evennessAmong, notEven, type EvenChanges } from './even.ts'
import { dimensionMax, ringSize } from '../../input/input.ts'
import { isMasked, isOfOtherTwo, isOneOfTwo } from './masked.ts'
import { isPaced } from './paced.ts'
import { isPaired, pairMin, widePairMin } from './pairs.ts'
import { goesOn, isAway, isNoise, isOnItsWay, isScaled, isStill, singleMax } from './scene.ts'

/** Of the usual distance between two queries: what is close, and what is about the same place. */
export const closeShare = 0.15
const ballShare = 0.5
/** Earlier ones that must be about the same place: one alone may be a natural neighbor. */
const ballMembersMin = 3
/**
 * The same of inputs beyond all honest ones, where noise in all values spreads far: less than honest inputs of one
 * account do, as a faulty sensor's are.
 */
const wideShare = 0.8
const wideMembersMin = 6
/** Square of the cosine from which two directions are one: 3 degrees. */
const straight = 0.9973
/** Square of how far apart two inputs must lie, as a share of how far away they are. */
const apartShare = 0.04
/** Fewest values of an input for lines to mean anything. */
const lineDimensionMin = 6
/**
 * What of a step along a line one value may be off by, and fewest that are not; and what of a value is the rounding of
 * what is kept.
 */
const lineNear = 0.1
const lineValuesMin = 3
const valueRounding = 2 ** -9
/** Distances below this share of an input's length are the rounding of what is kept. */
const roundingShare = 0.005
/** Share of the values that may differ for a change to be sparse. */
const sparseShare = 0.15

export interface Surroundings {
  /** Of how far each of the ring is, the square; good until others are asked for. */
  readonly squares: ArrayLike<number>
  /** Place in the ring of the closest earlier one; -1: there is none. */
  readonly closest: number
  readonly close: boolean
  /** Close to one of them but for its strength as a whole: brighter or darker, louder or softer. */
  readonly scaled: boolean
  /** At least three of them are about the same place. */
  readonly ball: boolean
  /** Which are: a bit each. */
  readonly about: number
  /** Nearly all of them are about the same place, if further off. */
  readonly wide: boolean
  /** And as far as noise of one strength puts them, in most of the values. */
  readonly cloud: boolean
  /** They lie around it, and the further back the further away: it is on its way through them. */
  readonly drift: boolean
  /** On a line with two of them, which it doesn't just go on along. */
  readonly line: boolean
  /** The two of them that it lies on any line with: their places in the ring. */
  readonly ends: readonly [number, number] | undefined
  readonly sparse: boolean
  /** So is it unlike one that is natural and made of none. */
  readonly tries: boolean
  /** Unlike one of them in two values at most, as far as can be seen. */
  readonly variant: boolean
  /**
   * Unlike one of them in one value alone, or in two (one put back, another changed), and from none on its way by more: so one
   * asks what would be if a value were another. A search goes on from what it has found.
   */
  readonly tried: boolean
  /**
   * Unlike one of them in few values, and close to all that it is: a camera before a scene that stands still sees the
   * last digit of some values change, now here, now there. A search changes few values by much.
   */
  readonly still: boolean
  /**
   * About as far from each of those that are about the same place, in most of the values: all are one scene, with noise
   * of their own.
   */
  readonly noise: boolean
  /** Unlike one of them in twice as many values: two sparse changes of one input. */
  readonly kin: boolean
  /**
   * So unlike one that is so unlike another, which it is more unlike; or one of other two than those it is alike with:
   * it goes on to other inputs.
   */
  readonly onward: boolean
  readonly even: EvenChanges
  /** By how much values were changed whose changes add up; 0: none do. */
  readonly added: number
  /** Most values are those of some of them, and each of the others one of two. */
  readonly oneOfTwo: boolean
  /** One of them but for what is masked in either, by one value. */
  readonly masked: boolean
  /** With three of them it makes two pairs that have one middle. */
  readonly pair: boolean
}

/**
 * From each earlier one of the ring to the query, one after the other; the same by their places; their lengths and the
 * squares of them.
 */
const allSteps = new Float64Array(ringSize * dimensionMax)
const steps = Array.from({ length: ringSize }, (_, n) => allSteps.subarray(n * dimensionMax, (n + 1) * dimensionMax))
const lengths = new Float64Array(ringSize)
const squares = new Float64Array(ringSize)
/** How many values change on each of them. */
const changes = new Float64Array(ringSize)
/** How long each is but for its first values. */
const tails = new Float64Array(ringSize)
/** Values from which two directions are mostly known to differ. */
const headLength = 8
/** Cosine below which two directions are not straight, whatever was rounded. */
const surelyApart = Math.sqrt(straight) * (1 - 1e-6)

/**
 * `ring`: the last inputs, newest first, as they were rounded to be kept; `x`: rounded in the same way. `odd`: it is
 * unlike honest inputs, so that pairs are looked for wherever they lie: slopes of synthetic inputs are estimated by
 * steps as wide as all honest ones lie apart. `isFresh`: whether one of the ring is natural and made of none.
 */
export function surroundingsOf(
  x: Float64Array,
  ring: readonly ArrayLike<number>[],
  scale: number,
  odd = false,
  isFresh: (n: number) => boolean = () => false,
): Surroundings {
  let closest = -1
  let least = Infinity
  let fewest = Infinity
  let about = 0
  let members = 0
  let wide = 0
  const few = Math.floor(sparseShare * x.length)
  stepsTo(x, ring)
  for (let n = 0; n < ring.length; n++) {
    if (changes[n]! < fewest) fewest = changes[n]!
    const away = lengths[n]!
    if (away < least) {
      least = away
      closest = n
    }
    if (away < wideShare * scale) wide |= 1 << n
    // Nor where it is no number, as between values that an older version kept as infinite.
    if (!(away < ballShare * scale)) continue
    about |= 1 << n
    members++
  }
  const ends = endsOfLine(x, ring.length, Math.max(singleMax, few))
  const all = { count: ring.length, length: x.length, changes, squares }
  const sparse = few >= 1 && fewest <= few
  const variant = fewest <= singleMax
  const tried = variant && !isOnItsWay(all)
  const still = sparse && isStill(all, 2 * few, (closeShare * scale) ** 2)
  const kin = fewest <= 2 * few
  const even = x.length < lineDimensionMin || fewest > evenMax ? notEven : evennessAmong(x, ring, steps, changes, scale)
  const added = sparse ? addedSize(x, { count: ring.length, steps, changes }, few) : 0
  const oneOfTwo = isOneOfTwo(x, ring, changes)
  const noise = members > 0 && isNoise(all, about)
  const ball = members >= ballMembersMin
  const isWide = countOf(wide) >= wideMembersMin
  const asked = { lengths, isFresh }
  const pair = ball ? isPaired(x, ring, steps, pairMin, asked) : odd && isPaired(x, ring, steps, widePairMin, asked)
  return {
    squares,
    closest,
    close: least < closeShare * scale,
    scaled: ball && isScaled(x, ring, all, closeShare * scale),
    ball,
    about,
    wide: isWide,
    cloud: isWide && isNoise(all, wide),
    drift: ball && ring.length === ringSize && isAway(x, ring),
    line: ends !== undefined && !isPaced(x, { steps, lengths, count: ring.length }, ends, isFresh),
    ends,
    sparse,
    tries: sparse && ring.some((_, n) => changes[n]! <= few && isFresh(n)),
    variant,
    tried,
    still,
    noise,
    kin,
    onward: oneOfTwo ? isOfOtherTwo(x, ring, changes) : kin && goesOn(ring, all, 2 * few),
    even,
    added,
    masked: isMasked(x, ring, changes),
    oneOfTwo,
    pair,
  }
}

function countOf(bits: number): number {
  let count = 0
  for (; bits !== 0; bits &= bits - 1) count++
  return count
}

/**
 * Puts down the steps to the ring. Each sum has to wait for its last addend: two are added up at a time, and one waits
 * while the other adds.
 */
function stepsTo(x: Float64Array, ring: readonly ArrayLike<number>[]): void {
  const last = ring.length - 1
  for (let n = 0; n <= last; n += 2) twoStepsTo(x, ring, n, Math.min(n + 1, last))
  for (let n = 0; n <= last; n++) lengths[n] = Math.sqrt(squares[n]!)
}

/** To these places of the ring, which may be the same. */
function twoStepsTo(x: Float64Array, ring: readonly ArrayLike<number>[], a: number, b: number): void {
  const [fromA, fromB] = [ring[a]!, ring[b]!]
  const [atA, atB] = [a * dimensionMax, b * dimensionMax]
  let [sumA, sumB, changedA, changedB] = [0, 0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    const earlierA = fromA[i]!
    const stepA = earlierA - value
    allSteps[atA + i] = stepA
    sumA += stepA * stepA
    // Added up, not asked for: no processor foresees the answers for natural inputs.
    changedA += Number(earlierA !== value)
    const earlierB = fromB[i]!
    const stepB = earlierB - value
    allSteps[atB + i] = stepB
    sumB += stepB * stepB
    changedB += Number(earlierB !== value)
  }
  squares[a] = sumA
  squares[b] = sumB
  changes[a] = changedA
  changes[b] = changedB
}

/**
 * The two earlier ones that it lies on a line with, between or beyond them; undefined: it lies on none. Seen from it
 * they then lie in one direction, or in opposite ones; in six dimensions or more that does not come about by chance.
 * Inputs of which one value was tried at several places always lie on one, whoever asks: steps of at most `few` values
 * don't count.
 */
function endsOfLine(x: Float64Array, count: number, few: number): readonly [number, number] | undefined {
  if (x.length < lineDimensionMin || count < 2) return undefined
  for (let n = 0; n < count; n++) tails[n] = Math.sqrt(Math.max(0, squares[n]! - dotOf(n, n, headLength)))
  let nearest = NaN
  for (let a = 1; a < count; a++) {
    if (changes[a]! <= few) continue
    for (let b = 0; b < a; b++) {
      if (changes[b]! <= few || areApart(a, b, x.length)) continue
      const dot = dotOf(a, b, x.length)
      if (dot * dot <= straight * squares[a]! * squares[b]!) continue
      if (Number.isNaN(nearest)) nearest = roundingShare ** 2 * squareOf(x)
      if (squares[a]! <= nearest || squares[b]! <= nearest) continue
      const apart = squares[a]! + squares[b]! - 2 * dot
      // Two that lie close together lie in one direction from anywhere else.
      if (apart <= apartShare * Math.max(squares[a]!, squares[b]!)) continue
      if (isInMostValues(x, a, b, dot / squares[b]!)) return [a, b]
    }
  }
  return undefined
}

/**
 * Whether one step is `times` the other in most of the values. Where one value of a table is counted in thousands and
 * the others are not, all its records lie on a line as far as distances tell, and each goes its own way in the others.
 */
function isInMostValues(x: Float64Array, a: number, b: number, times: number): boolean {
  const [from, to] = [steps[a]!, steps[b]!]
  let [changed, fits] = [0, 0]
  for (let i = 0; i < x.length; i++) {
    const [one, other] = [from[i]!, times * to[i]!]
    const most = Math.max(Math.abs(one), Math.abs(other))
    if (most <= valueRounding * Math.abs(x[i]!)) continue
    changed++
    if (Math.abs(one - other) <= lineNear * most) fits++
  }
  return fits >= lineValuesMin && 2 * fits > changed
}

/** Whether their first values, and the lengths of what is left, show that two steps are not straight. */
function areApart(a: number, b: number, length: number): boolean {
  if (length <= headLength) return false
  const dot = dotOf(a, b, headLength)
  // By Cauchy and Schwarz the other values can't add more than the product of their lengths.
  return Math.abs(dot) + tails[a]! * tails[b]! <= surelyApart * lengths[a]! * lengths[b]!
}

function dotOf(a: number, b: number, length: number): number {
  const [from, to] = [a * dimensionMax, b * dimensionMax]
  let dot = 0
  for (let i = 0; i < length; i++) dot += allSteps[from + i]! * allSteps[to + i]!
  return dot
}

function squareOf(x: Float64Array): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!
  return sum
}
