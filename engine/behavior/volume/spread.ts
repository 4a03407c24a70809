/**
 * How far a principal's next sum may go by what its earlier ones were: a prediction limit for log-normal amounts.
 *
 * Of five days the greatest says little of the sixth. The limit for one more value of a normal distribution whose mean
 * and spread are estimated from n values is that of Student's t; the spread is moderated by that of the peers (Smyth
 * 2004), which counts like a few more values. So who is hardly known has much room, and less from day to day. An amount
 * far below the middle, a glance, says nothing of how far a heavy day goes: it counts as the least that still does
 * (Winsor's way). Pure.
 */
import { median } from 'simple-statistics'

/** What the peers' spread counts for, in values of one's own. */
const peersWeight = 4
/** Amounts differ by this much at least, however alike the known ones are: a standard deviation of the logarithm. */
const spreadMin = 0.1
/** Of their median, the least that amounts count as: at a spread of 0.8, one honest day in five hundred lies lower. */
const glance = 0.1

/** What one sum in `perCrossing` passes; 0 where too little is known to say. All sums are above zero. */
export function predictedLine(
  own: readonly number[],
  peers: readonly (readonly number[])[],
  perCrossing: number,
): number {
  if (own.length === 0) return 0
  const logs = logsOf(own)
  const pooled = { squares: 0, degrees: 0 }
  for (const sums of peers) {
    pooled.squares += squaresOf(logsOf(sums))
    pooled.degrees += sums.length - 1
  }
  const weight = pooled.degrees > 0 ? peersWeight : 0
  const degrees = own.length - 1 + weight
  if (degrees === 0) return 0
  const moderated = weight === 0 ? 0 : (weight * pooled.squares) / pooled.degrees
  const spread = Math.max(spreadMin, Math.sqrt((squaresOf(logs) + moderated) / degrees))
  return Math.exp(meanOf(logs) + studentQuantile(perCrossing, degrees) * spread * Math.sqrt(1 + 1 / own.length))
}

function logsOf(sums: readonly number[]): number[] {
  const least = sums.length === 0 ? 0 : glance * median([...sums])
  return sums.map((sum) => Math.log(Math.max(sum, least)))
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The sum of the squares about the mean. */
function squaresOf(values: readonly number[]): number {
  const mean = meanOf(values)
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
}

/**
 * What Student's t passes once in `perCrossing`, from the normal distribution (Wallace 1959): within a thirtieth from
 * four degrees on.
 */
export function studentQuantile(perCrossing: number, degrees: number): number {
  const normal = (normalQuantile(perCrossing) * (8 * degrees + 3)) / (8 * degrees + 1)
  return Math.sqrt(degrees * Math.expm1(normal ** 2 / degrees))
}

/** Abramowitz and Stegun 26.2.23. */
function normalQuantile(perCrossing: number): number {
  const t = Math.sqrt(2 * Math.log(perCrossing))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
}
