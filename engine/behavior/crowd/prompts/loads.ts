/**
 * How equally members of a kind have asked since they began, looked at now and then as a whole. Pure.
 *
 * balance.ts bets on each call once an account is a member; by then a third or more of what it will ever ask is gone.
 * Here all its calls since its first count. As customers call at random (Poisson) at rates that vary as Gamma variables
 * of `shape` do, their counts are negative binomial; a hand's are Poisson, or vary by a fifth. What is compared is how
 * likely the counts are given their sum, so that it does not matter how much all of them ask.
 *
 * An account is a member from so many calls on, which customers that ask little never reach: so its count is one of
 * those that are at least as large (a distribution that is cut off below). Only the customers' is; to cut off the
 * hand's too could but add to the evidence.
 */
import { logChoose, logFactorial } from '../../statistics/evidence.ts'

/** Calls of one member after its first. */
export interface Calls {
  readonly calls: number
  /** When it became a member. */
  readonly atLeast: number
  readonly exposureMs: number
}

/** As a logarithm: for any one time that it is looked at, a probability of at most e^-n of being n or more. */
export function evidenceOfLoads(all: readonly Calls[], shape: number, dealtShape: number): number {
  const sum = all.reduce((total, { calls }) => total + calls, 0)
  const exposure = all.reduce((total, { exposureMs }) => total + exposureMs, 0)
  let [even, about, spread, aboutSpread] = [0, 0, 0, 0]
  for (const { calls, atLeast, exposureMs } of all) {
    const mean = (sum * exposureMs) / exposure
    const customer = logNegativeBinomial(calls, mean, shape) - logTail(atLeast, mean, shape)
    even += logPoisson(calls, mean) - customer
    about += logNegativeBinomial(calls, mean, dealtShape) - customer
    spread += mean * (1 + mean / shape)
    aboutSpread += mean * (1 + mean / dealtShape)
  }
  // Given their sum: each is divided by how likely that is, which its variance tells.
  even += Math.log(sum / spread) / 2
  about += Math.log(aboutSpread / spread) / 2
  const most = Math.max(even, about)
  return most + Math.log((Math.exp(even - most) + Math.exp(about - most)) / 2)
}

/** Whether one of those who have `mean` calls each has so many as a hand deals it, rather than as a customer of any size asks. */
export function isLikelierDealt(calls: number, mean: number, shape: number, dealtShape: number): boolean {
  // As of an event that comes late, some have not begun: of those nothing is known.
  if (mean === 0) return false
  return logNegativeBinomial(calls, mean, dealtShape) >= logNegativeBinomial(calls, mean, shape)
}

function logPoisson(count: number, mean: number): number {
  return count * Math.log(mean) - mean - logFactorial(count)
}

function logNegativeBinomial(count: number, mean: number, shape: number): number {
  return (
    logChoose(count + shape - 1, count) +
    shape * Math.log(shape / (shape + mean)) +
    count * Math.log(mean / (shape + mean))
  )
}

/** Of so many or more. */
function logTail(atLeast: number, mean: number, shape: number): number {
  let term = (shape / (shape + mean)) ** shape
  let below = 0
  for (let count = 0; count < atLeast && below < 1; count++) {
    below += term
    term *= (((count + shape) / (count + 1)) * mean) / (shape + mean)
  }
  return Math.log(Math.max(1e-12, 1 - below))
}
