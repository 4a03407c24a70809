/**
 * How much of a sphere lies around its diagonals: the probability that a direction which has nothing to do with the axes is
 * as near to one whose coordinates are all equally large. Pure.
 */

const dimensionMax = 64

/** By dimension: the logarithm of 2^(m-1) / (a·B(a, 1/2)), where a is half of m - 1 and B Euler's beta function. */
const logFactors = factors()

function factors(): Float64Array {
  const logs = new Float64Array(dimensionMax + 1)
  const beta = [0, 0, Math.PI, 2]
  for (let m = 2; m <= dimensionMax; m++) {
    const a = (m - 1) / 2
    beta[m + 2] = (beta[m]! * a) / (a + 0.5)
    logs[m] = (m - 1) * Math.LN2 - Math.log(a * beta[m]!)
  }
  return logs
}

/**
 * The logarithm of an upper bound of that probability for `m` coordinates, 2 to 64; `aside`: the squared sine of the angle
 * between the direction and the nearest diagonal. The share of a cap of angle t is I(sin² t; a, 1/2) / 2 (Li 2011), which is at
 * most sin² t to the power of a, over 2·a·B(a, 1/2)·cos t; there are 2^m diagonals.
 */
export function logOfCap(m: number, aside: number): number {
  if (aside >= 1) return 0
  return Math.min(0, logFactors[m]! + ((m - 1) / 2) * Math.log(Math.max(1e-12, aside)) - 0.5 * Math.log(1 - aside))
}
