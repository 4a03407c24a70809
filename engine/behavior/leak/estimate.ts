/**
 * How faithful a copy an account could train: an estimate with a 90 % interval. Pure.
 *
 * Fidelity is agreement with the model on natural inputs. Two copies have been tried on inputs of others; what another
 * learner would make of the same answers lies between them or near them. So the interval reaches from between the copies to the
 * better one, each with the uncertainty of a share of so many landmarks (Wilson 1927), and beyond, the further the less of
 * the input space was covered: what was not asked is where copies differ.
 *
 * Nobody knows the thief's learner, though: one that learns from probabilities, and not from answers alone, knows a
 * model after a few of them, wherever they lie (Tramèr et al. 2016, Jagielski et al. 2020). So the upper end is at
 * least where the model's own learning curve (curve.ts) is after so many answers, and further by half of what is left
 * there. How far was chosen on generated scenarios (docs/detectors/leak-account.md), in which copies of seven kinds
 * were trained and tried on inputs held back.
 */
import type { Trial } from './copies.ts'
import { shareAfter, type ToldCurve } from './curve.ts'
import type { Estimate } from './holdings.ts'

/** Quantile of the normal distribution: 5 % on each side. */
const normal = 1.645
/** How far from the worse copy to the better one the lower end begins: a thief has both, and seldom takes the worse. */
const towardsBetter = 0.4
/** How much worse a learner may do yet, and in addition for all that is not covered. */
const worse = 0.01
const worseUncovered = 0.05
/** How much better than the better copy for all that is not covered. */
const betterUncovered = 0.15
/** The share of what is then left to full agreement that a learner better than both copies may gain. */
const betterLearner = 0.25
/** The share of errors that a learner may have where the model's learning curve has them, and where inputs are hidden. */
const leftByCurve = 0.5
const leftHidden = 0.25
/** Of hidden inputs nobody knows how many values they have; so many answers with all probabilities may begin to tell them. */
const hiddenFrom = 50
/** So little is none: the curve is known to a few thousandths at best. */
const errorMin = 0.01
/** On both sides where nobody has said what natural inputs are like. */
const unregistered = 0.02

export interface Known {
  /** Landmarks have answers, and copies could learn any. */
  readonly answered: boolean
  /** They stand in for registered inputs. */
  readonly registered: boolean
  /** Different answers that the account holds. */
  readonly answers: number
  /** The model's learning curve. */
  readonly curve?: ToldCurve | undefined
  /** The thief sees more of an input than we do: of a hash, or of values that were reduced. */
  readonly hidden: boolean
}

export function estimateOf(trial: Trial, { answered, registered, answers, curve, hidden }: Known): Estimate {
  const { landmarks, near, nearest, linear } = trial
  const coverage = landmarks === 0 ? 0 : near / landmarks
  if (!answered || landmarks === 0) return { coverage, fidelity: Number.NaN, low: Number.NaN, high: Number.NaN }
  const [least, most] = nearest < linear ? [nearest, linear] : [linear, nearest]
  const between = least + towardsBetter * (most - least)
  const uncovered = 1 - coverage
  const more = registered ? 0 : unregistered
  const high = Math.min(1, wilson(most / landmarks, landmarks, 1) + betterUncovered * uncovered + more)
  return {
    coverage,
    fidelity: most / landmarks,
    low: Math.max(0, wilson(between / landmarks, landmarks, -1) - worse - worseUncovered * uncovered - more),
    high: Math.max(high + betterLearner * (1 - high), curve === undefined ? 0 : byCurve(curve, answers, hidden)),
  }
}

function byCurve(curve: ToldCurve, answers: number, hidden: boolean): number {
  const known = wilson(shareAfter(curve, Math.max(1, answers)), curve.tried, 1)
  const told = hidden && curve.odds ? Math.min(1, hiddenFrom / answers) : 1
  const error = (hidden ? leftHidden : leftByCurve) * told * (1 - known)
  return error < errorMin ? 1 : 1 - error
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
