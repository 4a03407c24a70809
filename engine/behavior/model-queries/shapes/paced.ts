/**
 * Whether an input goes on along a line, but not as answers tell: past all others there, as one record becomes another
 * one evenly, at ease or by hand; as far as the last step; to the other side of an input and as far, as a test of what
 * comes of more and of less; or along the ray from nought, as what becomes brighter or louder. A search halves what is
 * left between two inputs: that lies between them, and no such middle is ever as far from one of the last as that from
 * another. Or it goes on by steps that one factor makes longer or shorter, where at ease an amount does. Pure.
 */

/** From each of the last inputs to the one at hand, newest first, and how long they are. */
export interface StepsTo {
  readonly steps: readonly Float64Array[]
  readonly lengths: ArrayLike<number>
  readonly count: number
}

/** How exactly steps must be equal, as a share of their length. */
const near = 0.05
/**
 * The last step may be so many times the one before, or less by as much: steps that are meant to be equal are, by a
 * tenth; a search takes ever longer ones.
 */
const paceMost = 1.15
/**
 * How exactly the last of three steps must be what one factor makes of the two before it, as a share of its length; and
 * half as far from that as from what one amount makes of them.
 */
const factorNear = 0.1
/** What three inputs lose as they are kept, as a share of their length. */
const rounding = 2 ** -9
/**
 * Brighter ones are up to half as much again, darker ones half as bright: a third of those. What lies further down the
 * ray, such as black, a search begins with.
 */
const weakestShare = 0.3
/** What of a value on a ray may be off, and what of a value is the rounding of what is kept. */
const rayNear = 0.1
const valueRounding = 2 ** -9

/**
 * `ends`: the newest two that it lies on a line with, the newer one last; `isFresh`: whether one of the ring is natural
 * and made of none.
 */
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
  const behind = placesBehind(x.length, { steps, lengths, count }, [before, last], lost)
  if (behind !== undefined && !isByMultiples(behind, isFresh(before))) return true
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

/**
 * Where those lie that the input comes from on its line: newest first, in steps from `last`; `before` is one of them.
 * Undefined: it lies between some of them, or they don't come nearer one by one.
 */
function placesBehind(
  length: number,
  { steps, lengths, count }: StepsTo,
  ends: readonly [number, number],
  lost: number,
): readonly number[] | undefined {
  const [before, last] = ends
  const places: number[] = []
  let isFound = false
  for (let n = last; n < count; n++) {
    const times = timesOf(length, steps[n]!, steps[last]!)
    if (!isTimes(length, steps[n]!, times, steps[last]!, near * lengths[n]! + lost)) continue
    if (times <= (places.at(-1) ?? 0)) return undefined
    places.push(times)
    if (n === before) isFound = true
  }
  return isFound ? places : undefined
}

/**
 * Whether the newest steps, the one to the input included, may be multiples of those before them by one factor. Of two
 * steps that is told by how much longer the second is: twice, or half as long; or less than twice where they are the
 * first, since what begins at ease becomes three times as long then.
 */
function isByMultiples([last, before, first]: readonly number[], begins: boolean): boolean {
  const old = before! - last!
  if (first === undefined) {
    const times = last! / old
    return isTwice(times) || isTwice(1 / times) || (begins && times > paceMost && times < 2)
  }
  const older = first - before!
  const times = old / older
  if (times <= paceMost && times >= 1 / paceMost) return false
  const [byFactor, byAmount] = [Math.abs(last! - times * old), Math.abs(last! - (2 * old - older))]
  return byFactor <= factorNear * last! && byFactor < byAmount / 2
}

function isTwice(times: number): boolean {
  return Math.abs(times - 2) <= near
}

/** How many times one step is as long as the other, along that. */
function timesOf(length: number, step: Float64Array, other: Float64Array): number {
  let [dot, square] = [0, 0]
  for (let i = 0; i < length; i++) {
    dot += step[i]! * other[i]!
    square += other[i]! * other[i]!
  }
  return dot / square
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
