/**
 * What a list holds, in numbers: `GET /v1/facets/<list>` (how many, and the most frequent values of fields) and
 * `GET /v1/histogram/<list>` (how many over time, also by the values of a field). Both narrow down as the list does.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Filter, SearchIndex } from '../../core/ports/search-index.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import { fieldOf, listNames, lists, type ListName, type ListSpec } from './lists.ts'
import { count, FieldName, filterOf, filterShape, timeOf } from './query.ts'
import { valueAt, type ReadContext } from './reads.ts'
import { asked } from './refusals.ts'

const fieldsMax = 20
const seriesMax = 10
/** Intervals that a histogram has where none is asked for: at most so many. */
const bucketsWanted = 120
const bucketsMax = 2_000

export function mountFacets(app: FastifyInstance, context: ReadContext): void {
  for (const name of listNames) {
    mountFacetsOf(app, name, context)
    mountHistogramOf(app, name, context)
  }
}

function mountFacetsOf(app: FastifyInstance, name: ListName, { index, clock }: ReadContext): void {
  const list: ListSpec = lists[name]
  const fields = z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',') : value),
      z.array(FieldName).min(1).max(fieldsMax),
    )
    .optional()
    .meta({ description: 'Fields, or the list’s own names for them, separated by commas.' })
  const Value = z.strictObject({ value: z.string(), count: z.int() })
  mountRoute(app, {
    method: 'GET',
    url: `/v1/facets/${name}`,
    roles: list.roles,
    summary: `How many ${name}, and the most frequent values of their fields`,
    tag: name,
    query: z.strictObject({
      ...filterShape(list),
      fields,
      size: count(100).optional().meta({ description: 'Values of each field; default 10.' }),
    }),
    invalid: 'QUERY_INVALID',
    answers: {
      200: {
        description: 'The numbers. `distinct` may be approximate past 3,000.',
        schema: z.strictObject({
          total: z.int(),
          facets: z.array(z.strictObject({ field: z.string(), distinct: z.int(), values: z.array(Value) })),
        }),
      },
    },
    handle: async ({ query, caller }) => {
      const filter = filterOf(list, query, { caller, nowMs: clock.nowMs() })
      const { size = 10 } = query
      const facet = async (field: string) => {
        const [distinct, buckets] = await Promise.all([
          index.cardinality(list.collection, fieldOf(list, field), filter),
          index.terms(list.collection, fieldOf(list, field), size, filter),
        ])
        return { field, distinct, values: buckets.map(({ key, count: n }) => ({ value: key, count: n })) }
      }
      const [total, facets] = await asked(
        Promise.all([index.count(list.collection, filter), Promise.all((query.fields ?? []).map(facet))]),
      )
      return { total, facets }
    },
  })
}

const interval = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'A number and s, m, h or d, e.g. 15m.')
  .optional()
  .meta({ description: 'E.g. `15m`, `1h`, `1d`; default: what fits the time that is asked for.' })
const Bucket = z.strictObject({ start: z.iso.datetime(), count: z.int() })

function mountHistogramOf(app: FastifyInstance, name: ListName, { index, clock }: ReadContext): void {
  const list: ListSpec = lists[name]
  mountRoute(app, {
    method: 'GET',
    url: `/v1/histogram/${name}`,
    roles: list.roles,
    summary: `How many ${name} over time`,
    tag: name,
    query: z.strictObject({
      ...filterShape(list),
      interval,
      split: FieldName.optional().meta({ description: `Also by the ${seriesMax} most frequent values of this field.` }),
    }),
    invalid: 'QUERY_INVALID',
    answers: {
      200: {
        description: 'Intervals with anything in them, the oldest first.',
        schema: z.strictObject({
          intervalMs: z.int(),
          buckets: z.array(Bucket),
          series: z.array(z.strictObject({ value: z.string(), buckets: z.array(Bucket) })).optional(),
        }),
      },
    },
    handle: async ({ query, caller }) => {
      const filter = filterOf(list, query, { caller, nowMs: clock.nowMs() })
      const intervalMs =
        query.interval === undefined ? await fittingInterval(index, list, filter, query) : msOf(query.interval)
      const over = async (narrowed: Filter) => {
        const buckets = await index.histogram(list.collection, intervalMs, narrowed)
        return buckets.map(({ startMs, count: n }) => ({ start: new Date(startMs).toISOString(), count: n }))
      }
      const buckets = await asked(over(filter))
      if (query.split === undefined) return { intervalMs, buckets }
      const field = fieldOf(list, query.split)
      const values = await asked(index.terms(list.collection, field, seriesMax, filter))
      const series = values.map(async ({ key }) => {
        return { value: key, buckets: await over({ all: [filter, { field, is: key }] }) }
      })
      return { intervalMs, buckets, series: await asked(Promise.all(series)) }
    },
  })
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function msOf(text: string): number {
  return Number(text.slice(0, -1)) * unitMs[text.slice(-1)]!
}

/** Intervals that people think in, ms. */
const niceMs = [1, 5, 15, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000].map(
  (seconds) => seconds * 1_000,
)

/** The shortest nice interval with which what is asked for has no more than `bucketsWanted`. */
async function fittingInterval(
  index: SearchIndex,
  list: ListSpec,
  filter: Filter,
  { from, to }: Readonly<Record<string, unknown>>,
): Promise<number> {
  const end = async (order: 'asc' | 'desc'): Promise<number> => {
    const page = await index.search({ collection: list.collection, filter, sort: { by: 'time', order }, size: 1 })
    const [hit] = page.hits
    return hit === undefined ? 0 : Date.parse(String(valueAt(hit.document, list.timeField)))
  }
  const since = typeof from === 'string' ? timeOf(from) : await asked(end('asc'))
  const until = typeof to === 'string' ? timeOf(to) : await asked(end('desc'))
  const wanted = Math.max(0, until - since) / bucketsWanted
  const longest = Math.ceil(Math.max(0, until - since) / bucketsMax)
  return niceMs.find((each) => each >= wanted) ?? Math.max(longest, niceMs.at(-1)!)
}
