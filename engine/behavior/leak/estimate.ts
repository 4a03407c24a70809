/**
 * How faithful a copy an account could train: an estimate with a 90 % interval. Pure.
 *
 * Fidelity is agreement with the model on natural inputs. Two copies have been tried on inputs of others; what another
 * learner would make of the same answers lies between them or near them. So the interval reaches from the worse copy to the
 * better one, each with the uncertainty of a share of so many landmarks (Wilson 1927), and beyond, the further the less of
 * the input space was covered: what was not asked is where copies differ. How far beyond was chosen on generated scenarios
 * (docs/detectors.md), in which five kinds of copies were trained and tried on inputs that were held back. Nobody knows the
 * thief's learner, though: one with more knowledge, or that learns from probabilities and not from answers alone, leaves fewer
 * errors than either copy (Tramèr et al. 2016, Jagielski et al. 2020), so the upper end goes part of the way that is left.
 */
import type { Trial } from './copies.ts'
import type { Estimate } from './holdings.ts'

/** Quantile of the normal distribution: 5 % on each side. */
const normal = 1.645
/** How much worse than the worse copy, and in addition for all that is not covered. */
const worse = 0.02
const worseUncovered = 0.05
/** How much better than the better copy for all that is not covered. */
const betterUncovered = 0.15
/** The share of what is then left to full agreement that a learner better than both copies may gain. */
const betterLearner = 0.25
/** On both sides where nobody has said what natural inputs are like. */
const unregistered = 0.02

/** `answered`: landmarks have answers, and copies could learn any. `registered`: they stand in for registered inputs. */
export function estimateOf(trial: Trial, answered: boolean, registered: boolean): Estimate {
  const { landmarks, near, nearest, linear } = trial
  const coverage = landmarks === 0 ? 0 : near / landmarks
  if (!answered || landmarks === 0) return { coverage, fidelity: Number.NaN, low: Number.NaN, high: Number.NaN }
  const [least, most] = nearest < linear ? [nearest, linear] : [linear, nearest]
  const uncovered = 1 - coverage
  const more = registered ? 0 : unregistered
  const high = Math.min(1, wilson(most / landmarks, landmarks, 1) + betterUncovered * uncovered + more)
  return {
    coverage,
    fidelity: most / landmarks,
    low: Math.max(0, wilson(least / landmarks, landmarks, -1) - worse - worseUncovered * uncovered - more),
    high: high + betterLearner * (1 - high),
  }
}

/** One end of Wilson's score interval for a share of n. */
export function wilson(share: number, n: number, side: 1 | -1): number {
  const z2 = normal * normal
  const middle = share + z2 / (2 * n)
  const reach = normal * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))
  return (middle + side * reach) / (1 + z2 / n)
}

/** What copies under earlier landmarks had reached is not unlearned. */
export function greater(a: Estimate, b: Estimate): Estimate {
  const [best, other] = b.fidelity > a.fidelity || Number.isNaN(a.fidelity) ? [b, a] : [a, b]
  return { ...best, coverage: Math.max(best.coverage, other.coverage) }
}
