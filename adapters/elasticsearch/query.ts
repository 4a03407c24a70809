/**
 * Filters, sorts and cursors of the SearchIndex port as Elasticsearch's query language.
 *
 * Pure. A field is asked for by its own type and in the maps beside the document (encode.ts): what does not fit its
 * type, or was stored before the field had one, is found there. What people type becomes words, never a query language.
 * Throws IndexRefusedError for what can never be answered.
 */
import { IndexRefusedError } from '../../core/errors.ts'
import type { Collection, Filter, SearchQuery } from '../../core/ports/search-index.ts'
import { dateOf, fieldName, wordsOf, type FieldValue } from '../../core/search-document.ts'
import { indexLimits } from './config.ts'
import { fieldNameCharsMax, sortable } from './encode.ts'
import { typeOf, type FieldType } from './fields.ts'

export type Query = Readonly<Record<string, unknown>>

/** The name that stands for a document's `timeMs`, in sorts and filters. */
const timeName = 'time'
export const timeField = 'modelwarden.time'
const idField = 'modelwarden.id'

const everything: Query = { match_all: {} }
const nothing: Query = { match_none: {} }

export function queryOf(collection: Collection, filter: Filter | undefined): Query {
  let nodes = 0
  const build = (node: Filter, depth: number): Query => {
    if (++nodes > indexLimits.filterNodesMax || depth > indexLimits.filterDepthMax) {
      throw new IndexRefusedError(
        `A filter may have ${indexLimits.filterNodesMax} conditions, nested ${indexLimits.filterDepthMax} deep.`,
      )
    }
    const each = (parts: readonly Filter[]): Query[] => parts.map((part) => build(part, depth + 1))
    if ('all' in node) return node.all.length === 0 ? everything : { bool: { filter: each(node.all) } }
    if ('any' in node) return anyOf(each(node.any))
    if ('not' in node) return { bool: { must_not: [build(node.not, depth + 1)] } }
    if ('text' in node) return textQuery(node.text)
    return node.field === timeName ? timeQuery(node) : fieldQuery(collection, node)
  }
  return filter === undefined ? everything : build(filter, 0)
}

function anyOf(queries: readonly Query[]): Query {
  if (queries.length === 0) return nothing
  return queries.length === 1 ? queries[0]! : { bool: { should: queries, minimum_should_match: 1 } }
}

function textQuery(text: string): Query {
  const words = wordsOf(text)
  // No words, no document: an empty box that finds everything hides that it searched for nothing.
  return words.length === 0 ? nothing : { match: { 'modelwarden.words': { query: words.join(' '), operator: 'and' } } }
}

type FieldFilter = Extract<Filter, { readonly field: string }>
type Range = Extract<FieldFilter, { readonly gte?: string | number }>

interface Names {
  readonly type: FieldType | undefined
  /** The field of the mapping; its text, where it is compared as text. */
  readonly field: string
  readonly asText: string
  /** In the maps. */
  readonly text: string
  readonly number: string
}

function namesOf(collection: Collection, field: string): Names {
  if (field === '' || field.length > fieldNameCharsMax) {
    throw new IndexRefusedError(`A field name has 1 to ${fieldNameCharsMax} characters.`)
  }
  const type = typeOf(collection, field)
  const name = fieldName(field)
  return {
    type,
    field,
    asText: type === 'ip' || type === 'date' ? `${field}.keyword` : field,
    text: `modelwarden.text.${name}`,
    number: `modelwarden.number.${name}`,
  }
}

function fieldQuery(collection: Collection, node: FieldFilter): Query {
  const names = namesOf(collection, node.field)
  if ('exists' in node) {
    const there = anyOf([
      ...(names.type === undefined ? [] : [{ exists: { field: names.asText } }]),
      { exists: { field: names.text } },
    ])
    return node.exists ? there : { bool: { must_not: [there] } }
  }
  if ('is' in node) return oneOf(names, [node.is])
  if ('in' in node) return oneOf(names, node.in)
  if ('prefix' in node) return prefixQuery(names, node.prefix)
  return rangeQuery(names, node)
}

