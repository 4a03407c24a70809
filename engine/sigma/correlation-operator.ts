/**
 * Makes the state machine of a correlation.
 *
 * Stands between compiled correlations and the detect service, which keeps a state for each group and calls `apply` with each
 * observation and `advance` when the watermark has reached `dueMs`.
 */
import { AbsenceOperator } from './absence-operator.ts'
import { decidesAtOnce, waitsForAbsence } from './aggregates.ts'
import { CompleteOperator } from './complete-operator.ts'
import { SlidingOperator } from './sliding-operator.ts'
import type { CorrelationOperator, SigmaCorrelation } from './types.ts'

export function correlationOperator(correlation: SigmaCorrelation): CorrelationOperator {
  if (waitsForAbsence(correlation)) return new AbsenceOperator(correlation)
  return decidesAtOnce(correlation) ? new SlidingOperator(correlation) : new CompleteOperator(correlation)
}
