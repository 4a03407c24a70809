/**
 * Applies what pipelines say of a rule's detection: fields are renamed, values changed, items taken out or apart.
 *
 * Pure. pipelines.ts says which steps apply to a rule, and in which order; here each step finds the items it is about. What a
 * step refuses, or can't do, is a mistake of the rule.
 */
import { itemsOf, replaceItems, type Draft, type DraftItem, type DraftValue } from './detection-draft.ts'
import type { Mistakes } from './mistakes.ts'
import { containing, writtenPattern } from './pattern.ts'
import { appliesToField, appliesToItem, type PipelineState } from './pipeline-conditions.ts'
import type { SimpleTransformation } from './pipeline-transformations.ts'
import { extractGroups, isValueTransformation, transformValue, type ValueTransformation } from './pipeline-values.ts'
import type { Value } from './values.ts'

const fieldTypes = [
  'field_name_mapping',
  'field_name_prefix_mapping',
  'field_name_prefix',
  'field_name_suffix',
] as const
export type FieldTransformation = Extract<SimpleTransformation, { type: (typeof fieldTypes)[number] }>
const itemTypes = [
  'drop_detection_item',
  'hashes_fields',
  'extract_fields',
  'detection_item_failure',
  'strict_field_mapping_failure',
] as const
export type ItemTransformation =
  FieldTransformation | ValueTransformation | Extract<SimpleTransformation, { type: (typeof itemTypes)[number] }>

export function isFieldTransformation(item: SimpleTransformation): item is FieldTransformation {
  return (fieldTypes as readonly string[]).includes(item.type)
}

export function isItemTransformation(item: SimpleTransformation): item is ItemTransformation {
  return (
    isFieldTransformation(item) || isValueTransformation(item) || (itemTypes as readonly string[]).includes(item.type)
  )
}

/** An item of a pipeline that applies to a rule, with what the pipeline remembered when its turn came. */
export interface Step {
  readonly item: ItemTransformation
  readonly state: PipelineState
}

/** Values that a selection may have, each counted under every field that it is sought in. */
const valuesMax = 50_000

/** A selection with all steps applied; undefined: nothing is left of it, or it became too large, which is a mistake. */
export function applySteps(draft: Draft, steps: readonly Step[], mistakes: Mistakes): Draft | undefined {
  let changed: Draft | undefined = draft
  for (const step of steps) {
    if (changed === undefined) return undefined
    // Steps that make several of one multiply.
    let values = 0
    let outgrown: DraftItem | undefined
    changed = replaceItems(changed, (item) => {
      if (values > valuesMax) return item
      const made = applyStep(step, item, mistakes)
      for (const each of made === undefined ? [] : itemsOf(made)) values += each.values.length
      if (values > valuesMax) outgrown = item
      return made
    })
    if (outgrown !== undefined) {
      const message = `Pipelines make more than ${valuesMax} values of this.`
      const hint = 'Look for names that pipelines map to several others, over and over.'
      mistakes.add('SIGMA_TOO_LARGE', message, outgrown.place(), hint)
      return undefined
    }
  }
  return changed
}

function applyStep({ item, state }: Step, draft: DraftItem, mistakes: Mistakes): Draft | undefined {
  if (item.type === 'strict_field_mapping_failure') {
    if (draft.field !== undefined && !draft.mapped) {
      refuse(mistakes, draft, `No pipeline says what the field ${draft.field.slice(0, 100)} is called.`)
    }
    return draft
  }
  if (!appliesToItem(item, draft, state)) return draft
  if (isFieldTransformation(item)) return renameItem(item, draft, state)
  if (isValueTransformation(item)) return changeValues(item, draft, mistakes)
  switch (item.type) {
    case 'drop_detection_item':
      return undefined
    case 'detection_item_failure':
      refuse(mistakes, draft, item.message)
      return draft
    case 'hashes_fields':
      return takeHashesApart(item, draft, mistakes)
    case 'extract_fields':
      return extractFields(item, draft)
  }
}

function refuse(mistakes: Mistakes, draft: DraftItem, message: string): void {
  mistakes.add('SIGMA_RULE_REFUSED', message, draft.place())
}

function marked(applied: readonly string[], id: string | undefined): readonly string[] {
  return id === undefined || applied.includes(id) ? applied : [...applied, id]
}

/** The names that a field gets; undefined: this step says nothing of it. */
export function renamed(item: FieldTransformation, field: string): readonly string[] | undefined {
  switch (item.type) {
    case 'field_name_prefix':
      return [item.prefix + field]
    case 'field_name_suffix':
      return [field + item.suffix]
    case 'field_name_mapping':
      return Object.hasOwn(item.mapping, field) ? item.mapping[field] : undefined
    case 'field_name_prefix_mapping': {
      const found = Object.entries(item.mapping).find(([prefix]) => field.startsWith(prefix))
      return found?.[1].map((prefix) => prefix + field.slice(found[0].length))
    }
  }
}

/** The name under which `field_name_mapping` gives keywords a field. */
const keywordName = ''

