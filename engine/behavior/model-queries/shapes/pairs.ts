/**
 * Whether an input and three of the last ones are two pairs around one center: gradients are estimated by steps there and back (Ilyas et al.
 * 2018; Salimans et al. 2017, "antithetic sampling"). A difference of natural inputs is hardly ever another one. Pure.
 */

/** As shares of the largest change: what is no change, and how exactly pairs must fit; and the share of values that need not. */
const pairSmall = 0.1
const pairNear = 0.03
const pairOff = 0.1
/** Fewest values that change. */
export const pairMin = 6
/** Fewest values that change where inputs are not about one place: of a few, on a grid, two sums are equal by chance. */
export const widePairMin = 10

/** The largest change on the step to each of the ring. */
const largest: number[] = []

/** Whether x + a = b + c for some three of the ring; `steps`: from each of it to x; `activeMin`: `pairMin` or `widePairMin`. */
export function isPaired(
  x: Float64Array,
  ring: readonly ArrayLike<number>[],
  steps: readonly Float64Array[],
  activeMin: number,
): boolean {
  for (let n = 0; n < ring.length; n++) largest[n] = largestOf(steps[n]!, x.length)
  for (let a = 0; a < ring.length; a++) {
    const small = pairSmall * largest[a]!
    for (let b = 0; b < ring.length; b++) {
      if (b === a || largest[b]! <= small) continue
      for (let c = b + 1; c < ring.length; c++) {
        if (c !== a && largest[c]! > small && addsUp(x, ring, steps, a, b, c, activeMin)) return true
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
  return active >= activeMin && off <= pairOff * active
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
