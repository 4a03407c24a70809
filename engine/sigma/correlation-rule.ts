/**
 * Reads correlation documents (`correlation:`) and resolves what they refer to.
 *
 * Pure. A base rule is found by its id or its name. Field names of group-by and field are mapped by the pipelines of each base
 * rule, so one correlation may read different event fields from different rules.
 */
import { z } from 'zod'
import type { FilePlace } from '../../core/errors.ts'
import { schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { holds } from './aggregates.ts'
import type { FieldMap } from './detection.ts'
import type { Mistakes } from './mistakes.ts'
import { readExtended } from './correlation-extended.ts'
import type { RuleHead } from './rule-meta.ts'
import {
  correlationTypes,
  type BaseExpression,
  type Comparison,
  type CorrelationBase,
  type CorrelationType,
} from './types.ts'

const fieldNames = z.union([
  z
    .string()
    .min(1)
    .transform((text) => [text]),
  z.array(z.string().min(1)).min(1),
])

const Block = z.strictObject({
  type: z.enum(correlationTypes),
  /** May be left out where a condition over rule names has them all. */
  rules: z
    .union([
      z
        .string()
        .min(1)
        .transform((text) => [text]),
      z.array(z.string().min(1)).min(1),
    ])
    .optional(),
  'group-by': fieldNames.optional(),
  timespan: z.string().regex(/^[1-9]\d{0,8}[smhd]$/, 'A timespan is a number and s, m, h or d, e.g. 10m'),
  aliases: z.record(z.string(), z.record(z.string(), z.string().min(1))).default({}),
  condition: z
    .union([
      z.string().min(1),
      z.strictObject({
        field: fieldNames.optional(),
        percentile: z.number().min(0).max(100).optional(),
        lt: z.number().optional(),
        lte: z.number().optional(),
        gt: z.number().optional(),
        gte: z.number().optional(),
        eq: z.number().optional(),
        neq: z.number().optional(),
      }),
    ])
    .optional(),
  generate: z.boolean().default(false),
})
type Block = z.infer<typeof Block>

/** The longest timespan: what a group must remember grows with it. */
export const timespanMsMax = 31 * 86_400_000
/** Thresholds of value_count: every distinct value must be remembered. */
export const distinctValuesMax = 1_000

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const operators = ['lt', 'lte', 'gt', 'gte', 'eq', 'neq'] as const

export interface CorrelationDraft {
  readonly head: RuleHead
  readonly parsed: ParsedYaml
  readonly type: CorrelationType
  readonly rules: readonly string[]
  readonly groupBy: readonly string[]
  readonly aliases: Block['aliases']
  readonly valueFields: readonly string[]
  readonly timespanMs: number
  readonly condition: readonly { readonly op: Comparison; readonly value: number }[]
  readonly percentile?: number
  readonly expression?: BaseExpression
  readonly written?: string
  readonly generate: boolean
}

export function readCorrelation(parsed: ParsedYaml, head: RuleHead, mistakes: Mistakes): CorrelationDraft | undefined {
  const read = Block.safeParse((parsed.value as { correlation: unknown }).correlation)
  if (!read.success) {
    mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_CORRELATION_INVALID', ['correlation']))
    return undefined
  }
  const block = read.data
  const before = mistakes.count
  const timespanMs = Number(block.timespan.slice(0, -1)) * unitMs[block.timespan.slice(-1)]!
  if (timespanMs > timespanMsMax) {
    const message = `A timespan is at most ${timespanMsMax / 86_400_000} days.`
    mistakes.add('SIGMA_CORRELATION_INVALID', message, parsed.place(['correlation', 'timespan']))
  }
  const { aliases, generate } = block
  const common = { head, parsed, groupBy: block['group-by'] ?? [], aliases, timespanMs, generate }
  if (typeof block.condition === 'string') {
    const extended = readExtended(parsed, block.type, block.condition, block.rules, mistakes)
    if (extended === undefined || mistakes.count > before) return undefined
    return { ...common, ...extended, valueFields: [], condition: [{ op: 'gte', value: 1 }] }
  }
  checkCounted(block, parsed, mistakes)
  const { rules = [], condition: given } = block
  if (mistakes.count > before) return undefined
  const condition = comparisonsOf(block)
  const draft: CorrelationDraft = {
    ...common,
    type: block.type,
    rules,
    valueFields: given?.field ?? [],
    condition: condition.length === 0 ? [{ op: 'gte', value: rules.length }] : condition,
    ...(given?.percentile === undefined ? {} : { percentile: given.percentile }),
  }
  return checkSense(draft, mistakes) ? draft : undefined
}

function comparisonsOf({ condition }: Block): CorrelationDraft['condition'] {
  if (typeof condition === 'string') return []
  return operators.flatMap((op) => {
    const value = condition?.[op]
    return value === undefined ? [] : [{ op, value }]
  })
}

/** What goes with which type, where the condition is a comparison. */
function checkCounted(block: Block, parsed: ParsedYaml, mistakes: Mistakes): void {
  const { type, rules = [], condition } = block
  if (typeof condition === 'string') return
  const complain = (message: string, ...path: string[]): void =>
    mistakes.add('SIGMA_CORRELATION_INVALID', message, parsed.place(['correlation', ...path]))
  const temporal = type === 'temporal' || type === 'temporal_ordered'
  if (type === 'temporal_extended' || type === 'temporal_ordered_extended') {
    complain(`The condition of ${type} is a text over rule names, such as: a and not b.`, 'condition')
    return
  }
  if (rules.length === 0) complain('The correlation names no rules.')
  if (comparisonsOf(block).length === 0 && !temporal) complain(`A correlation of type ${type} needs a condition.`)
  const valueFields = condition?.field ?? []
  if (type.startsWith('value_') && valueFields.length === 0)
    complain(`The condition of ${type} names no field.`, 'condition')
  if (!type.startsWith('value_') && valueFields.length > 0)
    complain(`A correlation of type ${type} reads no field.`, 'condition', 'field')
  if (type.startsWith('value_') && type !== 'value_count' && valueFields.length > 1) {
    complain(`A correlation of type ${type} reads one field.`, 'condition', 'field')
  }
  if ((type === 'value_percentile') !== (condition?.percentile !== undefined)) {
    complain('A percentile belongs to value_percentile, and to no other.', 'condition')
  }
  if (temporal && rules.length < 2) complain(`A correlation of type ${type} needs two rules or more.`, 'rules')
  if (new Set(rules).size < rules.length) complain('A rule is named twice.', 'rules')
}

/** A condition that can never hold, or always does, is a mistake: it would be silent, or never. */
function checkSense(draft: CorrelationDraft, mistakes: Mistakes): boolean {
  const place = draft.parsed.place(['correlation', 'condition'])
  const counts = draft.type === 'event_count' || draft.type === 'value_count' || draft.type.startsWith('temporal')
  if (!counts) return true
  const most = draft.type.startsWith('temporal') ? draft.rules.length : Number.MAX_SAFE_INTEGER
  if (!canHold(draft.condition, most)) {
    mistakes.add(
      'SIGMA_CORRELATION_NEVER',
      'This condition can never hold.',
      place,
      'A window opens with an event: it counts one at least. That something stays away is told by a source-silence alarm.',
    )
    return false
  }
  const least = Math.max(0, ...draft.condition.filter(({ op }) => op !== 'neq').map(({ value }) => value))
  if (draft.type === 'value_count' && least > distinctValuesMax) {
    mistakes.add('SIGMA_TOO_LARGE', `At most ${distinctValuesMax} distinct values can be told apart.`, place)
    return false
  }
  return true
}

/** Whether a whole number from 1 to `most` satisfies all comparisons. */
function canHold(condition: CorrelationDraft['condition'], most: number): boolean {
  const candidates = new Set([1, most])
  for (const { value } of condition) {
    for (const near of [Math.floor(value) - 1, Math.floor(value), Math.ceil(value), Math.ceil(value) + 1]) {
      if (near >= 1 && near <= most) candidates.add(near)
    }
  }
  return [...candidates].some((count) => condition.every(({ op, value }) => holds(count, op, value)))
}

/** What a correlation may refer to. */
export interface Referable {
  readonly kind: 'rule' | 'correlation'
  readonly id: string
  readonly name?: string
  readonly fields: FieldMap
  /** What a correlation groups by: a finding's group carries nothing else. */
  readonly groupBy?: readonly string[]
}

/** Resolves the base of a correlation; undefined where it has mistakes. */
export function resolveBase(
  draft: CorrelationDraft,
  find: (reference: string) => Referable | undefined,
  mistakes: Mistakes,
): readonly CorrelationBase[] | undefined {
  const { parsed } = draft
  const before = mistakes.count
  const found: { readonly reference: string; readonly rule: Referable }[] = []
  for (const [index, reference] of draft.rules.entries()) {
    const rule = find(reference)
    if (rule === undefined) {
      mistakes.add(
        'SIGMA_CORRELATION_REFERENCE',
        `There is no rule with the id or name "${reference.slice(0, 100)}".`,
        placeOfReference(draft, index),
      )
    } else found.push({ reference, rule })
  }
  checkAliases(draft, found, mistakes)
  const base = found.map(({ reference, rule }): CorrelationBase => {
    const field = (name: string, at: readonly string[]): string => {
      const alias = draft.aliases[name]
      const own = alias === undefined ? name : (alias[reference] ?? alias[rule.id] ?? alias[rule.name ?? ''])
      if (own === undefined) {
        mistakes.add(
          'SIGMA_ALIAS_INVALID',
          `The alias "${name}" does not say which field it stands for in "${reference}".`,
          parsed.keyPlace(['correlation', 'aliases', name]),
        )
        return name
      }
      if (rule.kind === 'correlation') {
        if (rule.groupBy?.includes(own) !== true) {
          mistakes.add(
            'SIGMA_CORRELATION_REFERENCE',
            `The correlation "${reference}" does not group by "${own}".`,
            parsed.place(['correlation', ...at]),
          )
        }
        return own
      }
      return rule.fields(own)[0] ?? own
    }
    return {
      kind: rule.kind,
      id: rule.id,
      groupFields: draft.groupBy.map((name) => field(name, ['group-by'])),
      valueFields: draft.valueFields.map((name) => field(name, ['condition', 'field'])),
    }
  })
  return mistakes.count > before ? undefined : base
}

/** Where a rule is referred to: in the list, or in the condition that stands for it. */
function placeOfReference({ parsed }: CorrelationDraft, index: number): FilePlace {
  const listed = (parsed.value as { correlation: { rules?: unknown } }).correlation.rules !== undefined
  return parsed.place(listed ? ['correlation', 'rules', index] : ['correlation', 'condition'])
}

function checkAliases(
  draft: CorrelationDraft,
  found: readonly { readonly reference: string; readonly rule: Referable }[],
  mistakes: Mistakes,
): void {
  if (found.length < draft.rules.length) return
  for (const [alias, byRule] of Object.entries(draft.aliases)) {
    for (const reference of Object.keys(byRule)) {
      if (found.some(({ reference: own, rule }) => [own, rule.id, rule.name].includes(reference))) continue
      mistakes.add(
        'SIGMA_ALIAS_INVALID',
        `The alias "${alias}" names "${reference}", which is not among the rules.`,
        draft.parsed.keyPlace(['correlation', 'aliases', alias, reference]),
      )
    }
  }
}
