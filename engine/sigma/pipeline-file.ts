/**
 * Reads processing pipelines: files in pySigma's format (`name`, `priority`, `vars`, `transformations`).
 *
 * Pure. Of pySigma's transformations all are taken that say something about matching events; those that write queries, run
 * Python, or fetch from outside are refused by name, because a rule that is mapped by half finds nothing and says so to
 * nobody.
 */
import { z } from 'zod'
import { schemaMistakes, type ParsedYaml, type YamlPath } from '../../core/yaml.ts'
import { parseCondition } from './condition.ts'
import type { Mistakes } from './mistakes.ts'
import { Nest, scalar, Simple, simple, type Transformation } from './pipeline-transformations.ts'
import { compileRegex } from './regex.ts'
import type { Condition } from './types.ts'

/** What pySigma knows and an engine that matches events has no use for. */
const refused: Readonly<Record<string, string>> = {
  field_name_transform: 'it calls a Python function',
  query_expression_placeholders: 'it writes expressions of a query language',
  file_placeholders: 'it reads files from outside of the content',
  http_placeholders: 'it fetches from the network',
  command_placeholders: 'it runs a command',
}

const PipelineFile = z.strictObject({
  name: z.string().min(1),
  priority: z.number().default(0),
  allowed_backends: z.array(z.string()).optional(),
  vars: z.record(z.string(), z.union([scalar.transform((value) => [value]), z.array(scalar)])).default({}),
  transformations: z.array(z.unknown()).default([]),
})

export interface Pipeline {
  readonly file: string
  readonly priority: number
  readonly vars: ReadonlyMap<string, readonly (string | number)[]>
  readonly transformations: readonly Transformation[]
  readonly parsed: ParsedYaml
}

/** Nests in nests. */
const nestDepthMax = 8

export function readPipeline(parsed: ParsedYaml, mistakes: Mistakes): Pipeline | undefined {
  const before = mistakes.count
  const { value } = parsed
  if (typeof value === 'object' && value !== null) {
    for (const key of ['postprocessing', 'finalizers']) {
      if (!(key in value)) continue
      const message = `A pipeline's ${key} are about the text of queries: matching events has none.`
      mistakes.add('SIGMA_PIPELINE_INVALID', message, parsed.keyPlace([key]))
    }
  }
  if (mistakes.count > before) return undefined
  const read = PipelineFile.safeParse(value)
  if (!read.success) {
    mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_PIPELINE_INVALID'))
    return undefined
  }
  const transformations = readTransformations(parsed, read.data.transformations, ['transformations'], mistakes, 0)
  if (mistakes.count > before) return undefined
  const { priority, vars } = read.data
  return { file: parsed.file, priority, vars: new Map(Object.entries(vars)), transformations, parsed }
}

function readTransformations(
  parsed: ParsedYaml,
  list: readonly unknown[],
  path: YamlPath,
  mistakes: Mistakes,
  depth: number,
): readonly Transformation[] {
  return list.flatMap((raw, index) => {
    const at = [...path, index]
    const type = typeof raw === 'object' && raw !== null ? (raw as { type?: unknown }).type : undefined
    const why = typeof type === 'string' && Object.hasOwn(refused, type) ? refused[type] : undefined
    if (why !== undefined) {
      const message = `The transformation ${String(type)} can't be used for matching events: ${why}.`
      mistakes.add('SIGMA_PIPELINE_INVALID', message, parsed.place([...at, 'type']))
      return []
    }
    if (type === 'nest') {
      const items = (raw as { items?: unknown }).items
      if (depth === nestDepthMax || !Array.isArray(items)) {
        const message = `A nest holds a list of items, and nests are at most ${nestDepthMax} deep.`
        mistakes.add('SIGMA_PIPELINE_INVALID', message, parsed.place(at))
        return []
      }
      const before = mistakes.count
      readTransformations(parsed, items, [...at, 'items'], mistakes, depth + 1)
      if (mistakes.count > before) return []
    }
    const read = (type === 'nest' ? Nest : Simple).safeParse(raw)
    if (!read.success) {
      const known = type === 'nest' || simple.some(({ shape }) => shape.type.value === type)
      if (known) mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_PIPELINE_INVALID', at))
      else {
        const said =
          typeof type === 'string'
            ? `There is no transformation "${type.slice(0, 60)}".`
            : 'A transformation has a type.'
        mistakes.add('SIGMA_PIPELINE_INVALID', said, parsed.place(type === undefined ? at : [...at, 'type']))
      }
      return []
    }
    checkExpressions(read.data, parsed, at, mistakes)
    return [read.data]
  })
}

/** Expressions that a transformation holds must compile; so must those that link its conditions. */
function checkExpressions(transformation: Transformation, parsed: ParsedYaml, at: YamlPath, mistakes: Mistakes): void {
  const check = (pattern: string, ...path: readonly (string | number)[]): void => {
    try {
      const compiled = compileRegex(pattern, '')
      if (transformation.type !== 'extract_fields' || path[0] !== 'regex') return
      if (Object.keys(compiled.namedGroups()).length > 0) return
      mistakes.add('SIGMA_REGEX_INVALID', 'extract_fields needs a group with a name.', parsed.place([...at, ...path]))
    } catch (error) {
      const message = `The expression can't be used: ${(error as Error).message}.`
      mistakes.add('SIGMA_REGEX_INVALID', message, parsed.place([...at, ...path]))
    }
  }
  if ('regex' in transformation) check(transformation.regex, 'regex')
  for (const [key, condition] of Object.entries(transformation.field_name_conditions)) {
    if (!('mode' in condition) || condition.mode === 'plain') continue
    for (const pattern of condition.fields) check(pattern, 'field_name_conditions', key, 'fields')
  }
  for (const [key, condition] of Object.entries(transformation.detection_item_conditions)) {
    if (condition.type === 'match_string') check(condition.pattern, 'detection_item_conditions', key, 'pattern')
  }
  for (const kind of ['rule', 'detection_item', 'field_name'] as const) {
    const expression = transformation[`${kind}_cond_expr`]
    const conditions = transformation[`${kind}_conditions`]
    if (expression === undefined) continue
    const problem = Array.isArray(conditions)
      ? { message: 'An expression links conditions that have names: write them as a map.' }
      : parseCondition(expression, conditionNames(Object.keys(conditions)))
    if ('message' in problem) {
      mistakes.add('SIGMA_PIPELINE_INVALID', problem.message, parsed.place([...at, `${kind}_cond_expr`]))
    }
  }
}

/** Names of conditions, as the reader of expressions takes them. */
export function conditionNames(list: readonly string[]): ReadonlyMap<string, Condition> {
  return new Map(list.map((name) => [name, { kind: 'selection', name, of: { kind: 'or', of: [] } }]))
}
