/**
 * Processing pipelines: how field names and log sources of public rules become those of our events.
 *
 * Pure. The format is pySigma's (`name`, `priority`, `vars`, `transformations`), of which this takes the transformations below;
 * any other is a mistake, because a rule that is mapped by half finds nothing and says so to nobody. Pipelines apply by
 * priority, then path; transformations in the order written.
 */
import { z } from 'zod'
import { schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { readSelection, type FieldMap } from './detection.ts'
import type { Mistakes } from './mistakes.ts'
import { compileRegex } from './modifiers.ts'
import { logSource } from './rule-meta.ts'
import type { Condition, LogSource } from './types.ts'
import type { Placeholders } from './values.ts'

const names = z.union([z.string().transform((text) => [text]), z.array(z.string().min(1)).min(1)])
const sources = { product: z.string().optional(), service: z.string().optional(), category: z.string().optional() }

const RuleCondition = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('logsource'), ...sources }),
  z.strictObject({ type: z.literal('taxonomy'), taxonomy: z.string() }),
])
const FieldCondition = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.enum(['include_fields', 'exclude_fields']),
    fields: names,
    mode: z.enum(['plain', 're']).default('plain'),
  }),
  z.strictObject({ type: z.literal('processing_item_applied'), processing_item_id: z.string() }),
])

const common = {
  id: z.string().optional(),
  rule_conditions: z.array(RuleCondition).default([]),
  rule_cond_op: z.enum(['and', 'or']).default('and'),
  rule_cond_not: z.boolean().default(false),
}
const onFields = {
  ...common,
  field_name_conditions: z.array(FieldCondition).default([]),
  field_name_cond_op: z.enum(['and', 'or']).default('and'),
  field_name_cond_not: z.boolean().default(false),
}
const placeholderNames = { include: names.optional(), exclude: names.optional() }

const Transformation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('field_name_mapping'), ...onFields, mapping: z.record(z.string(), names) }),
  z.strictObject({ type: z.literal('field_name_prefix_mapping'), ...onFields, mapping: z.record(z.string(), names) }),
  z.strictObject({ type: z.literal('field_name_prefix'), ...onFields, prefix: z.string() }),
  z.strictObject({ type: z.literal('field_name_suffix'), ...onFields, suffix: z.string() }),
  z.strictObject({ type: z.literal('change_logsource'), ...common, ...sources }),
  z.strictObject({ type: z.literal('add_logsource'), ...common, ...sources }),
  z.strictObject({
    type: z.literal('add_condition'),
    ...common,
    conditions: z.record(z.string(), z.unknown()),
    negated: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('value_placeholders'), ...common, ...placeholderNames }),
  z.strictObject({ type: z.literal('wildcard_placeholders'), ...common, ...placeholderNames }),
  z.strictObject({ type: z.literal('rule_failure'), ...common, message: z.string() }),
])
type Transformation = z.infer<typeof Transformation>
type FieldTransformation = Extract<Transformation, { field_name_conditions: unknown }>

const scalar = z.union([z.string(), z.number()])
const PipelineFile = z.strictObject({
  name: z.string().min(1),
  priority: z.number().default(0),
  allowed_backends: z.array(z.string()).optional(),
  vars: z.record(z.string(), z.union([scalar.transform((value) => [value]), z.array(scalar)])).default({}),
  transformations: z.array(Transformation).default([]),
})

export interface Pipeline {
  readonly file: string
  readonly priority: number
  readonly vars: ReadonlyMap<string, readonly (string | number)[]>
  readonly transformations: readonly Transformation[]
  readonly parsed: ParsedYaml
}

export function readPipeline(parsed: ParsedYaml, mistakes: Mistakes): Pipeline | undefined {
  const read = PipelineFile.safeParse(parsed.value)
  if (!read.success) {
    mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_PIPELINE_INVALID'))
    return undefined
  }
  const before = mistakes.count
  for (const [index, transformation] of read.data.transformations.entries()) {
    if (!('field_name_conditions' in transformation)) continue
    for (const [at, condition] of transformation.field_name_conditions.entries()) {
      if (condition.type === 'processing_item_applied' || condition.mode === 'plain') continue
      checkPatterns(
        condition.fields,
        parsed,
        ['transformations', index, 'field_name_conditions', at, 'fields'],
        mistakes,
      )
    }
  }
  if (mistakes.count > before) return undefined
  const { priority, vars, transformations } = read.data
  return { file: parsed.file, priority, vars: new Map(Object.entries(vars)), transformations, parsed }
}

function checkPatterns(
  patterns: readonly string[],
  parsed: ParsedYaml,
  path: readonly (string | number)[],
  mistakes: Mistakes,
): void {
  for (const pattern of patterns) {
    try {
      compileRegex(pattern, '')
    } catch (error) {
      mistakes.add(
        'SIGMA_REGEX_INVALID',
        `The expression can't be used: ${(error as Error).message}.`,
        parsed.place(path),
      )
    }
  }
}

/** What the pipelines make of one rule. */
export interface Mapping {
  readonly logsource: LogSource
  readonly fields: FieldMap
  readonly placeholders: Placeholders
  /** To be added to the rule's condition by AND. */
  readonly conditions: readonly Condition[]
  /** Why a pipeline refuses the rule. */
  readonly refusals: readonly string[]
}

