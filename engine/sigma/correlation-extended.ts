/**
 * Reads temporal correlations whose condition is a text over rule names: pySigma's extended conditions.
 *
 * Pure. `type: temporal` with such a condition, and `type: temporal_extended`, are the same; `rules` may be left out then. Where
 * the rules are listed, list and condition must name the same.
 */
import type { ParsedYaml, YamlPath } from '../../core/yaml.ts'
import { polarities, readExpression, satisfiable, sequenceOf } from './correlation-expression.ts'
import type { Mistakes, SigmaMistakeCode } from './mistakes.ts'
import type { BaseExpression, CorrelationType } from './types.ts'

export interface ExtendedCondition {
  readonly type: CorrelationType
  readonly rules: readonly string[]
  readonly expression: BaseExpression
  readonly written: string
}

/** Undefined: there are mistakes, and they are told. */
export function readExtended(
  parsed: ParsedYaml,
  type: CorrelationType,
  text: string,
  listed: readonly string[] | undefined,
  mistakes: Mistakes,
): ExtendedCondition | undefined {
  const path: YamlPath = ['correlation', 'condition']
  const complain = (code: SigmaMistakeCode, message: string, hint?: string): ExtendedCondition | undefined => {
    mistakes.add(code, message, parsed.place(path), hint)
    return undefined
  }
  if (!type.startsWith('temporal')) {
    return complain('SIGMA_CORRELATION_INVALID', `A condition over rule names belongs to temporal types, not ${type}.`)
  }
  const read = readExpression(text, listed ?? [])
  if ('message' in read) {
    mistakes.add('SIGMA_CONDITION_SYNTAX', read.message, placeIn(parsed, path, text, read.at))
    return undefined
  }
  const { expression, names } = read
  const { wanted, unwanted } = polarities(expression)
  const strangers = listed === undefined ? [] : names.slice(listed.length)
  const idle = (listed ?? []).filter((_, base) => !wanted.has(base) && !unwanted.has(base))
  if (strangers.length > 0) {
    return complain(
      'SIGMA_CORRELATION_REFERENCE',
      `The condition names what is not among the rules: ${strangers.join(', ')}.`,
    )
  }
  if (idle.length > 0) {
    return complain('SIGMA_CORRELATION_INVALID', `The condition does not speak of these rules: ${idle.join(', ')}.`)
  }
  const { some, empty } = satisfiable(expression, names.length)
  if (!some && !empty) return complain('SIGMA_CORRELATION_NEVER', 'This condition can never hold.')
  if (empty) {
    const message = 'This condition holds where nothing happens at all: there is no event to tell it of.'
    const hint = 'Say what has to happen while the other stays away: a and not b.'
    return complain('SIGMA_CORRELATION_UNSUPPORTED', message, hint)
  }
  const ordered = type.startsWith('temporal_ordered')
  if (ordered && negates(expression) && sequenceOf(expression) === undefined) {
    const message = 'In an ordered condition with "not", only rules and alternatives (a or b) are joined by "and".'
    return complain('SIGMA_CORRELATION_UNSUPPORTED', message)
  }
  const extended = ordered ? 'temporal_ordered_extended' : 'temporal_extended'
  return { type: extended, rules: names, expression, written: text.trim() }
}

function negates(expression: BaseExpression): boolean {
  if (expression.kind === 'base') return false
  return expression.kind === 'not' || expression.of.some(negates)
}

/** A plain scalar on one line stands in the file as it is: the column can be told. */
function placeIn(parsed: ParsedYaml, path: YamlPath, text: string, at: number): ReturnType<ParsedYaml['place']> {
  const place = parsed.place(path)
  const node = parsed.document.getIn(path, true) as { type?: string; source?: string } | undefined
  return node?.type === 'PLAIN' && node.source === text ? { ...place, column: place.column + at } : place
}
