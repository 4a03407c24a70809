/**
 * Whether the values of an input are shades: of each channel (colors side by side, or one after the other) all lie
 * whole gaps apart. A camera normalizes them by a mean and a deviation for each. From one picture to the next they
 * flicker by a gap or a few. Pure.
 */

/** Of these one is tried after the other. */
const channelCounts = [1, 3, 4]
/** A channel of fewer levels says nothing. */
const levelsMin = 8
/** How far off its place a level may be, in gaps. */
const offMax = 0.1
/** A change of less, in gaps, leads to no other shade. */
const betweenMost = 0.5
/** Levels that differ by less than that share of what all range over are one. */
const same = 1e-6

/** Whether they are, and `size` is at most `most` of the gaps. */
export function isFewShades(values: ArrayLike<number>, size: number, most: number): boolean {
  return channelCounts.some((channels) => {
    if (values.length % channels !== 0) return false
    const each = values.length / channels
    const isFew = (first: number, stride: number): boolean =>
      size <= (most + offMax) * gapOf(values, first, stride, each)
    const all = Array.from({ length: channels }, (_, n) => n)
    return all.every((n) => isFew(n, channels)) || (channels > 1 && all.every((n) => isFew(n * each, 1)))
  })
}

/**
 * Whether they are shades of one channel but for the value at a place, which is what it was before plus less than most
 * of a gap: so nothing flickers.
 */
export function isBetweenShades(values: ArrayLike<number>, place: number, before: number): boolean {
  const size = Math.abs(values[place]! - before)
  const own = Float64Array.from(values)
  own[place] = before
  return size < betweenMost * gapOf(own, 0, 1, own.length)
}

/** The gap of one channel's shades; 0: they are none. */
function gapOf(values: ArrayLike<number>, first: number, stride: number, count: number): number {
  const sorted = Float64Array.from({ length: count }, (_, n) => values[first + n * stride]!).sort()
  const apart = same * (sorted[count - 1]! - sorted[0]!)
  let levels = 1
  for (let n = 1; n < count; n++) if (sorted[n]! - sorted[levels - 1]! > apart) sorted[levels++] = sorted[n]!
  if (levels < levelsMin) return 0
  let gap = Infinity
  for (let n = 1; n < levels; n++) gap = Math.min(gap, sorted[n]! - sorted[n - 1]!)
  for (let n = 1; n < levels; n++) {
    const parts = (sorted[n]! - sorted[n - 1]!) / gap
    if (Math.abs(parts - Math.round(parts)) > offMax) return 0
  }
  return gap
}
