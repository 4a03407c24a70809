/**
 * Two samples of a number: whether they come from one distribution, and how far they are apart.
 */

type Values = readonly number[] | Float64Array

/**
 * The Kolmogorov-Smirnov distance: the greatest difference of the two distribution functions, where it is, and on which side
 * of the first the second lies (1: above, so smaller values). Both samples ascending.
 */
export function greatestGap(
  a: Values,
  b: Values,
): { readonly distance: number; readonly at: number; readonly side: 1 | -1 } {
  let found: { distance: number; at: number; side: 1 | -1 } = { distance: 0, at: NaN, side: 1 }
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const at = Math.min(a[i]!, b[j]!)
    while (i < a.length && a[i]! <= at) i++
    while (j < b.length && b[j]! <= at) j++
    const gap = j / b.length - i / a.length
    if (Math.abs(gap) > found.distance) found = { distance: Math.abs(gap), at, side: gap > 0 ? 1 : -1 }
  }
  return found
}

/** The share of values up to and with one. */
export function shareUpTo(values: Values, at: number): number {
  let count = 0
  for (let n = 0; n < values.length; n++) if (values[n]! <= at) count++
  return count / values.length
}

/**
 * The distance that independent samples of these sizes pass with a probability of at most `chance`: the two-sample form of
 * the Dvoretzky-Kiefer-Wolfowitz bound (Wei and Dudley 2012: P ≤ 2 exp(-2 D² mn / (m + n)) for all but small samples).
 */
export function ksLine(m: number, n: number, chance: number): number {
  return Math.sqrt((Math.log(2 / chance) * (m + n)) / (2 * m * n))
}

/**
 * The population stability index over `bins` quantiles of the first sample. Both ascending. Under .1 is called stable, above
 * .25 shifted (Siddiqi 2006); its expectation for equal distributions is about (bins - 1)(1/m + 1/n).
 */
export function stabilityIndex(a: Values, b: Values, bins = 10): number {
  let index = 0
  let [i, j] = [0, 0]
  for (let bin = 1; bin <= bins; bin++) {
    const edge = bin === bins ? Infinity : a[Math.min(a.length - 1, Math.floor((bin * a.length) / bins))]!
    const [fromI, fromJ] = [i, j]
    while (i < a.length && a[i]! < edge) i++
    while (j < b.length && b[j]! < edge) j++
    const p = (i - fromI + 0.5) / (a.length + 0.5 * bins)
    const q = (j - fromJ + 0.5) / (b.length + 0.5 * bins)
    index += (q - p) * Math.log(q / p)
  }
  return index
}
