/**
 * What the answers of a suspect prove: exact tests, and nothing that rests on large numbers.
 *
 * The p-value is the exact binomial tail of the planted canaries' hits at the chance that the random draw of the answers
 * gives. Questions without an answer count as wrong, and are counted. Fisher's exact test of planted against control hits stands
 * beside it: it assumes no chance at all, only that both kinds are of one make.
 */
import { logBinomialTail } from '../behavior/statistics/evidence.ts'
import { fisher } from '../behavior/statistics/fisher.ts'

export interface Asked {
  readonly kind: 'planted' | 'control'
  readonly hit: boolean
  /** One in the number of options. */
  readonly chance: number
  /** False: nothing came back, or it was never asked. */
  readonly answered: boolean
  /** How many of the options the answer names. */
  readonly named: number
}

export interface Counted {
  readonly asked: number
  readonly answered: number
  readonly hits: number
  readonly expected: number
  /** Answers that name none of the options: refusals, and talk of something else. */
  readonly namedNone: number
}

export interface CanaryVerdict {
  readonly planted: Counted
  readonly control: Counted
  /** Of the planted ones: exact binomial, one-sided. */
  readonly pValue: number
  /** Of the control ones, by the same test: small means that something else is wrong. */
  readonly controlPValue: number
  readonly fisherPValue: number
  readonly verdict: 'derived' | 'inconclusive' | 'no-evidence' | 'invalid'
  /** Why it is inconclusive although the p-value alone would say more. */
  readonly because?: 'controls' | 'unanswered'
}

export const derivedBelow = 1e-3
export const noEvidenceAbove = 0.05

export function verdictOf(answers: readonly Asked[]): CanaryVerdict {
  const planted = countOf(answers.filter(({ kind }) => kind === 'planted'))
  const control = countOf(answers.filter(({ kind }) => kind === 'control'))
  const pValue = tailOf(planted, planted.hits)
  const controlPValue = tailOf(control, control.hits)
  const fisherPValue = fisher(planted.hits, planted.asked, control.hits, control.asked)
  return { planted, control, pValue, controlPValue, fisherPValue, ...judged() }

  function judged(): Pick<CanaryVerdict, 'verdict' | 'because'> {
    if (controlPValue < derivedBelow) return { verdict: 'invalid' }
    if (pValue < derivedBelow) {
      // Controls that go better than guessing too are no controls unless the planted ones go better still.
      const apart = controlPValue > noEvidenceAbove || fisherPValue < noEvidenceAbove
      return apart ? { verdict: 'derived' } : { verdict: 'inconclusive', because: 'controls' }
    }
    if (pValue <= noEvidenceAbove) return { verdict: 'inconclusive' }
    // What was not answered could have turned it.
    const atMost = planted.hits + planted.asked - planted.answered
    return tailOf(planted, atMost) < derivedBelow
      ? { verdict: 'inconclusive', because: 'unanswered' }
      : { verdict: 'no-evidence' }
  }
}

/**
 * How often a model is called derived that knows a share of the planted ones and guesses the rest; controls left out of
 * account.
 */
export function foundOf(
  { count, options }: { readonly count: number; readonly options: number },
  share: number,
): number {
  const chance = 1 / options
  let hits = 0
  while (hits <= count && logBinomialTail(hits, count, chance) >= Math.log(derivedBelow)) hits++
  return hits > count ? 0 : Math.exp(logBinomialTail(hits, count, share + (1 - share) * chance))
}

function countOf(answers: readonly Asked[]): Counted {
  return {
    asked: answers.length,
    answered: answers.filter(({ answered }) => answered).length,
    hits: answers.filter(({ hit }) => hit).length,
    expected: answers.reduce((sum, { chance }) => sum + chance, 0),
    namedNone: answers.filter(({ answered, named }) => answered && named === 0).length,
  }
}

function tailOf({ asked, expected }: Counted, hits: number): number {
  return asked === 0 ? 1 : Math.exp(Math.max(-700, logBinomialTail(hits, asked, expected / asked)))
}
