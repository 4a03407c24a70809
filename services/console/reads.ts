/**
 * What people look at: lists (`GET /v1/<list>`), one document (`…/:id`), and how an action came to stand as it does.
 *
 * Lists answer `{items, next}`; `next` goes into the parameter `after` of the following page, and is absent on the last.
 * Promises: whatever is asked, a tenant's caller is answered from that tenant's documents alone.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../../core/ports/clock.ts'
import type { Document, SearchIndex } from '../../core/ports/search-index.ts'
import type { Caller } from '../../runtime/http/http-access.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { IdParams, mountRoute } from '../../runtime/http/http-route.ts'
import { ErrorBody } from '../../runtime/http/openapi.ts'
import { listNames, lists, type ListSpec } from './lists.ts'
import { listQuery, searchQueryOf, visibleTo } from './query.ts'
import { asked } from './refusals.ts'

export interface ReadContext {
  readonly index: SearchIndex
  readonly clock: Clock
}

/** The answer where there is no such document, or it is somebody else's. */
export const notFound = { description: 'There is none, or it is somebody else’s.', schema: ErrorBody }
/** States of one action, or versions of one incident, in one answer. */
export const historyMax = 1_000

export function mountReads(app: FastifyInstance, { index, clock }: ReadContext): void {
  for (const name of listNames) {
    const list: ListSpec = lists[name]
    mountRoute(app, {
      method: 'GET',
      url: `/v1/${name}`,
      roles: list.roles,
      summary: `Lists ${name}`,
      tag: name,
      query: listQuery(list),
      invalid: 'QUERY_INVALID',
      answers: {
        200: {
          description: 'A page.',
          schema: z.strictObject({ items: z.array(list.item), next: z.string().optional() }),
        },
      },
      handle: async ({ query, caller }) => {
        const page = await asked(index.search(searchQueryOf(list, query, { caller, nowMs: clock.nowMs() })))
        const items = page.hits.map((hit) => hit.document)
        return page.after === undefined ? { items } : { items, next: page.after }
      },
    })
    // An incident comes with all that belongs to it: incident.ts.
    if (name !== 'incidents') mountOne(app, index, name, list)
  }
  mountActionHistory(app, index)
}

function mountOne(app: FastifyInstance, index: SearchIndex, name: string, list: ListSpec): void {
  mountRoute(app, {
    method: 'GET',
    url: `/v1/${name}/:id`,
    roles: list.roles,
    summary: `Shows one ${list.one}`,
    tag: name,
    params: IdParams,
    invalid: 'QUERY_INVALID',
    answers: { 200: { description: `The ${list.one}.`, schema: list.item }, 404: notFound },
    handle: ({ params, caller }) => oneOf(index, list, params.id, caller),
  })
}

function mountActionHistory(app: FastifyInstance, index: SearchIndex): void {
  const { item, roles } = lists.actions
  mountRoute(app, {
    method: 'GET',
    url: '/v1/actions/:id/history',
    roles,
    summary: 'Every state that an action went through, the first first',
    tag: 'actions',
    params: IdParams,
    invalid: 'QUERY_INVALID',
    answers: {
      200: {
        description: `The states; \`complete\` is false where more than ${historyMax} were cut off.`,
        schema: z.strictObject({ items: z.array(item), complete: z.boolean() }),
      },
      404: notFound,
    },
    handle: async ({ params, caller }) => {
      await oneOf(index, lists.actions, params.id, caller)
      return await historyOf(index, 'action-history', params.id, caller)
    },
  })
}

/** All versions of a document that the caller may see, the first first. */
export async function historyOf(
  index: SearchIndex,
  collection: 'action-history' | 'incident-history',
  id: string,
  caller: Pick<Caller, 'tenant'>,
): Promise<{ readonly items: readonly Document[]; readonly complete: boolean }> {
  const page = await asked(
    index.search({
      collection,
      filter: { all: [...visibleTo({ ...lists.actions, collection }, caller), { field: 'id', is: id }] },
      sort: { by: 'version', order: 'asc' },
      size: historyMax,
    }),
  )
  return { items: page.hits.map((hit) => hit.document), complete: page.after === undefined }
}

/** A document by its id. Throws HttpError 404 also where it is somebody else's: that it exists is not told. */
export async function oneOf(
  index: SearchIndex,
  list: ListSpec,
  id: string,
  caller: Pick<Caller, 'tenant'>,
): Promise<Document> {
  visibleTo(list, caller)
  const found = await asked(index.get(list.collection, `${list.idPrefix ?? ''}${id}`))
  const foreign =
    caller.tenant !== undefined &&
    list.tenantField !== undefined &&
    found !== undefined &&
    valueAt(found.document, list.tenantField) !== caller.tenant
  if (found !== undefined && !foreign) return found.document
  throw new HttpError(404, 'NOT_FOUND', `There is no ${list.one} ${JSON.stringify(id.slice(0, 200))}.`)
}

export function valueAt(document: Document, path: string): unknown {
  let value: unknown = document
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}
