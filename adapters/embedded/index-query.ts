/**
 * Filters and cursors of the SearchIndex port as SQL.
 *
 * Pure. Every value, field name and word goes in as a bound parameter; the SQL text is made of constants alone.
 * Throws RequestRefusedError for what can never be answered.
 */
import type { Collection, Filter, SearchQuery } from '../../core/ports/search-index.ts'
import { dateOf, fieldName, wordsOf, type FieldValue } from '../../core/search-document.ts'
import { indexLimits } from './config.ts'
import { RequestRefusedError } from './errors.ts'

export type Parameter = string | number | null

export interface Sql {
  readonly text: string
  readonly parameters: readonly Parameter[]
}

/**
 * Fields with a column and an index of their own, each with one value a document: what people filter by most. The
 * column is named by the field's place in the list.
 */
export const hotFields: Readonly<Record<Collection, readonly string[]>> = {
  events: [
    'organization.id',
    'warden.principal',
    'warden.credential.id',
    'source.ip',
    'warden.asset.id',
    'event.action',
  ],
  signals: ['scope', 'rule.id'],
  incidents: ['tenant', 'status', 'severity'],
  'incident-history': ['tenant', 'id'],
  actions: ['tenant', 'incidentId', 'state'],
  'action-history': ['tenant', 'incidentId', 'id'],
  decisions: ['tenant', 'incidentId'],
  deeds: ['tenant', 'by'],
  'dead-letters': ['code', 'stage', 'source'],
  licenses: ['kind'],
  leaks: ['account', 'model'],
  usage: ['tenant', 'period', 'licenseId', 'model'],
}

/** The name that stands for a document's `timeMs`, in sorts and filters. */
const timeName = 'time'

export const tableOf = (collection: Collection): string => {
  if (!Object.hasOwn(hotFields, collection)) {
    throw new RequestRefusedError(`There is no collection ${JSON.stringify(collection)}.`)
  }
  return collection.replaceAll('-', '_')
}

/** A condition on table `d`. */
export function conditionOf(collection: Collection, filter: Filter | undefined): Sql {
  const parameters: Parameter[] = []
  let nodes = 0
  const build = (node: Filter, depth: number): string => {
    if (++nodes > indexLimits.filterNodesMax || depth > indexLimits.filterDepthMax) {
      throw new RequestRefusedError(
        `A filter may have ${indexLimits.filterNodesMax} conditions, nested ${indexLimits.filterDepthMax} deep.`,
      )
    }
    const join = (parts: readonly Filter[], word: string, none: string): string =>
      parts.length === 0 ? none : `(${parts.map((part) => build(part, depth + 1)).join(word)})`
    if ('all' in node) return join(node.all, ' AND ', '1')
    if ('any' in node) return join(node.any, ' OR ', '0')
    if ('not' in node) return `NOT ${build(node.not, depth + 1)}`
    if ('text' in node) return textCondition(collection, node.text, parameters)
    return fieldCondition(collection, node, parameters)
  }
  return { text: filter === undefined ? '1' : build(filter, 0), parameters }
}

function textCondition(collection: Collection, text: string, parameters: Parameter[]): string {
  const words = wordsOf(text)
  // No words, no document: an empty box that finds everything hides that it searched for nothing.
  if (words.length === 0) return '0'
  parameters.push(words.map((word) => `"${word}"`).join(' AND '))
  return `d.seq IN (SELECT rowid FROM ${tableOf(collection)}_words WHERE ${tableOf(collection)}_words MATCH ?)`
}

type FieldFilter = Extract<Filter, { readonly field: string }>

function fieldCondition(collection: Collection, node: FieldFilter, parameters: Parameter[]): string {
  const hot = hotFields[collection].indexOf(node.field)
  if (node.field === timeName) return timeCondition(node, parameters)
  if ('exists' in node) {
    if (hot >= 0) return `d.h${hot} IS ${node.exists ? 'NOT ' : ''}NULL`
    parameters.push(pathOf(node.field))
    return `json_type(d.fields, ?) IS ${node.exists ? 'NOT ' : ''}NULL`
  }
  // A hot field's column holds text: its one value, spelled out.
  const isIn = 'is' in node ? [node.is] : 'in' in node ? node.in : undefined
  if (hot >= 0 && isIn !== undefined) {
    parameters.push(...checkedValues(isIn).map(String))
    return `d.h${hot} IN (${isIn.map(() => '?').join(', ')})`
  }
  if (hot >= 0 && 'prefix' in node) {
    parameters.push(node.prefix, `${node.prefix}\u{10ffff}`)
    return `(d.h${hot} >= ? AND d.h${hot} < ?)`
  }
  parameters.push(pathOf(node.field))
  return `EXISTS (SELECT 1 FROM json_each(d.fields, ?) v WHERE ${valueCondition(node, parameters)})`
}

function valueCondition(node: FieldFilter, parameters: Parameter[]): string {
  if ('exists' in node) return '1'
  if ('prefix' in node) {
    parameters.push(node.prefix, node.prefix)
    return "v.type = 'text' AND substr(v.value, 1, length(?)) = ?"
  }
  if ('is' in node) return oneOf([node.is], parameters)
  if ('in' in node) return oneOf(node.in, parameters)
  return rangeOf(node, parameters)
}

