/** Whether a correlation can hold when only some of its bases ever find anything. Pure. */
import { conditionHolds } from './aggregates.ts'
import { expressionHolds } from './correlation-expression.ts'
import type { SigmaCorrelation } from './types.ts'

export function canBeReached(correlation: SigmaCorrelation, finds: (base: number) => boolean): boolean {
  const live = correlation.base.filter((_, index) => finds(index)).length
  if (live === 0) return false
  // What must stay away does so best where nothing is ever found of it.
  const { expression } = correlation
  if (expression !== undefined) return expressionHolds(expression, (base, negated) => !negated && finds(base))
  if (correlation.type === 'temporal') return atMost(correlation, live)
  if (correlation.type !== 'temporal_ordered') return true
  // In their order: what comes after one that never happens is never reached.
  const first = correlation.base.findIndex((_, index) => !finds(index))
  return atMost(correlation, first < 0 ? correlation.base.length : first)
}

function atMost(correlation: SigmaCorrelation, most: number): boolean {
  return Array.from({ length: most }, (_, index) => index + 1).some((seen) => conditionHolds(correlation, seen))
}
