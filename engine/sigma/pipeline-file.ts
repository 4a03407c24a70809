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
import { compileRegex } from './regex.ts'
import type { Condition } from './types.ts'

const names = z.union([z.string().transform((text) => [text]), z.array(z.string().min(1)).min(1)])
const sources = { product: z.string().optional(), service: z.string().optional(), category: z.string().optional() }
const scalar = z.union([z.string(), z.number()])
const anyScalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

const applied = z.strictObject({ type: z.literal('processing_item_applied'), processing_item_id: z.string() })
const state = z.strictObject({
  type: z.literal('processing_state'),
  key: z.string(),
  val: anyScalar,
  op: z.enum(['eq', 'ne', 'gte', 'gt', 'lte', 'lt']).default('eq'),
})
const RuleCondition = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('logsource'), ...sources }),
  z.strictObject({ type: z.literal('taxonomy'), taxonomy: z.string() }),
  z.strictObject({ type: z.literal('contains_field'), field: z.string() }),
  z.strictObject({ type: z.literal('contains_detection_item'), field: z.string(), value: anyScalar }),
  z.strictObject({ type: z.literal('is_sigma_rule') }),
  z.strictObject({ type: z.literal('is_sigma_correlation_rule') }),
  z.strictObject({
    type: z.literal('rule_attribute'),
    attribute: z.string(),
    value: scalar,
    op: z.enum(['eq', 'ne', 'gte', 'gt', 'lte', 'lt', 'in', 'not_in']).default('eq'),
  }),
  z.strictObject({ type: z.literal('tag'), tag: z.string() }),
  applied,
  state,
])
export type RuleCondition = z.infer<typeof RuleCondition>

const cond = z.enum(['any', 'all'])
const ItemCondition = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('match_string'),
    cond,
    pattern: z.string(),
    negate: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('match_value'), cond, value: anyScalar }),
  z.strictObject({ type: z.literal('contains_wildcard'), cond }),
  z.strictObject({ type: z.literal('is_null'), cond }),
  applied,
  state,
])
export type ItemCondition = z.infer<typeof ItemCondition>

const FieldCondition = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.enum(['include_fields', 'exclude_fields']),
    fields: names,
    mode: z.enum(['plain', 're']).default('plain'),
  }),
  applied,
  state,
])
export type FieldCondition = z.infer<typeof FieldCondition>

const op = z.enum(['and', 'or']).optional()
/** A list, or a map of named conditions that an expression links. */
const several = <T extends z.ZodType>(
  one: T,
): z.ZodDefault<z.ZodUnion<readonly [z.ZodArray<T>, z.ZodRecord<z.ZodString, T>]>> =>
  z.union([z.array(one), z.record(z.string(), one)]).default([] as never)

const common = {
  id: z.string().optional(),
  rule_conditions: several(RuleCondition),
  rule_cond_op: op,
  rule_cond_not: z.boolean().default(false),
  rule_cond_expr: z.string().optional(),
  detection_item_conditions: several(ItemCondition),
  detection_item_cond_op: op,
  detection_item_cond_not: z.boolean().default(false),
  detection_item_cond_expr: z.string().optional(),
  field_name_conditions: several(FieldCondition),
  field_name_cond_op: op,
  field_name_cond_not: z.boolean().default(false),
  field_name_cond_expr: z.string().optional(),
}
const placeholderNames = { include: names.optional(), exclude: names.optional() }
const mapping = { mapping: z.record(z.string(), names) }

const simple = [
  z.strictObject({ type: z.literal('field_name_mapping'), ...common, ...mapping }),
  z.strictObject({ type: z.literal('field_name_prefix_mapping'), ...common, ...mapping }),
  z.strictObject({ type: z.literal('field_name_prefix'), ...common, prefix: z.string() }),
  z.strictObject({ type: z.literal('field_name_suffix'), ...common, suffix: z.string() }),
  z.strictObject({ type: z.literal('drop_detection_item'), ...common }),
  z.strictObject({
    type: z.literal('hashes_fields'),
    ...common,
    valid_hash_algos: z.array(z.string()).min(1),
    field_prefix: z.string().default(''),
    drop_algo_prefix: z.boolean().default(false),
    field_to_parse: names.default(['Hashes', 'Hash']),
  }),
  z.strictObject({
    type: z.literal('extract_fields'),
    ...common,
    regex: z.string(),
    field_prefix: z.string().optional(),
    preserve_unmatched: z.boolean().default(false),
  }),
  z.strictObject({
    type: z.literal('replace_string'),
    ...common,
    regex: z.string(),
    replacement: z.string(),
    skip_special: z.boolean().default(false),
    interpret_special: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('map_string'), ...common, ...mapping }),
  z.strictObject({
    type: z.literal('regex'),
    ...common,
    method: z.enum(['plain', 'ignore_case_flag', 'ignore_case_brackets']).default('ignore_case_brackets'),
  }),
  z.strictObject({
    type: z.literal('set_value'),
    ...common,
    value: anyScalar,
    force_type: z.enum(['str', 'num']).optional(),
  }),
  z.strictObject({ type: z.literal('convert_type'), ...common, target_type: z.enum(['str', 'num']) }),
  z.strictObject({
    type: z.literal('case'),
    ...common,
    method: z.enum(['lower', 'upper', 'snake_case']).default('lower'),
  }),
  z.strictObject({ type: z.literal('detection_item_failure'), ...common, message: z.string() }),
  z.strictObject({ type: z.literal('strict_field_mapping_failure'), ...common }),
  z.strictObject({ type: z.literal('change_logsource'), ...common, ...sources }),
  z.strictObject({ type: z.literal('add_logsource'), ...common, ...sources }),
  z.strictObject({
    type: z.literal('add_condition'),
    ...common,
    conditions: z.record(z.string(), z.unknown()),
    name: z.string().optional(),
    template: z.boolean().default(false),
    negated: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('add_field'), ...common, field: names }),
  z.strictObject({ type: z.literal('remove_field'), ...common, field: names }),
  z.strictObject({ type: z.literal('set_field'), ...common, fields: z.array(z.string()) }),
  z.strictObject({ type: z.literal('set_state'), ...common, key: z.string(), val: anyScalar }),
  z.strictObject({ type: z.literal('set_custom_attribute'), ...common, attribute: z.string(), value: z.unknown() }),
  z.strictObject({ type: z.literal('value_placeholders'), ...common, ...placeholderNames }),
  z.strictObject({ type: z.literal('wildcard_placeholders'), ...common, ...placeholderNames }),
  z.strictObject({ type: z.literal('rule_failure'), ...common, message: z.string() }),
] as const
const Simple = z.discriminatedUnion('type', simple)
export type SimpleTransformation = z.infer<typeof Simple>

/** A pipeline within a pipeline: its items apply in order, where its own conditions hold. */
export interface NestTransformation extends Omit<
  Extract<SimpleTransformation, { type: 'rule_failure' }>,
  'type' | 'message'
> {
  readonly type: 'nest'
  readonly items: readonly Transformation[]
}
export type Transformation = SimpleTransformation | NestTransformation

const Nest: z.ZodType<NestTransformation> = z.lazy(() =>
  z.strictObject({ type: z.literal('nest'), ...common, items: z.array(Transformation).min(1) }),
)
const Transformation: z.ZodType<Transformation> = z.lazy(() => z.union([Simple, Nest]))

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
