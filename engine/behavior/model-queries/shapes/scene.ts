/**
 * What a camera or a sensor makes of the last inputs: a scene that stands still, copies of it with noise, more light;
 * and what is on its way away from them. Pure.
 */
import { distance } from '../../input/rows.ts'

/** How much further away the oldest must be than the newest. */
const driftRatio = 1.5
/** Of eight numbers drawn alike the greatest is within so many deviations of the least, but for one time in a hundred. */
const noiseSpread = 5
/** Fewest values that noise must change to be told by distances: of fewer, neighbors by chance look the same. */
const noiseValuesMin = 12
/** Values that change where one is tried after another: the one before is put back. */
export const singleMax = 2
/** Share of values up to which two inputs are the same one, changed; others differ in more. */
const wayShare = 0.5

/** From each of the last inputs to the one at hand: by their places, how many values change and the square of how far it is. */
export interface Steps {
  readonly count: number
  /** Values of an input. */
  readonly length: number
  readonly changes: ArrayLike<number>
  readonly squares: ArrayLike<number>
}

/** Whether changes have added up since one of the ring. */
export function isOnItsWay({ count, length, changes }: Steps): boolean {
  for (let n = 0; n < count; n++) if (changes[n]! > singleMax && changes[n]! <= wayShare * length) return true
  return false
}

/**
 * Whether it is unlike one of the ring in at most `kin` values, and that one so unlike another, which it is not: few at
 * a time, it goes on to other inputs.
 */
export function goesOn(ring: readonly ArrayLike<number>[], { changes }: Steps, kin: number): boolean {
  return ring.some(
    (nearer, n) =>
      changes[n]! <= kin && ring.some((farther, m) => changes[m]! > kin && isUnlikeInAtMost(kin, nearer, farther)),
  )
}

function isUnlikeInAtMost(most: number, a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  let unlike = 0
  for (let i = 0; i < a.length && unlike <= most; i++) if (a[i] !== b[i]) unlike++
  return unlike <= most
}

/** Whether all of the ring that differ in at most so many values are nearer than the square of what is close. */
export function isStill({ count, changes, squares }: Steps, kin: number, near: number): boolean {
  for (let n = 0; n < count; n++) if (changes[n]! <= kin && squares[n]! >= near) return false
  return true
}

/**
 * Copies of a scene with noise of their own are as far from each other as any two are, give or take; what leads
 * somewhere leaves the oldest behind, or comes from one that is nearer than the others. Of n values that have noise the
 * squares of how far one copy is from others differ by about the root of 1.5 / n of them.
 */
export function isNoise({ count, length, changes, squares }: Steps, about: number): boolean {
  let [nearest, farthest, changed] = [Infinity, 0, length]
  for (let n = 0; n < count; n++) {
    if ((about & (1 << n)) === 0) continue
    nearest = Math.min(nearest, squares[n]!)
    farthest = Math.max(farthest, squares[n]!)
    changed = Math.min(changed, changes[n]!)
  }
  if (changed < noiseValuesMin || changed <= wayShare * length) return false
  return farthest < nearest * Math.exp(noiseSpread * Math.sqrt(1.5 / changed))
}

/** Whether one of the ring, made as strong as fits best, is nearer than `near`, and that is most of what it was away. */
export function isScaled(
  x: Float64Array,
  ring: readonly ArrayLike<number>[],
  { squares }: Steps,
  near: number,
): boolean {
  let own = 0
  for (let i = 0; i < x.length; i++) own += x[i]! * x[i]!
  return ring.some((earlier, n) => {
    let [dot, square] = [0, 0]
    for (let i = 0; i < x.length; i++) {
      dot += x[i]! * earlier[i]!
      square += earlier[i]! * earlier[i]!
    }
    const left = own - (dot * dot) / square
    return dot > 0 && left < near * near && left < squares[n]! / 2
  })
}

/** Noise around one place is as far from the oldest as from the newest of the ring, which is full. */
export function isAway(x: Float64Array, ring: readonly ArrayLike<number>[]): boolean {
  const newest = (distance(x, ring[0]!) + distance(x, ring[1]!)) / 2
  const oldest = (distance(x, ring[ring.length - 1]!) + distance(x, ring[ring.length - 2]!)) / 2
  return oldest > driftRatio * newest
}