function prefixQuery(names: Names, prefix: string): Query {
  const texts = names.type === 'keyword' || names.type === 'ip' || names.type === 'date'
  return anyOf([
    ...(texts ? [{ prefix: { [names.asText]: prefix } }] : []),
    textOnly(names, { prefix: { [names.text]: prefix } }),
  ])
}

/** Numbers stand in the text map too, spelled out. */
function textOnly(names: Names, query: Query): Query {
  return { bool: { filter: [query], must_not: [{ exists: { field: names.number } }] } }
}

const numberText = /^-?\d{1,15}(\.\d{1,9})?$/

/** A number finds the text that spells it and the other way round, as in a URL's query. */
function oneOf(names: Names, values: readonly FieldValue[]): Query {
  checkValues(values)
  if (values.length === 0) return nothing
  const spelled = values.map(String)
  const dates = spelled.map((each) => dateOf(each) ?? each)
  const numbers = values
    .filter((each) => typeof each === 'number' || (typeof each === 'string' && numberText.test(each)))
    .map(Number)
  const queries: Query[] = [{ terms: { [names.text]: dates } }]
  if (numbers.length > 0) queries.push({ terms: { [names.number]: numbers.map(sortable) } })
  const own = ownValues(names.type, { spelled, dates, numbers })
  if (own.length > 0) queries.push({ terms: { [names.type === 'date' ? names.field : names.asText]: own } })
  return anyOf(queries)
}

interface Spellings {
  readonly spelled: readonly string[]
  readonly dates: readonly string[]
  readonly numbers: readonly number[]
}

/** The values that a field of this type can be asked for. */
function ownValues(
  type: FieldType | undefined,
  { spelled, dates, numbers }: Spellings,
): readonly (string | number | boolean)[] {
  switch (type) {
    case undefined:
      return []
    case 'keyword':
    case 'ip':
      return spelled
    case 'date':
      return dates.filter((each) => dateOf(each) !== undefined)
    case 'long':
      return numbers.filter(Number.isSafeInteger)
    case 'double':
      return numbers
    case 'boolean':
      return spelled.filter((each) => each === 'true' || each === 'false')
  }
}

function checkValues(values: readonly FieldValue[]): void {
  if (values.length > indexLimits.filterValuesMax) {
    throw new IndexRefusedError(`A filter may name ${indexLimits.filterValuesMax} values, not ${values.length}.`)
  }
  for (const value of values) {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new IndexRefusedError(`${value} is not a value.`)
  }
}

const comparisons = ['gte', 'gt', 'lte', 'lt'] as const

/** Bounds by name. Throws for those that are no numbers. */
function boundsOf(node: Range): readonly (readonly [(typeof comparisons)[number], string | number])[] {
  return comparisons.flatMap((name) => {
    const bound = node[name]
    if (bound === undefined) return []
    if (typeof bound === 'number' && !Number.isFinite(bound)) throw new IndexRefusedError(`${bound} is not a bound.`)
    return [[name, bound] as const]
  })
}

/** A range over the maps must be closed at both ends. */
const lowest = { text: '', number: '0000000000000000' } as const
const highest = { text: '\u{10ffff}', number: 'ffffffffffffffff' } as const

