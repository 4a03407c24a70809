/**
 * What the answers of a suspect prove: exact tests, and nothing that rests on large numbers.
 *
 * The p-value is the exact binomial tail of the planted canaries' hits at the chance that the random draw of the answers
 * gives. Fisher's exact test of planted against control hits stands beside it: it assumes no chance at all, only that both
 * kinds are of one make.
 */
import { logBinomialTail, logChoose } from '../behavior/statistics/evidence.ts'

export interface Asked {
  readonly kind: 'planted' | 'control'
  readonly hit: boolean
  /** One in the number of options. */
  readonly chance: number
}

export interface CanaryVerdict {
  readonly planted: { readonly asked: number; readonly hits: number; readonly expected: number }
  readonly control: { readonly asked: number; readonly hits: number; readonly expected: number }
  /** Of the planted ones: exact binomial, one-sided. */
  readonly pValue: number
  /** Of the control ones, by the same test: small means that something else is wrong. */
  readonly controlPValue: number
  readonly fisherPValue: number
  readonly verdict: 'derived' | 'inconclusive' | 'no-evidence' | 'invalid'
}

const derivedBelow = 1e-3
const noEvidenceAbove = 0.05

export function verdictOf(answers: readonly Asked[]): CanaryVerdict {
  const planted = countOf(answers.filter(({ kind }) => kind === 'planted'))
  const control = countOf(answers.filter(({ kind }) => kind === 'control'))
  const pValue = tailOf(planted)
  const controlPValue = tailOf(control)
  const fisherPValue = fisher(planted.hits, planted.asked, control.hits, control.asked)
  const verdict =
    controlPValue < derivedBelow
      ? 'invalid'
      : pValue < derivedBelow
        ? 'derived'
        : pValue > noEvidenceAbove
          ? 'no-evidence'
          : 'inconclusive'
  return { planted, control, pValue, controlPValue, fisherPValue, verdict }
}

/** One-sided: at least `hitsA` of the hits among A, were they spread by chance (hypergeometric tail). */
export function fisher(hitsA: number, askedA: number, hitsB: number, askedB: number): number {
  const hits = hitsA + hitsB
  const all = logChoose(askedA + askedB, hits)
  let sum = 0
  for (let k = hitsA; k <= Math.min(askedA, hits); k++) {
    if (hits - k <= askedB) sum += Math.exp(logChoose(askedA, k) + logChoose(askedB, hits - k) - all)
  }
  return Math.min(1, sum)
}

function countOf(answers: readonly Asked[]): { asked: number; hits: number; expected: number } {
  return {
    asked: answers.length,
    hits: answers.filter(({ hit }) => hit).length,
    expected: answers.reduce((sum, { chance }) => sum + chance, 0),
  }
}

function tailOf({ asked, hits, expected }: { asked: number; hits: number; expected: number }): number {
  return asked === 0 ? 1 : Math.exp(Math.max(-700, logBinomialTail(hits, asked, expected / asked)))
}
