/**
 * Whether an input goes on along a line evenly: as far as the last step, as a picture that becomes another one does, to the other side of an input and as
 * far, as a test of what comes of more and of less, or along the ray from nought, as what becomes brighter or louder. Where it lies depends on
 * no answer. A search halves what is left between two inputs: that is half of the step before it, and no such middle is ever as far from one of the last as that from another. Pure.
 */

/** From each of the last inputs to the one at hand, newest first, and how long they are. */
export interface StepsTo {
  readonly steps: readonly Float64Array[]
  readonly lengths: ArrayLike<number>
  readonly count: number
}

/** How exactly steps must be equal, as a share of their length. */
const near = 0.05
/** The last step may be so many times the one before, or less by as much: steps that are meant to be equal are, by a tenth; a search takes ever longer ones. */
const paceMost = 1.15
/** What three inputs lose as they are kept, as a share of their length. */
const rounding = 2 ** -9
/** Brighter ones are up to half as much again, darker ones half as bright: a third of those. What lies further down the ray, such as black, a search begins with. */
const weakestShare = 0.3
/** What of a value on a ray may be off, and what of a value is the rounding of what is kept. */
const rayNear = 0.1
const valueRounding = 2 ** -9

/** `ends`: the newest two that it lies on a line with, the newer one last; `isFresh`: whether one of the ring is natural and made of none. */
export function isPaced(
  x: Float64Array,
  { steps, lengths, count }: StepsTo,
  [before, last]: readonly [number, number],
  isFresh: (n: number) => boolean,
): boolean {
  const lost = rounding * Math.sqrt(x.reduce((sum, value) => sum + value * value, 0))
  const times = lengths[before]! / lengths[last]!
  const isOnward = times >= 1 + 1 / paceMost && times <= 1 + paceMost
  if (isOnward && isTimes(x.length, steps[before]!, times, steps[last]!, near * lengths[last]! + lost)) return true
  let [onRay, weakest] = [0, 1]
  for (let middle = 0; middle < count; middle++) {
    const times = timesOnRay(x, steps[middle]!)
    if (times !== undefined) {
      onRay++
      weakest = Math.min(weakest, times, 1 / times)
    }
    if (!isFresh(middle)) continue
    for (let end = 0; end < count; end++) {
      if (isTimes(x.length, steps[end]!, 2, steps[middle]!, near * lengths[middle]! + lost)) return true
    }
  }
  return onRay >= 2 && weakest >= weakestShare
}

/** Whether one step is so many times the other, but for less than `most`. */
function isTimes(length: number, step: Float64Array, times: number, other: Float64Array, most: number): boolean {
  let [sum, i] = [0, 0]
  for (; i < length && sum < most * most; i++) sum += (step[i]! - times * other[i]!) ** 2
  return i === length && sum < most * most
}

/** What all values are multiplied by on a step, in most of those that change; undefined: they are not. */
function timesOnRay(x: Float64Array, step: Float64Array): number | undefined {
  let [dot, square] = [0, 0]
  for (let i = 0; i < x.length; i++) {
    dot += x[i]! * step[i]!
    square += x[i]! * x[i]!
  }
  const share = dot / square
  let [changed, fits] = [0, 0]
  for (let i = 0; i < x.length; i++) {
    const [own, along] = [step[i]!, share * x[i]!]
    const most = Math.max(Math.abs(own), Math.abs(along))
    if (most <= valueRounding * Math.abs(x[i]!)) continue
    changed++
    if (Math.abs(own - along) <= rayNear * most) fits++
  }
  return fits >= 3 && 2 * fits > changed ? 1 + share : undefined
}
