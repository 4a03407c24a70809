/**
 * Collects the mistakes of one content set while it is compiled. Codes are a bounded set, listed here.
 */
import type { FilePlace, Mistake } from '../../core/errors.ts'

export const sigmaMistakeCodes = [
  'SIGMA_NOT_A_RULE',
  'SIGMA_META_INVALID',
  'SIGMA_ID_DUPLICATE',
  'SIGMA_NAME_DUPLICATE',
  'SIGMA_LOGSOURCE_INVALID',
  'SIGMA_DETECTION_INVALID',
  'SIGMA_SELECTION_EMPTY',
  'SIGMA_VALUE_TYPE',
  'SIGMA_MODIFIER_UNKNOWN',
  'SIGMA_MODIFIER_MISUSED',
  'SIGMA_REGEX_INVALID',
  'SIGMA_CIDR_INVALID',
  'SIGMA_PLACEHOLDER_UNRESOLVED',
  'SIGMA_TOO_LARGE',
  'SIGMA_CONDITION_MISSING',
  'SIGMA_CONDITION_SYNTAX',
  'SIGMA_CONDITION_AGGREGATION',
  'SIGMA_SELECTION_UNKNOWN',
  'SIGMA_CORRELATION_INVALID',
  'SIGMA_CORRELATION_REFERENCE',
  'SIGMA_CORRELATION_CYCLE',
  'SIGMA_CORRELATION_UNSUPPORTED',
  'SIGMA_CORRELATION_NEVER',
  'SIGMA_ALIAS_INVALID',
  'SIGMA_FILTER_INVALID',
  'SIGMA_PIPELINE_INVALID',
  'SIGMA_RULE_REFUSED',
] as const
export type SigmaMistakeCode = (typeof sigmaMistakeCodes)[number]

export class Mistakes {
  readonly list: Mistake[] = []

  add(code: SigmaMistakeCode, message: string, place: FilePlace, hint?: string): void {
    this.list.push({ code, message, place, ...(hint === undefined ? {} : { hint }) })
  }

  addAll(mistakes: readonly Mistake[]): void {
    this.list.push(...mistakes)
  }

  get count(): number {
    return this.list.length
  }
}
