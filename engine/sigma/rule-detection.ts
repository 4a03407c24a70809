/**
 * Reads a whole `detection:` (or `filter:`) block: its selections, its condition or list of conditions.
 *
 * Pure. Stands between compile.ts and the readers of selections (detection.ts) and conditions (condition.ts).
 */
import type { ParsedYaml } from '../../core/yaml.ts'
import { parseCondition } from './condition.ts'
import { readSelection } from './detection.ts'
import type { Mistakes } from './mistakes.ts'
import type { Mapping } from './pipelines.ts'
import type { Condition } from './types.ts'

/** Nodes of one rule's condition with selections written out at each place that names them. */
const conditionNodesMax = 50_000

/** Reads selections and condition under `key`. `others`: names there that are no selections. */
export function readDetection(
  parsed: ParsedYaml,
  key: 'detection' | 'filter',
  mapping: Pick<Mapping, 'fields' | 'placeholders'>,
  mistakes: Mistakes,
  others: readonly string[] = [],
): Condition | undefined {
  const block = (parsed.value as Record<string, unknown>)[key]
  if (typeof block !== 'object' || block === null || Array.isArray(block)) {
    mistakes.add('SIGMA_DETECTION_INVALID', `${key} is a map of selections and a condition.`, parsed.place([key]))
    return undefined
  }
  const context = { parsed, mistakes, fields: mapping.fields, placeholders: mapping.placeholders }
  const selections = new Map<string, Condition>()
  for (const [name, value] of Object.entries(block)) {
    // `timeframe` belonged to the aggregations of Sigma 1.
    if (name === 'condition' || name === 'timeframe' || others.includes(name)) continue
    const of = readSelection(context, value, [key, name]) ?? { kind: 'or', of: [] }
    selections.set(name, { kind: 'selection', name, of })
  }
  const written = (block as { condition?: unknown }).condition
  const conditions: readonly unknown[] = Array.isArray(written) ? written : [written]
  const read = conditions.flatMap((text, index) => {
    const path = Array.isArray(written) ? [key, 'condition', index] : [key, 'condition']
    const condition = readCondition(parsed, text, path, selections, mistakes)
    return condition === undefined ? [] : [condition]
  })
  if (read.length < conditions.length || read.length === 0) return undefined
  return read.length === 1 ? read[0] : { kind: 'or', of: read }
}

function readCondition(
  parsed: ParsedYaml,
  text: unknown,
  path: readonly (string | number)[],
  selections: ReadonlyMap<string, Condition>,
  mistakes: Mistakes,
): Condition | undefined {
  const place = parsed.place(path)
  if (typeof text !== 'string') {
    mistakes.add('SIGMA_CONDITION_MISSING', 'The rule needs a condition, which is a text.', place)
    return undefined
  }
  const condition = parseCondition(text, selections)
  if ('problem' in condition) {
    // A plain scalar on one line stands in the file as it is: the column can be told.
    const node = parsed.document.getIn(path, true) as { type?: string; source?: string } | undefined
    const plain = node?.type === 'PLAIN' && node.source === text
    const column = place.column + (plain ? condition.at : 0)
    mistakes.add(condition.problem, condition.message, { ...place, column }, condition.hint)
    return undefined
  }
  if (countNodes(condition, conditionNodesMax) > conditionNodesMax) {
    mistakes.add('SIGMA_TOO_LARGE', `Written out, the condition has more than ${conditionNodesMax} parts.`, place)
    return undefined
  }
  return condition
}

/** Parts of a condition, tests included; stops counting past `max`. */
function countNodes(condition: Condition, max: number): number {
  let count = 0
  const open: Condition[] = [condition]
  for (let node = open.pop(); node !== undefined && count <= max; node = open.pop()) {
    count++
    if (node.kind === 'and' || node.kind === 'or') open.push(...node.of)
    else if (node.kind === 'item') count += node.tests.length
    else open.push(node.of)
  }
  return count
}
