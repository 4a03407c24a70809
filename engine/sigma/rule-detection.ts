/**
 * Reads a whole `detection:` (or `filter:`) block: its selections, its condition or list of conditions.
 *
 * Pure. Stands between compile.ts and the readers of selections (detection.ts) and conditions (condition.ts).
 */
import type { FilePlace } from '../../core/errors.ts'
import type { ParsedYaml } from '../../core/yaml.ts'
import { parseCondition } from './condition.ts'
import { finishDraft, type Draft } from './detection-draft.ts'
import { readSelection } from './detection.ts'
import type { Mistakes } from './mistakes.ts'
import { applySteps, type Step } from './pipeline-steps.ts'
import type { Condition } from './types.ts'
import type { Placeholders } from './values.ts'

/** Nodes of one rule's condition with selections written out at each place that names them. */
const conditionNodesMax = 50_000

/** What of a mapping reading a detection takes. */
interface DetectionMapping {
  readonly placeholders: Placeholders
  readonly steps: readonly Step[]
}

/** Reads selections and condition under `key`. `others`: names there that are no selections. */
export function readDetection(
  parsed: ParsedYaml,
  key: 'detection' | 'filter',
  mapping: DetectionMapping,
  mistakes: Mistakes,
  others: readonly string[] = [],
): Condition | undefined {
  const drafts = readDrafts(parsed, key, mapping.placeholders, mistakes, others)
  if (drafts === undefined) return undefined
  const selections = new Map<string, Condition>()
  for (const [name, draft] of drafts) {
    const before = mistakes.count
    const changed = draft === undefined ? undefined : applySteps(draft, mapping.steps, mistakes)
    // Taken out whole by a pipeline: conditions that name it go on without it.
    if (draft !== undefined && changed === undefined && mistakes.count === before) selections.set(name, taken)
    else {
      const of = (changed === undefined ? undefined : finishDraft(changed, mistakes)) ?? { kind: 'or', of: [] }
      selections.set(name, { kind: 'selection', name, of })
    }
  }
  const written = (parsed.value as Record<string, { condition?: unknown }>)[key]!.condition
  const conditions: readonly unknown[] = Array.isArray(written) ? written : [written]
  const read = conditions.flatMap((text, index) => {
    const path = Array.isArray(written) ? [key, 'condition', index] : [key, 'condition']
    const condition = readCondition(parsed, text, path, selections, mistakes)
    return condition === undefined ? [] : [condition]
  })
  if (read.length < conditions.length || read.length === 0) return undefined
  return read.length === 1 ? read[0] : { kind: 'or', of: read }
}

/** Reads the selections under `key`: undefined where one has mistakes. */
export function readDrafts(
  parsed: ParsedYaml,
  key: 'detection' | 'filter',
  placeholders: Placeholders,
  mistakes: Mistakes,
  others: readonly string[] = [],
): ReadonlyMap<string, Draft | undefined> | undefined {
  const block = (parsed.value as Record<string, unknown>)[key]
  if (typeof block !== 'object' || block === null || Array.isArray(block)) {
    mistakes.add('SIGMA_DETECTION_INVALID', `${key} is a map of selections and a condition.`, parsed.place([key]))
    return undefined
  }
  const drafts = new Map<string, Draft | undefined>()
  for (const [name, value] of Object.entries(block)) {
    // `timeframe` belonged to the aggregations of Sigma 1.
    if (name === 'condition' || name === 'timeframe' || others.includes(name)) continue
    drafts.set(name, readSelection({ parsed, mistakes, placeholders }, value, [key, name]))
  }
  return drafts
}

/** A selection of which pipelines have left nothing. */
const taken: Condition = { kind: 'or', of: [] }

/** A condition without the selections that were taken out; undefined: nothing is left of it. */
function withoutTaken(condition: Condition): Condition | undefined {
  if (condition === taken) return undefined
  if (condition.kind === 'not') {
    const of = withoutTaken(condition.of)
    return of === undefined ? undefined : { kind: 'not', of }
  }
  if (condition.kind !== 'and' && condition.kind !== 'or') return condition
  const of = condition.of.flatMap((each) => withoutTaken(each) ?? [])
  if (of.length === condition.of.length)
    return condition.of.every((each, at) => each === of[at]) ? condition : { ...condition, of }
  return of.length === 0 ? undefined : of.length === 1 ? of[0] : { ...condition, of }
}

function readCondition(
  parsed: ParsedYaml,
  text: unknown,
  path: readonly (string | number)[],
  selections: ReadonlyMap<string, Condition>,
  mistakes: Mistakes,
): Condition | undefined {
  // Asked only for a mistake: to know where something stands, the whole file is read again.
  const place = (): FilePlace => parsed.place(path)
  if (typeof text !== 'string') {
    mistakes.add('SIGMA_CONDITION_MISSING', 'The rule needs a condition, which is a text.', place())
    return undefined
  }
  const condition = parseCondition(text, selections)
  if ('problem' in condition) {
    // A plain scalar on one line stands in the file as it is: the column can be told.
    const node = parsed.document.getIn(path, true) as { type?: string; source?: string } | undefined
    const plain = node?.type === 'PLAIN' && node.source === text
    const at = place()
    const column = at.column + (plain ? condition.at : 0)
    mistakes.add(condition.problem, condition.message, { ...at, column }, condition.hint)
    return undefined
  }
  if (countNodes(condition, conditionNodesMax) > conditionNodesMax) {
    mistakes.add('SIGMA_TOO_LARGE', `Written out, the condition has more than ${conditionNodesMax} parts.`, place())
    return undefined
  }
  const left = withoutTaken(condition)
  if (left === undefined) {
    mistakes.add('SIGMA_SELECTION_EMPTY', 'The pipelines have taken out all that the condition looks for.', place())
  }
  return left
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
