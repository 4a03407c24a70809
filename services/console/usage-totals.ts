/**
 * `GET /v1/totals/usage`: what was used, added up as an invoice needs it. Narrows down as the list of usage records does.
 *
 * Promises: an answer covers every record that was asked for, or there is none: what would be too many is refused.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { UsageRecord } from '../../core/usage.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import { lists, type ListSpec } from './lists.ts'
import { filterOf, filterShape, timeOf } from './query.ts'
import type { ReadContext } from './reads.ts'
import { asked } from './refusals.ts'
import { UsageAdder, usageGroups, usageIntervals, UsageTotals } from './usage-sums.ts'

/** Records that one question adds up, and lines that it answers. */
const recordsMax = 500_000
const linesMax = 10_000
const pageItems = 1_000
const dayMs = 86_400_000
const hourMs = 3_600_000

/** As the list narrows down, but for what would leave a part of a sum out. */
const partial = ['period', 'kind', 'state', 'synthetic']
const shape = Object.fromEntries(Object.entries(filterShape(lists.usage)).filter(([name]) => !partial.includes(name)))

export function mountUsageTotals(app: FastifyInstance, { index, clock }: ReadContext): void {
  const list: ListSpec = lists.usage
  mountRoute(app, {
    method: 'GET',
    url: '/v1/totals/usage',
    roles: list.roles,
    summary: 'What was used of models, added up by period, tenant, license, model and more',
    tag: 'usage',
    query: z.strictObject({
      ...shape,
      by: z.enum(usageIntervals).optional().meta({ description: 'UTC, in event time; default `day`.' }),
      per: z
        .preprocess(
          (value) => (typeof value === 'string' ? value.split(',') : value),
          z.array(z.enum(usageGroups)).max(usageGroups.length),
        )
        .optional()
        .meta({ description: 'What lines are told apart by, separated by commas; default `tenant,license,model`.' }),
    }),
    invalid: 'QUERY_INVALID',
    answers: {
      200: { description: 'Lines in the order of their periods, and the sum over all of them.', schema: UsageTotals },
    },
    handle: async ({ query, caller }) => {
      const { by = 'day', per = ['tenant', 'license', 'model'] } = query
      checkWhole(query, by)
      const narrowed = filterOf(list, query, { caller, nowMs: clock.nowMs() })
      const filter = { all: [narrowed, { field: 'period', is: by === 'hour' ? 'hour' : 'day' }] }
      if ((await asked(index.count(list.collection, filter))) > recordsMax) throw tooMany('records', recordsMax)
      const adder = new UsageAdder(by, per)
      let after: string | undefined
      do {
        const page = await asked(
          index.search({
            collection: list.collection,
            filter,
            sort: { by: 'time', order: 'asc' },
            size: pageItems,
            ...(after === undefined ? {} : { after }),
          }),
        )
        for (const { document } of page.hits) adder.add(document as UsageRecord)
        if (adder.lines > linesMax) throw tooMany('lines', linesMax)
        after = page.after
      } while (after !== undefined)
      return adder.result()
    },
  })
}

/** A period that is cut in two would be told as if it were whole. */
function checkWhole(query: Readonly<Record<string, unknown>>, by: 'hour' | 'day' | 'month'): void {
  for (const name of ['from', 'to']) {
    const text = query[name]
    if (typeof text !== 'string') continue
    const ms = timeOf(text)
    const whole =
      by === 'month' ? new Date(ms).getUTCDate() === 1 && ms % dayMs === 0 : ms % (by === 'day' ? dayMs : hourMs) === 0
    if (!whole)
      throw new HttpError(
        400,
        'QUERY_INVALID',
        `\`${name}\` is not where a ${by} begins in UTC: its sums would be cut.`,
      )
  }
}

function tooMany(what: string, max: number): HttpError {
  return new HttpError(
    400,
    'TOO_MUCH',
    `That is more than ${max} ${what}: ask for less time, for one tenant, or by fewer groups.`,
  )
}
