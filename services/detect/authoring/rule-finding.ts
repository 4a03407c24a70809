/** What a look over rules finds, and the rule that it is about. Words of rule-check.ts and its parts. */
import type { FilePlace } from '../../../core/errors.ts'
import type { ParsedYaml, YamlPath } from '../../../core/yaml.ts'
import type { RuleMeta } from '../../../engine/sigma/types.ts'

export type Severity = 'error' | 'warning' | 'note'

export interface RuleFinding {
  readonly severity: Severity
  readonly code: string
  readonly message: string
  readonly place: FilePlace
  readonly hint?: string
  /** Id of the rule, where one could be read. */
  readonly rule?: string
}

/** A rule with the document that it was read from, for finding places in it. */
export interface WrittenRule {
  readonly meta: RuleMeta
  place(path: YamlPath): FilePlace
  readonly parsed: ParsedYaml | undefined
}
