/**
 * A KQL query as a filter of the search index.
 *
 * Pure. A list's own names stand for their fields (`principal` for `warden.principal`); `time` and
 * `@timestamp` stand for when it happened, whatever the collection calls that, and take times, also as `now-24h`.
 */
import type { Filter } from '../../core/ports/search-index.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { KqlInvalidError, parseKql, type Kql, type KqlValue } from './kql.ts'
import { fieldOf, type ListSpec } from './lists.ts'

/** Throws HttpError 400, with the column of the mistake. */
export function filterOfKql(text: string, list: ListSpec, nowMs: number): Filter {
  try {
    return filterOf(parseKql(text), list, nowMs)
  } catch (error) {
    if (!(error instanceof KqlInvalidError)) throw error
    const { code, column, message, hint } = error
    throw new HttpError(400, code, `q, column ${column}: ${message}`, {
      cause: error,
      column,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

function filterOf(query: Kql, list: ListSpec, nowMs: number): Filter {
  switch (query.kind) {
    case 'and':
      return { all: query.parts.map((part) => filterOf(part, list, nowMs)) }
    case 'or':
      return { any: query.parts.map((part) => filterOf(part, list, nowMs)) }
    case 'not':
      return { not: filterOf(query.part, list, nowMs) }
    case 'words':
      return wordsOf(query.value)
    case 'is':
      return isOf(nameOf(query.field, list), query.value, nowMs)
    case 'compare':
      return { field: nameOf(query.field, list), [query.by]: boundOf(query.value, nameOf(query.field, list), nowMs) }
  }
}

function nameOf(name: string, list: ListSpec): string {
  return name === '@timestamp' || name === list.timeField ? 'time' : fieldOf(list, name)
}

function wordsOf({ text, match, column }: KqlValue): Filter {
  if (match === 'any') return { all: [] }
  if (match === 'exact') return { text }
  throw new KqlInvalidError('Words are found whole; with a * only in a field.', column, 'Write <field>: <start>*.')
}

function isOf(field: string, value: KqlValue, nowMs: number): Filter {
  if (value.match === 'any') return { field, exists: true }
  if (field === 'time') return timeIs(value, nowMs)
  return value.match === 'prefix' ? { field, prefix: value.text } : { field, is: value.text }
}

/** A day is all of it, any other time is that moment. */
function timeIs(value: KqlValue, nowMs: number): Filter {
  if (value.match === 'prefix') throw new KqlInvalidError('A time has no *: give a range.', value.column)
  const from = timeOf(value, nowMs)
  const spanMs = /^\d{4}-\d\d-\d\d$/.test(value.text) ? 86_400_000 : 1
  return { field: 'time', gte: from, lt: from + spanMs }
}

function boundOf(value: KqlValue, field: string, nowMs: number): string | number {
  if (field === 'time') return timeOf(value, nowMs)
  const asNumber = /^-?\d{1,15}(?:\.\d{1,9})?$/.test(value.text) ? Number(value.text) : undefined
  return value.quoted || asNumber === undefined ? value.text : asNumber
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

function timeOf({ text, column }: KqlValue, nowMs: number): number {
  const [relative, sign, amount, unit] = /^now(?:([+-])(\d{1,6})([smhdw]))?$/.exec(text) ?? []
  if (relative !== undefined) {
    const spanMs = amount === undefined ? 0 : Number(amount) * units[unit!]!
    return nowMs + (sign === '-' ? -spanMs : spanMs)
  }
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isFinite(ms)) return ms
  throw new KqlInvalidError('That is no time.', column, 'Write 2026-03-01, "2026-03-01T10:00:00Z" or now-24h.')
}
