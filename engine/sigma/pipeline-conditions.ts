/**
 * Decides where an item of a pipeline applies: to which rules, which items of a detection, which field names.
 *
 * Pure. Conditions are pySigma's; several are linked by AND, OR or an expression over their names. An item without conditions
 * applies everywhere.
 */
import { parseCondition } from './condition.ts'
import { itemsOf, type Draft, type DraftItem } from './detection-draft.ts'
import { compileRegex } from './regex.ts'
import { writtenPattern } from './pattern.ts'
import { conditionNames } from './pipeline-file.ts'
import type { FieldCondition, ItemCondition, RuleCondition, Transformation } from './pipeline-transformations.ts'
import { covers } from './rule-meta.ts'
import type { Condition, LogSource } from './types.ts'
import type { Value } from './values.ts'

/** What a pipeline remembers from item to item (`set_state`). */
export type PipelineState = ReadonlyMap<string, unknown>

/** A rule as the conditions of pipelines see it, at one point of the pipelines. */
export interface RuleView {
  readonly logsource: LogSource
  readonly taxonomy: string
  readonly tags: readonly string[]
  /** The document, and custom attributes. */
  attribute(name: string): unknown
  /** Its selections as the pipelines have changed them so far. */
  drafts(): readonly Draft[]
  readonly applied: ReadonlySet<string>
  readonly state: PipelineState
}

type Kind = 'rule' | 'detection_item' | 'field_name'
type ConditionOf<K extends Kind> = K extends 'rule'
  ? RuleCondition
  : K extends 'field_name'
    ? FieldCondition
    : ItemCondition

function linked<K extends Kind>(item: Transformation, kind: K, holds: (condition: ConditionOf<K>) => boolean): boolean {
  const conditions = item[`${kind}_conditions`] as readonly ConditionOf<K>[] | Readonly<Record<string, ConditionOf<K>>>
  const list = Object.values(conditions) as readonly ConditionOf<K>[]
  if (list.length === 0) return true
  const expression = item[`${kind}_cond_expr`]
  const result =
    expression === undefined
      ? item[`${kind}_cond_op`] === 'or'
        ? list.some(holds)
        : list.every(holds)
      : evaluate(expression, conditions as Readonly<Record<string, ConditionOf<K>>>, holds)
  return result !== item[`${kind}_cond_not`]
}

function evaluate<C>(
  expression: string,
  conditions: Readonly<Record<string, C>>,
  holds: (condition: C) => boolean,
): boolean {
  const tree = parseCondition(expression, conditionNames(Object.keys(conditions)))
  const value = (node: Condition): boolean => {
    if (node.kind === 'and') return node.of.every(value)
    if (node.kind === 'or') return node.of.some(value)
    if (node.kind === 'not') return !value(node.of)
    return node.kind === 'selection' && holds(conditions[node.name]!)
  }
  return !('problem' in tree) && value(tree)
}

export function appliesToRule(item: Transformation, rule: RuleView): boolean {
  return linked(item, 'rule', (condition) => ruleHolds(condition, rule))
}

function ruleHolds(condition: RuleCondition, rule: RuleView): boolean {
  switch (condition.type) {
    case 'logsource':
      return covers(condition, rule.logsource)
    case 'taxonomy':
      return condition.taxonomy === rule.taxonomy
    case 'contains_field':
      return rule.drafts().some((draft) => itemsOf(draft).some(({ field }) => field === condition.field))
    case 'contains_detection_item':
      return rule
        .drafts()
        .some((draft) =>
          itemsOf(draft).some(
            ({ field, values }) =>
              field === condition.field && values.some(({ value }) => isValue(value, condition.value)),
          ),
        )
    case 'is_sigma_rule':
      return true
    case 'is_sigma_correlation_rule':
      return false
    case 'rule_attribute':
      return compareAttribute(rule.attribute(condition.attribute), condition.op, condition.value, condition.attribute)
    case 'tag':
      return rule.tags.some((tag) => tag.toLowerCase() === condition.tag.toLowerCase())
    case 'processing_item_applied':
      return rule.applied.has(condition.processing_item_id)
    case 'processing_state':
      return stateHolds(condition, rule.state)
  }
}

const orders: Readonly<Record<string, readonly string[]>> = {
  level: ['informational', 'low', 'medium', 'high', 'critical'],
  status: ['unsupported', 'deprecated', 'experimental', 'test', 'stable'],
}

function compareAttribute(attribute: unknown, op: string, wanted: string | number, name: string): boolean {
  if (Array.isArray(attribute)) {
    if (op === 'in' || op === 'not_in') return attribute.includes(wanted) === (op === 'in')
    return op === 'ne'
  }
  if (typeof attribute !== 'string' && typeof attribute !== 'number' && typeof attribute !== 'boolean') return false
  const actual = typeof attribute === 'boolean' ? String(attribute) : attribute
  const order = orders[name]
  if (order !== undefined) return compareValues(order.indexOf(String(actual)), op, order.indexOf(String(wanted)))
  if (typeof actual === 'number') return compareValues(actual, op, Number(wanted))
  if (name === 'date' || name === 'modified') return compareValues(dateOf(actual), op, dateOf(wanted))
  if (op === 'eq' || op === 'ne') return (actual === String(wanted)) === (op === 'eq')
  return false
}

