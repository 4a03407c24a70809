/**
 * Collects the mistakes of one content set while it is compiled. Codes are a bounded set, listed here, each with what to do
 * where the mistake itself does not say it better.
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

const remedies: Readonly<Record<SigmaMistakeCode, string>> = {
  SIGMA_NOT_A_RULE: 'A rule has title, logsource and detection; docs/rules.md shows one whole.',
  SIGMA_META_INVALID: 'See "Writing a rule" in docs/rules.md for what each key takes.',
  SIGMA_ID_DUPLICATE: 'Give this rule an id of its own.',
  SIGMA_NAME_DUPLICATE: 'Give this rule a name of its own, that is no other rule’s id.',
  SIGMA_LOGSOURCE_INVALID: 'Write logsource: { product: …, service: …, category: … }, or {} for any source.',
  SIGMA_DETECTION_INVALID: 'Under detection stand selections, each a map or a list of maps, and condition.',
  SIGMA_SELECTION_EMPTY: 'Write what to look for, or take it out.',
  SIGMA_VALUE_TYPE: 'Write a value that fits the modifier: field|gte: 5, field|exists: true, field|contains: text.',
  SIGMA_MODIFIER_UNKNOWN: 'Look for a slip of the pen; the modifiers are those of Sigma 2.1.',
  SIGMA_MODIFIER_MISUSED: 'Take the modifier out, or put it where it belongs.',
  SIGMA_REGEX_INVALID: 'Write it by RE2’s rules; a literal bracket, parenthesis or asterisk takes a backslash.',
  SIGMA_CIDR_INVALID: 'Write an address and the length of its prefix, such as 10.0.0.0/8 or 2001:db8::/32.',
  SIGMA_PLACEHOLDER_UNRESOLVED: 'Give its values in a list or a pipeline.',
  SIGMA_TOO_LARGE: 'Divide the rule into several.',
  SIGMA_CONDITION_MISSING: 'Write condition: and the names of selections, such as: selection and not filter.',
  SIGMA_CONDITION_SYNTAX: 'A condition joins selections by and, or, not, parentheses, "1 of …" and "all of …".',
  SIGMA_CONDITION_AGGREGATION: 'Write a correlation.',
  SIGMA_SELECTION_UNKNOWN: 'Name a selection that stands under detection.',
  SIGMA_CORRELATION_INVALID: 'See "Correlations" in docs/rules.md for what goes with which type.',
  SIGMA_CORRELATION_REFERENCE: 'Refer to rules by name or id; group by, and count, what those below group by.',
  SIGMA_CORRELATION_CYCLE: 'Take out the reference that leads back here.',
  SIGMA_CORRELATION_UNSUPPORTED: 'Write it with the operators that docs/decisions/010-sigma-windows.md lists.',
  SIGMA_CORRELATION_NEVER: 'Look whether the comparison is meant the other way around.',
  SIGMA_ALIAS_INVALID: 'An alias names, for each rule of the correlation, the field that it stands for.',
  SIGMA_FILTER_INVALID: 'See "Exceptions" in docs/rules.md.',
  SIGMA_PIPELINE_INVALID: 'See "Public rules, and pipelines" in docs/rules.md.',
  SIGMA_RULE_REFUSED: 'A pipeline refuses the rule: change the rule, or the pipeline.',
}

function remedyOf(code: string): string | undefined {
  return Object.hasOwn(remedies, code) ? remedies[code as SigmaMistakeCode] : undefined
}

export class Mistakes {
  readonly list: Mistake[] = []

  add(code: SigmaMistakeCode, message: string, place: FilePlace, hint?: string): void {
    this.list.push({ code, message, place, hint: hint ?? remedies[code] })
  }

  addAll(mistakes: readonly Mistake[]): void {
    for (const mistake of mistakes) {
      const hint = mistake.hint ?? remedyOf(mistake.code)
      this.list.push(hint === undefined ? mistake : { ...mistake, hint })
    }
  }

  get count(): number {
    return this.list.length
  }
}