/** Numbers compare with numbers, dates and other texts with texts. */
function rangeQuery(names: Names, node: Range): Query {
  const bounds = boundsOf(node)
  const kinds = new Set(bounds.map(([, bound]) => typeof bound))
  if (kinds.size > 1) return nothing
  if (kinds.size === 0) return anyOf([{ exists: { field: names.asText } }, { exists: { field: names.text } }])
  const kind = kinds.has('number') ? 'number' : 'text'
  const closed = (spell: (bound: string | number) => string): Query => {
    const range: Record<string, string> = Object.fromEntries(bounds.map(([name, bound]) => [name, spell(bound)]))
    if (!('gt' in range) && !('gte' in range)) range['gte'] = lowest[kind]
    if (!('lt' in range) && !('lte' in range)) range['lte'] = highest[kind]
    return range
  }
  const own: Query[] = []
  if (kind === 'number') {
    const range = Object.fromEntries(bounds)
    if (names.type === 'long' || names.type === 'double') own.push({ range: { [names.field]: range } })
    return anyOf([...own, { range: { [names.number]: closed((bound) => sortable(Number(bound))) } }])
  }
  const spelled = bounds.map(([name, bound]) => [name, dateOf(String(bound)) ?? String(bound)] as const)
  const allDates = spelled.every(([, bound]) => !Number.isNaN(Date.parse(bound)))
  if (names.type === 'date' && allDates) {
    const range = Object.fromEntries(spelled.map(([name, bound]) => [name, new Date(Date.parse(bound)).toISOString()]))
    own.push({ range: { [names.field]: range } })
  } else if (names.type === 'keyword' || names.type === 'ip' || names.type === 'date') {
    own.push({ range: { [names.asText]: Object.fromEntries(spelled) } })
  }
  const inMap = { range: { [names.text]: closed((bound) => dateOf(String(bound)) ?? String(bound)) } }
  return anyOf([...own, textOnly(names, inMap)])
}

/** `time` is every document's own; bounds are milliseconds or dates. */
function timeQuery(node: FieldFilter): Query {
  if ('exists' in node) return node.exists ? everything : nothing
  if ('prefix' in node) throw new IndexRefusedError('time has no prefix: give a range.')
  if ('is' in node || 'in' in node) {
    const values = 'is' in node ? [node.is] : node.in
    checkValues(values)
    return { terms: { [timeField]: values.map(timeOf) } }
  }
  const bounds = boundsOf(node).map(([name, bound]) => [name, timeOf(bound)] as const)
  return bounds.length === 0 ? everything : { range: { [timeField]: Object.fromEntries(bounds) } }
}

function timeOf(value: FieldValue): number {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (!Number.isFinite(ms)) throw new IndexRefusedError(`${JSON.stringify(value)} is not a time.`)
  return ms
}

/** The fields that the values of a field are counted by: its own, and its place in the map. */
export function countedFields(collection: Collection, field: string): readonly string[] {
  const names = namesOf(collection, field)
  return names.type === undefined ? [names.text] : [names.asText, names.text]
}

/** Documents without the field come last; ties are broken by id. */
export function sortOf({ collection, sort }: SearchQuery): readonly Query[] {
  const { by, order } = sort ?? { by: timeName, order: 'desc' as const }
  const id = { [idField]: { order } }
  if (by === timeName) return [{ [timeField]: { order } }, id]
  const names = namesOf(collection, by)
  const last = { order, missing: '_last' }
  if (names.type === undefined) return [{ [names.number]: last }, { [names.text]: last }, id]
  return [{ [names.type === 'ip' ? names.asText : names.field]: last }, id]
}

/** Where the next page begins: the last hit's sort values, and the view of the index that this process keeps for it. */
export interface Cursor {
  readonly values: readonly (string | number | boolean | null)[]
  readonly view: string | null
}

export function cursorText({ values, view }: Cursor): string {
  return Buffer.from(JSON.stringify([view, ...values])).toString('base64url')
}

/** `length`: how many sort values a page of this query ends with. */
export function cursorOf(text: string, length: number): Cursor {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === length + 1) {
      const [view, ...values] = parsed as unknown[]
      const fit = values.every((each) => each === null || ['string', 'number', 'boolean'].includes(typeof each))
      if (fit && typeof values.at(-1) === 'string' && (view === null || typeof view === 'string')) {
        return { values: values as Cursor['values'], view }
      }
    }
  } catch {
    // Falls through to the refusal.
  }
  throw new IndexRefusedError('The cursor is not one that a page gave.')
}