function dateOf(value: string | number): string {
  return String(value).replaceAll('/', '-').slice(0, 10)
}

function compareValues<T extends string | number>(left: T, op: string, right: T): boolean {
  switch (op) {
    case 'eq':
      return left === right
    case 'ne':
      return left !== right
    case 'gte':
      return left >= right
    case 'gt':
      return left > right
    case 'lte':
      return left <= right
    case 'lt':
      return left < right
    default:
      return false
  }
}

function stateHolds(condition: Extract<RuleCondition, { type: 'processing_state' }>, state: PipelineState): boolean {
  const actual = state.get(condition.key)
  if (!state.has(condition.key)) return false
  if (condition.op === 'eq' || condition.op === 'ne') return (actual === condition.val) === (condition.op === 'eq')
  if (typeof actual === 'number' && typeof condition.val === 'number')
    return compareValues(actual, condition.op, condition.val)
  return (
    typeof actual === 'string' &&
    typeof condition.val === 'string' &&
    compareValues(actual, condition.op, condition.val)
  )
}

/** Whether an item applies to an item of a detection. Where it is about the field alone, `appliesToField` has its say too. */
export function appliesToItem(item: Transformation, draft: DraftItem, state: PipelineState): boolean {
  return (
    linked(item, 'detection_item', (condition) => itemHolds(condition, draft, state)) &&
    linked(item, 'field_name', (condition) =>
      condition.type === 'processing_item_applied'
        ? draft.applied.includes(condition.processing_item_id)
        : [draft.field, ...referredBy(draft)].some((field) => fieldHolds(condition, field, draft.applied, state)),
    )
  )
}

/** Fields that the values of an item refer to. */
function referredBy(draft: DraftItem): readonly string[] {
  return draft.values.flatMap(({ value }) =>
    value.type === 'test' && value.test.kind === 'fieldref' ? [value.test.field] : [],
  )
}

function itemHolds(condition: ItemCondition, draft: DraftItem, state: PipelineState): boolean {
  if (condition.type === 'processing_item_applied') return draft.applied.includes(condition.processing_item_id)
  if (condition.type === 'processing_state') return stateHolds(condition, state)
  const holds = valueCondition(condition)
  const values = draft.values.map(({ value }) => value)
  return condition.cond === 'all' ? values.every(holds) : values.some(holds)
}

function valueCondition(condition: Extract<ItemCondition, { cond: unknown }>): (value: Value) => boolean {
  switch (condition.type) {
    case 'match_string': {
      const expression = compileRegex(condition.pattern, '')
      return (value) =>
        (value.type === 'text' && expression.matcher(writtenPattern(value.parts)).lookingAt()) !== condition.negate
    }
    case 'match_value':
      return (value) => isValue(value, condition.value)
    case 'contains_wildcard':
      return (value) => value.type === 'text' && value.parts.some((part) => typeof part !== 'string')
    case 'is_null':
      return (value) => value.type === 'null'
  }
}

function isValue(value: Value, wanted: string | number | boolean | null): boolean {
  switch (value.type) {
    case 'text':
      return typeof wanted === 'string' && writtenPattern(value.parts) === wanted
    case 'number':
    case 'boolean':
      return value.value === wanted
    case 'null':
      return wanted === null
    case 'several':
      return value.values.some((each) => isValue(each, wanted))
    default:
      return false
  }
}

export function appliesToField(
  item: Transformation,
  field: string,
  applied: readonly string[],
  state: PipelineState,
): boolean {
  return linked(item, 'field_name', (condition) => fieldHolds(condition, field, applied, state))
}

function fieldHolds(
  condition: FieldCondition,
  field: string | undefined,
  applied: readonly string[],
  state: PipelineState,
): boolean {
  if (condition.type === 'processing_item_applied') return applied.includes(condition.processing_item_id)
  if (condition.type === 'processing_state') return stateHolds(condition, state)
  const included =
    field !== undefined &&
    (condition.mode === 'plain'
      ? condition.fields.includes(field)
      : condition.fields.some((one) => beginsWith(one, field)))
  return included === (condition.type === 'include_fields')
}

/** Whether an expression matches from a name's first character on, as Python's `match` does. */
function beginsWith(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    expression = compileRegex(pattern, '')
    if (compiled.size >= compiledMax) compiled.clear()
    compiled.set(pattern, expression)
  }
  return expression.matcher(text).lookingAt()
}

const compiled = new Map<string, ReturnType<typeof compileRegex>>()
const compiledMax = 256