export function orderPipelines(pipelines: readonly Pipeline[]): readonly Pipeline[] {
  return [...pipelines].sort((a, b) => a.priority - b.priority || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
}

/** `pipelines` in the order of `orderPipelines`. */
export function mapRule(
  pipelines: readonly Pipeline[],
  rule: { readonly logsource: LogSource; readonly taxonomy: string },
  mistakes: Mistakes,
): Mapping {
  let logsource = rule.logsource
  const steps: FieldTransformation[] = []
  const placeholders = new Map<string, readonly (string | number)[] | 'anything'>()
  const conditions: Condition[] = []
  const refusals: string[] = []
  for (const pipeline of pipelines) {
    for (const [index, transformation] of pipeline.transformations.entries()) {
      if (!appliesToRule(transformation, logsource, rule.taxonomy)) continue
      if ('field_name_conditions' in transformation) {
        steps.push(transformation)
        continue
      }
      switch (transformation.type) {
        case 'change_logsource':
          logsource = logSource(transformation.product, transformation.service, transformation.category)
          break
        case 'add_logsource':
          logsource = {
            ...logsource,
            ...logSource(transformation.product, transformation.service, transformation.category),
          }
          break
        case 'value_placeholders':
        case 'wildcard_placeholders':
          for (const name of placeholderTargets(transformation, pipeline)) {
            if (placeholders.has(name)) continue
            placeholders.set(
              name,
              transformation.type === 'value_placeholders' ? (pipeline.vars.get(name) ?? []) : 'anything',
            )
          }
          break
        case 'add_condition': {
          const fields = fieldMap([...steps])
          const context = { parsed: pipeline.parsed, mistakes, fields, placeholders }
          const added = readSelection(context, transformation.conditions, ['transformations', index, 'conditions'])
          if (added !== undefined) conditions.push(transformation.negated ? { kind: 'not', of: added } : added)
          break
        }
        case 'rule_failure':
          refusals.push(transformation.message)
      }
    }
  }
  return { logsource, fields: fieldMap(steps), placeholders, conditions, refusals }
}

function appliesToRule(transformation: Transformation, logsource: LogSource, taxonomy: string): boolean {
  const { rule_conditions: conditions, rule_cond_op: op, rule_cond_not: not } = transformation
  if (conditions.length === 0) return !not
  const holds = (condition: z.infer<typeof RuleCondition>): boolean =>
    condition.type === 'taxonomy' ? condition.taxonomy === taxonomy : covers(condition, logsource)
  return (op === 'and' ? conditions.every(holds) : conditions.some(holds)) !== not
}

/** Whether what `wanted` names is what `logsource` has. */
export function covers(wanted: Partial<Record<keyof LogSource, string | undefined>>, logsource: LogSource): boolean {
  const fits = (key: keyof LogSource): boolean =>
    wanted[key] === undefined || wanted[key].toLowerCase() === logsource[key]?.toLowerCase()
  return fits('product') && fits('service') && fits('category')
}

function placeholderTargets(
  transformation: Extract<Transformation, { type: 'value_placeholders' | 'wildcard_placeholders' }>,
  pipeline: Pipeline,
): readonly string[] {
  const all = transformation.type === 'value_placeholders' ? [...pipeline.vars.keys()] : (transformation.include ?? [])
  return all.filter(
    (name) =>
      (transformation.include === undefined || transformation.include.includes(name)) &&
      transformation.exclude?.includes(name) !== true &&
      (transformation.type !== 'value_placeholders' || pipeline.vars.has(name)),
  )
}

/** A field's names at one point of the pipelines, and which transformations have touched it. */
interface FieldState {
  readonly name: string
  readonly applied: readonly string[]
}

function fieldMap(steps: readonly FieldTransformation[]): FieldMap {
  const compiled = steps.map((step) => ({ step, applies: fieldApplies(step) }))
  const cache = new Map<string, readonly string[]>()
  return (field) => {
    const known = cache.get(field)
    if (known !== undefined) return known
    let states: readonly FieldState[] = [{ name: field, applied: [] }]
    for (const { step, applies } of compiled) {
      states = states.flatMap((state) => (applies(state) ? mapField(step, state) : [state]))
    }
    const mapped = [...new Set(states.map((state) => state.name))]
    cache.set(field, mapped)
    return mapped
  }
}

function mapField(step: FieldTransformation, state: FieldState): readonly FieldState[] {
  const applied = step.id === undefined ? state.applied : [...state.applied, step.id]
  switch (step.type) {
    case 'field_name_prefix':
      return [{ name: step.prefix + state.name, applied }]
    case 'field_name_suffix':
      return [{ name: state.name + step.suffix, applied }]
    case 'field_name_mapping': {
      const to = Object.hasOwn(step.mapping, state.name) ? step.mapping[state.name]! : undefined
      return to === undefined ? [state] : to.map((name) => ({ name, applied }))
    }
    case 'field_name_prefix_mapping': {
      const found = Object.entries(step.mapping).find(([prefix]) => state.name.startsWith(prefix))
      if (found === undefined) return [state]
      return found[1].map((prefix) => ({ name: prefix + state.name.slice(found[0].length), applied }))
    }
  }
}

function fieldApplies(step: FieldTransformation): (state: FieldState) => boolean {
  const conditions = step.field_name_conditions.map((condition) => {
    if (condition.type === 'processing_item_applied') {
      return (state: FieldState) => state.applied.includes(condition.processing_item_id)
    }
    const include = condition.type === 'include_fields'
    if (condition.mode === 'plain') return (state: FieldState) => condition.fields.includes(state.name) === include
    const expressions = condition.fields.map((pattern) => compileRegex(pattern, ''))
    return (state: FieldState) => expressions.some((expression) => expression.test(state.name)) === include
  })
  if (conditions.length === 0) return () => !step.field_name_cond_not
  const all = step.field_name_cond_op === 'and'
  return (state) =>
    (all ? conditions.every((holds) => holds(state)) : conditions.some((holds) => holds(state))) !==
    step.field_name_cond_not
}