function renameItem(item: FieldTransformation, draft: DraftItem, state: PipelineState): Draft {
  const rename = (field: string): readonly string[] | undefined =>
    appliesToField(item, field, draft.applied, state) ? renamed(item, field) : undefined
  const values = draft.values.flatMap((each) => renameReference(each, rename))
  const referred = values.some((each, index) => each !== draft.values[index])
  if (draft.field === undefined) {
    const to = item.type === 'field_name_mapping' ? item.mapping[keywordName] : undefined
    if (to === undefined) return draft
    return spread(draft, to, values.map(soughtWithin), item.id)
  }
  const to = rename(draft.field)
  if (to === undefined) return referred ? { ...draft, values, applied: marked(draft.applied, item.id) } : draft
  return spread(draft, to, values, item.id)
}

function spread(
  draft: DraftItem,
  fields: readonly string[],
  values: readonly DraftValue[],
  id: string | undefined,
): Draft {
  const of = fields.map((field): DraftItem => ({
    ...draft,
    field,
    values,
    applied: marked(draft.applied, id),
    mapped: true,
  }))
  return of.length === 1 ? of[0]! : { kind: 'or', of }
}

/** A keyword stands anywhere in a text: so it does once it has a field. */
function soughtWithin(each: DraftValue): DraftValue {
  if (each.value.type !== 'text') return each
  return { value: { ...each.value, parts: containing(each.value.parts) }, test: undefined }
}

/** Fields that values refer to are renamed like those that they stand under. */
function renameReference(
  each: DraftValue,
  rename: (field: string) => readonly string[] | undefined,
): readonly DraftValue[] {
  const { value } = each
  if (value.type !== 'test' || value.test.kind !== 'fieldref') return [each]
  const { test } = value
  const to = rename(test.field)
  if (to === undefined) return [each]
  const values = to.map((field): Value => ({ type: 'test', test: { ...test, field } }))
  return [{ value: values.length === 1 ? values[0]! : { type: 'several', values }, test: undefined }]
}

function changeValues(item: ValueTransformation, draft: DraftItem, mistakes: Mistakes): Draft | undefined {
  let changed = false
  const values = draft.values.flatMap((each): readonly DraftValue[] => {
    const result = transformValue(item, each.value)
    if (result === undefined) return [each]
    changed = true
    if ('problem' in result) {
      mistakes.add(result.problem, result.message, draft.place())
      return [each]
    }
    return result.map((value) => ({ value, test: undefined }))
  })
  if (!changed) return draft
  return values.length === 0 ? undefined : { ...draft, values, applied: marked(draft.applied, item.id) }
}

type Hashes = Extract<SimpleTransformation, { type: 'hashes_fields' }>
const algorithmByLength: Readonly<Record<number, string>> = { 32: 'MD5', 40: 'SHA1', 64: 'SHA256', 128: 'SHA512' }

/** `Hashes|contains: 'MD5=…'` becomes the field of that algorithm, equal to the digest. */
function takeHashesApart(item: Hashes, draft: DraftItem, mistakes: Mistakes): Draft {
  if (draft.field === undefined || !item.field_to_parse.includes(draft.field)) return draft
  const byField = new Map<string, DraftValue[]>()
  for (const { value } of draft.values) {
    if (value.type !== 'text') return draft
    const { algorithm, digest } = readHash(writtenPattern(value.parts))
    if (!item.valid_hash_algos.includes(algorithm)) continue
    const field = item.field_prefix + (item.drop_algo_prefix ? '' : algorithm)
    const made: DraftValue = { value: { ...value, parts: [digest] }, test: undefined }
    byField.set(field, [...(byField.get(field) ?? []), made])
  }
  if (byField.size === 0) {
    refuse(mistakes, draft, `None of the values names an algorithm among ${item.valid_hash_algos.join(', ')}.`)
    return draft
  }
  const of = [...byField].map(([field, values]): DraftItem => ({
    ...draft,
    field,
    values,
    link: 'any',
    applied: marked(draft.applied, item.id),
    mapped: true,
  }))
  return of.length === 1 ? of[0]! : { kind: 'or', of }
}

function readHash(text: string): { readonly algorithm: string; readonly digest: string } {
  const pieces = text.split(text.includes('|') ? '|' : '=')
  const [first, second] = pieces
  const strip = (part: string): string => part.replace(/^[*?]+|[*?]+$/g, '')
  if (pieces.length === 2) return { algorithm: first!.replace(/^\*+/, '').toUpperCase(), digest: strip(second!) }
  const digest = strip(first!)
  return { algorithm: algorithmByLength[digest.length] ?? '', digest }
}

function extractFields(item: Extract<SimpleTransformation, { type: 'extract_fields' }>, draft: DraftItem): Draft {
  const of: Draft[] = []
  for (const each of draft.values) {
    if (each.value.type !== 'text') return draft
    const groups = extractGroups(item.regex, each.value)
    if (groups === undefined) {
      if (item.preserve_unmatched) of.push({ ...draft, values: [each], link: 'any' })
      continue
    }
    const applied = marked(draft.applied, item.id)
    const made = groups.map(([name, value]): DraftItem => {
      const field = item.field_prefix === undefined ? name : `${item.field_prefix}.${name}`
      return { ...draft, field, link: 'any', values: [{ value, test: undefined }], applied, mapped: true }
    })
    if (made.length > 0) of.push(made.length === 1 ? made[0]! : { kind: 'and', of: made })
  }
  if (of.length === 0) return draft
  return of.length === 1 ? of[0]! : { kind: draft.link === 'all' ? 'and' : 'or', of }
}
