/**
 * Reads filter documents: exclusions kept apart from the rules that they narrow.
 *
 * Pure. A filter's condition is added to the rule's by AND, as pySigma does it: what is to be left out is written `not …`. A
 * filter applies to the rules it names (or to `any`) whose log source has what its own names.
 */
import { z } from 'zod'
import { schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { readEnvelope, type ExceptionEnvelope } from './exceptions.ts'
import { Mistakes } from './mistakes.ts'
import type { Pipeline } from './pipeline-file.ts'
import { mapRule, type Mapping } from './pipelines.ts'
import { readDetection } from './rule-detection.ts'
import { covers, readLogSource, type RuleHead } from './rule-meta.ts'
import type { Condition, LogSource } from './types.ts'

const Rules = z.union([z.string().min(1), z.array(z.string().min(1))])

export interface FilterDraft {
  readonly parsed: ParsedYaml
  readonly head: RuleHead
  /** Somebody answers for it: it suppresses, and is counted. */
  readonly envelope: ExceptionEnvelope | undefined
  /** The condition with its fields as they are written, mapped by the filter's own log source. */
  readonly condition: Condition
  /** Ids or names; undefined: any rule of the log source. */
  readonly rules: readonly string[] | undefined
  appliesTo(rule: RuleHead, logsource: LogSource): boolean
  /** The condition with its fields mapped as the rule's are; undefined: it can't be read so, and leaves nothing out. */
  conditionFor(mapping: Mapping): Condition | undefined
}

export function readFilter(
  parsed: ParsedYaml,
  head: RuleHead,
  pipelines: readonly Pipeline[],
  mistakes: Mistakes,
): FilterDraft | undefined {
  const before = mistakes.count
  const logsource = readLogSource(parsed, mistakes) ?? {}
  const read = Rules.safeParse((parsed.value as { filter?: { rules?: unknown } | null }).filter?.rules)
  if (!read.success) mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_FILTER_INVALID', ['filter', 'rules']))
  const mapping = mapRule(pipelines, { parsed, key: 'filter', head, logsource }, mistakes)
  const own = readDetection(parsed, 'filter', mapping, mistakes, ['rules'])
  const envelope = readEnvelope(parsed, mistakes)
  if (mistakes.count > before || own === undefined || !read.success || envelope === null) return undefined
  const any = read.data.length === 0 || (typeof read.data === 'string' && read.data.toLowerCase() === 'any')
  const rules = any ? undefined : typeof read.data === 'string' ? [read.data] : read.data
  return {
    parsed,
    head,
    envelope,
    condition: own,
    rules,
    appliesTo: (rule, ruleSource) =>
      (rules === undefined || rules.includes(rule.id) || (rule.name !== undefined && rules.includes(rule.name))) &&
      covers(mapping.logsource, ruleSource),
    conditionFor: ({ steps }) => {
      const others = new Mistakes()
      // Placeholders stay the filter's own.
      const read = readDetection(parsed, 'filter', { steps, placeholders: mapping.placeholders }, others, ['rules'])
      // Read in part, or with the names of other fields, it could hide what it was not written for.
      return others.count === 0 ? read : undefined
    },
  }
}
