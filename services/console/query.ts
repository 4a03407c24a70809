/**
 * What a person may ask for in a URL, as questions to the search index.
 *
 * Pure. Promises: whoever has a tenant's token sees that tenant's documents, whatever the question says (what belongs to
 * the operator or to nobody stays unseen); synthetic documents are left out unless asked for; an unknown parameter is
 * refused rather than ignored, since an answer that ignored it would mislead.
 */
import { z } from 'zod'
import type { Filter, SearchQuery } from '../../core/ports/search-index.ts'
import type { Caller } from '../../runtime/http/http-access.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { filterOfKql } from './kql-filter.ts'
import { kqlCharsMax } from './kql.ts'
import type { ListSpec } from './lists.ts'

const valuesMax = 200
const valueCharsMax = 8_192
/** A name of ECS or our own, with dots. */
const fieldPattern = /^[A-Za-z@_][\w.@-]{0,511}$/

/** Values separated by commas, or the parameter several times. */
const separated = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (value) => [value].flat().flatMap((each) => (typeof each === 'string' ? each.split(',') : [each])),
    z.array(item).min(1).max(valuesMax),
  )

const time = z
  .string()
  .max(40)
  .regex(
    /^(?:\d{1,15}|\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?)$/,
    'A date (2026-03-01), a time (2026-03-01T10:00:00Z) or milliseconds since 1970.',
  )
  .refine((text) => Number.isFinite(timeOf(text)), 'There is no such time.')

const filters = {
  q: z.string().max(kqlCharsMax).optional().meta({ description: 'In KQL; words alone: anywhere in the document.' }),
  from: time.optional().meta({ description: 'From here on (included): a date, a time, or milliseconds since 1970.' }),
  to: time.optional().meta({ description: 'Up to here (not included).' }),
  where: z
    .preprocess(
      (value) => [value].flat(),
      z
        .array(
          z
            .string()
            .max(valueCharsMax)
            .regex(/^[^:]{1,512}:/, 'Write <field>:<value>, e.g. user.name:ana.'),
        )
        .max(20),
    )
    .optional()
    .meta({ description: '`<field>:<value>`, any field; may be repeated, all must hold.', 'x-repeated': true }),
  synthetic: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true`: also what only measures the pipeline.' }),
}

/** A whole number in a URL. */
export const count = (max: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, 'A whole number.')
    .transform(Number)
    .pipe(z.int().min(1).max(max))

const paging = {
  limit: count(1_000).optional().meta({ description: 'Items in a page; default 50.' }),
  after: z.string().max(8_192).optional().meta({ description: 'What the page before gave as `next`.' }),
  sort: z
    .string()
    .regex(/^[A-Za-z@_][\w.@-]{0,199}(:(asc|desc))?$/, 'A field, and :asc or :desc.')
    .optional()
    .meta({ description: '`<field>:asc` or `:desc`; default `time:desc`.' }),
}

/** The parameters that narrow a list down. */
export function filterShape(list: ListSpec) {
  const own = Object.entries(list.fields).map(([name, field]) => {
    const values = list.values?.[name]
    const item = values === undefined ? z.string().max(valueCharsMax) : z.enum(values)
    return [
      name,
      separated(item)
        .optional()
        .meta({ description: `\`${field}\`; a comma separates alternatives.` }),
    ]
  })
  return { ...(Object.fromEntries(own) as Record<string, z.ZodType>), ...filters }
}

/** The parameters of a list. */
export function listQuery(list: ListSpec) {
  return z.strictObject({ ...filterShape(list), ...paging })
}

/** What `filterShape` and `listQuery` have parsed beside a list's own parameters. */
type Narrowed = { readonly [Name in keyof typeof filters]?: z.infer<(typeof filters)[Name]> }
type Paged = { readonly [Name in keyof typeof paging]?: z.infer<(typeof paging)[Name]> }

export interface Asking {
  readonly caller: Pick<Caller, 'tenant'>
  readonly nowMs: number
}

/** The question behind a list's query, as `listQuery` has parsed it. Throws HttpError 400 or 403. */
export function searchQueryOf(list: ListSpec, query: Readonly<Record<string, unknown>>, asking: Asking): SearchQuery {
  const { sort, limit, after } = query as Paged
  const [by, order] = (sort ?? 'time:desc').split(':')
  return {
    collection: list.collection,
    filter: filterOf(list, query, asking),
    sort: { by: by!, order: order === 'asc' ? 'asc' : 'desc' },
    size: limit ?? 50,
    ...(after === undefined ? {} : { after }),
  }
}

/** What a caller may see of a list at all. Throws HttpError 403 where that is nothing. */
export function visibleTo(list: ListSpec, caller: Pick<Caller, 'tenant'>): readonly Filter[] {
  const only = list.only === undefined ? [] : [list.only]
  if (caller.tenant === undefined) return only
  if (list.tenantField === undefined) throw operatorOnly()
  return [...only, { field: list.tenantField, is: caller.tenant }]
}

/** What is the operator's alone. Throws HttpError 403. */
export function checkOperator(caller: Pick<Caller, 'tenant'>): void {
  if (caller.tenant !== undefined) throw operatorOnly()
}

function operatorOnly(): HttpError {
  return new HttpError(403, 'OPERATOR_ONLY', 'Your token is for one tenant; this belongs to the operator.')
}

/** What `filterShape` has parsed, as a filter. Throws HttpError 400 or 403. */
export function filterOf(list: ListSpec, query: Readonly<Record<string, unknown>>, asking: Asking): Filter {
  const all: Filter[] = [...visibleTo(list, asking.caller)]
  for (const [name, field] of Object.entries(list.fields)) {
    if (query[name] !== undefined) all.push(oneOf(field, query[name] as readonly string[]))
  }
  const { q, from, to, where, synthetic } = query as Narrowed
  if (q !== undefined && q.trim() !== '') all.push(filterOfKql(q, list, asking.nowMs))
  for (const each of where ?? []) all.push(whereOf(each))
  if (from !== undefined) all.push({ field: 'time', gte: timeOf(from) })
  if (to !== undefined) all.push({ field: 'time', lt: timeOf(to) })
  if (list.syntheticField !== undefined && synthetic !== 'true') {
    all.push({ not: { field: list.syntheticField, is: true } })
  }
  return { all }
}

function oneOf(field: string, values: readonly string[]): Filter {
  return values.length === 1 ? { field, is: values[0]! } : { field, in: values }
}

function whereOf(where: string): Filter {
  const colon = where.indexOf(':')
  return { field: where.slice(0, colon), is: where.slice(colon + 1) }
}

/** ms since 1970; NaN where it is no time. */
export function timeOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text)
}

/** A name of a field in a URL. */
export const FieldName = z.string().regex(fieldPattern, 'A name of a field, e.g. user.name.')