/** Whether `v` is one of these. A number finds the text that spells it and the other way round, as in a URL's query. */
function oneOf(values: readonly FieldValue[], parameters: Parameter[]): string {
  const plain: Parameter[] = []
  const types: string[] = []
  for (const value of checkedValues(values)) {
    if (typeof value === 'boolean') {
      types.push(String(value))
      plain.push(String(value))
      continue
    }
    plain.push(typeof value === 'string' ? (dateOf(value) ?? value) : value)
    if (value === 'true' || value === 'false') types.push(value)
    else if (typeof value === 'number') plain.push(String(value))
    else if (/^-?\d{1,15}(\.\d{1,9})?$/.test(value)) plain.push(Number(value))
  }
  const conditions: string[] = []
  if (plain.length > 0) {
    conditions.push(`(v.type NOT IN ('true', 'false') AND v.value IN (${plain.map(() => '?').join(', ')}))`)
    parameters.push(...plain)
  }
  if (types.length > 0) {
    conditions.push(`v.type IN (${types.map(() => '?').join(', ')})`)
    parameters.push(...types)
  }
  return conditions.length === 0 ? '0' : `(${conditions.join(' OR ')})`
}

function checkedValues(values: readonly FieldValue[]): readonly FieldValue[] {
  if (values.length > indexLimits.filterValuesMax) {
    throw new RequestRefusedError(`A filter may name ${indexLimits.filterValuesMax} values, not ${values.length}.`)
  }
  for (const value of values) {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new RequestRefusedError(`${value} is not a value.`)
  }
  return values
}

const comparisons = [
  ['gte', '>='],
  ['gt', '>'],
  ['lte', '<='],
  ['lt', '<'],
] as const

type Range = Extract<FieldFilter, { readonly gte?: string | number }>

/** Numbers compare with numbers, dates and other texts with texts. */
function rangeOf(node: Range, parameters: Parameter[]): string {
  const conditions: string[] = []
  for (const [name, operator] of comparisons) {
    const bound = node[name]
    if (bound === undefined) continue
    conditions.push(
      `v.type ${typeof bound === 'number' ? "IN ('integer', 'real')" : "= 'text'"} AND v.value ${operator} ?`,
    )
    parameters.push(typeof bound === 'number' ? finite(bound) : (dateOf(bound) ?? bound))
  }
  return conditions.length === 0 ? '1' : conditions.join(' AND ')
}

/** `time` stands in a column of its own; bounds are milliseconds or dates. */
function timeCondition(node: FieldFilter, parameters: Parameter[]): string {
  if ('exists' in node) return node.exists ? '1' : '0'
  if ('prefix' in node) throw new RequestRefusedError('time has no prefix: give a range.')
  if ('is' in node || 'in' in node) {
    const values = checkedValues('is' in node ? [node.is] : node.in).map(timeOf)
    parameters.push(...values)
    return `d.time_ms IN (${values.map(() => '?').join(', ')})`
  }
  const conditions: string[] = []
  for (const [name, operator] of comparisons) {
    const bound = node[name]
    if (bound === undefined) continue
    conditions.push(`d.time_ms ${operator} ?`)
    parameters.push(timeOf(bound))
  }
  return conditions.length === 0 ? '1' : `(${conditions.join(' AND ')})`
}

function timeOf(value: FieldValue): number {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (!Number.isFinite(ms)) throw new RequestRefusedError(`${JSON.stringify(value)} is not a time.`)
  return ms
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RequestRefusedError(`${value} is not a bound.`)
  return value
}

/** The JSON path of a flattened field: its whole dotted name is one key. */
export function pathOf(field: string): string {
  if (field === '' || field.length > 1_024) throw new RequestRefusedError('A field name has 1 to 1,024 characters.')
  return `$."${fieldName(field)}"`
}

export interface Order {
  /** The expression that a page is sorted by; null where a document has no such field. */
  readonly key: string
  readonly parameters: readonly Parameter[]
  readonly direction: 'ASC' | 'DESC'
}

/** What a page is sorted by. A list sorts by its least value upwards, by its greatest downwards. */
export function orderOf(query: SearchQuery): Order {
  const { by, order } = query.sort ?? { by: timeName, order: 'desc' as const }
  const direction = order === 'asc' ? 'ASC' : 'DESC'
  if (by === timeName) return { key: 'd.time_ms', parameters: [], direction }
  const pick = direction === 'ASC' ? 'min' : 'max'
  const key = `(SELECT ${pick}(v.value) FROM json_each(d.fields, ?) v)`
  return { key, parameters: [pathOf(by)], direction }
}

/** Where the next page begins: the last hit's sort value and id. */
export interface Cursor {
  readonly value: Parameter
  readonly id: string
}

export function cursorText(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.value, cursor.id])).toString('base64url')
}

export function cursorOf(text: string): Cursor {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === 2) {
      const [value, id] = parsed as unknown[]
      const fits = value === null || typeof value === 'string' || typeof value === 'number'
      if (fits && typeof id === 'string') return { value, id }
    }
  } catch {
    // Falls through to the refusal.
  }
  throw new RequestRefusedError('The cursor is not one that a page gave.')
}

/** Everything that comes after the cursor, on rows that carry `k` (the sort value) and `id`. Documents without it come last. */
export function afterCursor({ value, id }: Cursor, direction: Order['direction']): Sql {
  const beyond = direction === 'ASC' ? '>' : '<'
  if (value === null) return { text: `(k IS NULL AND id ${beyond} ?)`, parameters: [id] }
  return {
    text: `(k ${beyond} ? OR (k = ? AND id ${beyond} ?) OR k IS NULL)`,
    parameters: [value, value, id],
  }
}
