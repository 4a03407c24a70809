/**
 * The transformations of a processing pipeline, and the conditions under which they apply, as pySigma writes them.
 *
 * Those that say something about matching events; pipeline-file.ts refuses the others by name.
 */
import { z } from 'zod'

const names = z.union([z.string().transform((text) => [text]), z.array(z.string().min(1)).min(1)])
const sources = { product: z.string().optional(), service: z.string().optional(), category: z.string().optional() }
export const scalar = z.union([z.string(), z.number()])
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

export const simple = [
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
export const Simple = z.discriminatedUnion('type', simple)
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

export const Nest: z.ZodType<NestTransformation> = z.lazy(() =>
  z.strictObject({ type: z.literal('nest'), ...common, items: z.array(Transformation).min(1) }),
)
const Transformation: z.ZodType<Transformation> = z.lazy(() => z.union([Simple, Nest]))
