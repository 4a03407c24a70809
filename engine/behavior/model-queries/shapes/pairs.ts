/**
 * Whether an input and three of the last ones are two pairs around one center: gradients are estimated by steps there
 * and back (Ilyas et al. 2018; Salimans et al. 2017, "antithetic sampling"). A difference of natural inputs is hardly
 * ever another one. Pure.
 */

/** As shares of the largest change: what is no change, and how exactly pairs must fit; and the share of values that need not. */
const pairSmall = 0.1
const pairNear = 0.03
const pairOff = 0.1
/** Fewest values that change. */
export const pairMin = 6
/** Fewest values that change where inputs are not about one place: of a few, on a grid, two sums are equal by chance. */
export const widePairMin = 10

/**
 * Two directions that are drawn alike in n values are unlike by so many times 1/√n at least, as cosines; and along one
 * line from this on, however few they are.
 */
const alikeMost = 3
const alongLine = 0.9

/** Two inputs lie opposite, seen from the middle of several, from this cosine down; and so many such pairs are no chance. */
const oppositeMost = -0.7
const mirroredMin = 2

/** The largest change on the step to each of the ring. */
const largest: number[] = []

/** How far one of the ring is from the input at hand, and whether it is natural and made of none. */
export interface Asked {
  readonly lengths: ArrayLike<number>
  readonly isFresh: (n: number) => boolean
}

/** Whether x + a = b + c for some three of the ring; `steps`: from each of it to x; `activeMin`: `pairMin` or `widePairMin`. */
export function isPaired(
  x: Float64Array,
  ring: readonly ArrayLike<number>[],
  steps: readonly Float64Array[],
  activeMin: number,
  asked: Asked,
): boolean {
  for (let n = 0; n < ring.length; n++) largest[n] = largestOf(steps[n]!, x.length)
  for (let a = 0; a < ring.length; a++) {
    const small = pairSmall * largest[a]!
    for (let b = 0; b < ring.length; b++) {
      if (b === a || largest[b]! <= small) continue
      for (let c = b + 1; c < ring.length; c++) {
        if (c === a || largest[c]! <= small || !addsUp(x, ring, steps, a, b, c, activeMin)) continue
        if (!areOfOthers([a, b, c], ring.length, asked)) return true
      }
    }
  }
  return false
}

/** Whether the step to a is the sum of those to b and to c, in nearly all values that change and were not cut off. */
function addsUp(
  x: Float64Array,
  ring: readonly ArrayLike<number>[],
  steps: readonly Float64Array[],
  a: number,
  b: number,
  c: number,
  activeMin: number,
): boolean {
  const [of, by, and] = [steps[a]!, steps[b]!, steps[c]!]
  const [ra, rb, rc] = [ring[a]!, ring[b]!, ring[c]!]
  const small = pairSmall * largest[a]!
  const near = pairNear * largest[a]!
  let active = 0
  let off = 0
  for (let i = 0; i < x.length; i++) {
    if (isEnd(x[i]!) || isEnd(ra[i]!) || isEnd(rb[i]!) || isEnd(rc[i]!)) continue
    if (Math.abs(of[i]!) < small && Math.abs(by[i]! - and[i]!) < small) continue
    active++
    if (Math.abs(of[i]! - by[i]! - and[i]!) > near && ++off > 1 + pairOff * active) return false
  }
  return active >= activeMin && off <= pairOff * active && areApart(of, by, and, x.length, active)
}

/**
 * Whether the input is made of another natural one than these, or one of them is natural itself: changes that are made
 * of one after another are equal as well. `which`: of the ring, newest first.
 */
function areOfOthers(which: readonly number[], count: number, { lengths, isFresh }: Asked): boolean {
  if (which.some(isFresh)) return true
  for (let base = 0; base < count; base++) {
    if (isFresh(base) && which.some((n) => n > base && lengths[base]! < lengths[n]!)) return true
  }
  return false
}

/**
 * Whether the two pairs go different ways: those of steps on one line don't, nor do those of two inputs far apart that
 * were changed by the same.
 */
function areApart(of: Float64Array, by: Float64Array, and: Float64Array, length: number, active: number): boolean {
  let [one, dot, other] = [0, 0, 0]
  for (let i = 0; i < length; i++) {
    const across = by[i]! - and[i]!
    one += of[i]! * of[i]!
    dot += of[i]! * across
    other += across * across
  }
  return dot * dot < Math.min(alongLine ** 2, alikeMost ** 2 / active) * one * other
}

/**
 * Whether two of the inputs or more lie, seen from the middle, opposite to the one before them: noise drawn for each
 * does not.
 */
export function areMirrored(inputs: readonly ArrayLike<number>[], middle: Float64Array): boolean {
  let pairs = 0
  for (let n = 1; n < inputs.length; n++) {
    if (cosineFrom(middle, inputs[n - 1]!, inputs[n]!) > oppositeMost) continue
    pairs++
    n++
  }
  return pairs >= mirroredMin
}

/** Of the ways from the middle to two inputs. */
function cosineFrom(middle: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [one, dot, other] = [0, 0, 0]
  for (let i = 0; i < middle.length; i++) {
    const [toA, toB] = [a[i]! - middle[i]!, b[i]! - middle[i]!]
    one += toA * toA
    dot += toA * toB
    other += toB * toB
  }
  return dot / Math.sqrt(one * other)
}

/** The largest change of a value on a step: asked for where many are close, which is seldom. */
function largestOf(step: Float64Array, length: number): number {
  let most = 0
  for (let i = 0; i < length; i++) {
    const square = step[i]! * step[i]!
    if (square > most) most = square
  }
  return Math.sqrt(most)
}

/** Scaled inputs are cut off there. */
function isEnd(value: number): boolean {
  return value === 0 || value === 1
}
