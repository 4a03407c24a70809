/**
 * What people look at: `GET /v1/incidents`, `…/:id`, signals, events, actions, decisions, licenses, credentials and dead
 * letters.
 *
 * Lists answer `{items, next}`; `next` goes into the parameter `after` of the following page, and is absent on the last.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Incident } from '../../core/incident.ts'
import type { Collection, Document, Filter, SearchIndex } from '../../core/ports/search-index.ts'
import type { Role } from '../../runtime/config-parts.ts'
import { HttpError } from '../../runtime/http-error.ts'
import { lists, searchQueryOf, visibleTo, type ListName, type ListSpec } from './query.ts'
import { asked } from './refusals.ts'

/** Who may look. */
const lookers: readonly Role[] = ['viewer', 'analyst', 'responder']
/** What belongs to one incident: more than these are cut off, and the answer says so. */
const relatedMax = 1_000

export function mountReads(app: FastifyInstance, index: SearchIndex): void {
  const config = { roles: lookers }
  for (const name of Object.keys(lists) as ListName[]) {
    app.get(`/v1/${name}`, { config }, async (request) => {
      const page = await asked(index.search(searchQueryOf(lists[name], request.query, request.caller)))
      const items = page.hits.map((hit) => hit.document)
      return page.after === undefined ? { items } : { items, next: page.after }
    })
  }
  app.get('/v1/incidents/:id', { config }, async (request) => incidentWithAll(index, request))
  for (const name of ['signals', 'events', 'actions', 'dead-letters'] as const) {
    app.get(`/v1/${name}/:id`, { config }, async (request) => await visibleOne(index, lists[name], request))
  }
}

async function incidentWithAll(index: SearchIndex, request: FastifyRequest): Promise<Document> {
  const incident = (await visibleOne(index, lists.incidents, request)) as unknown as Incident
  // All of a visible incident is of its tenant; asked for once more, so that one mistake elsewhere shows nothing.
  const related = async (list: ListSpec, filter: Filter): Promise<readonly Document[]> => {
    const page = await asked(
      index.search({
        collection: list.collection,
        filter: { all: [...visibleTo(list, request.caller), filter] },
        sort: { by: 'time', order: 'asc' },
        size: relatedMax,
      }),
    )
    return page.hits.map((hit) => hit.document)
  }
  const ofIncident: Filter = { field: 'incidentId', is: incident.id }
  const [signals, actions, decisions] = await Promise.all([
    related(lists.signals, { field: 'id', in: incident.signals.map((signal) => signal.id) }),
    related(lists.actions, ofIncident),
    related(lists.decisions, ofIncident),
  ])
  const complete = actions.length < relatedMax && decisions.length < relatedMax
  return { incident, signals, actions, decisions, complete }
}

async function visibleOne(index: SearchIndex, list: ListSpec, request: FastifyRequest): Promise<Document> {
  return await oneOf(index, list, (request.params as { id: string }).id, request.caller)
}

/** A document by its id. Throws HttpError 404 also where it is somebody else's: that it exists is not told. */
export async function oneOf(
  index: SearchIndex,
  list: ListSpec,
  id: string,
  caller: { readonly tenant?: string | undefined },
): Promise<Document> {
  visibleTo(list, caller)
  const found = await asked(index.get(list.collection, id))
  const foreign =
    caller.tenant !== undefined &&
    list.tenantField !== undefined &&
    found !== undefined &&
    valueAt(found.document, list.tenantField) !== caller.tenant
  if (found !== undefined && !foreign) return found.document
  throw new HttpError(404, 'NOT_FOUND', `There is no ${singular[list.collection]} ${JSON.stringify(id.slice(0, 200))}.`)
}

const singular: Readonly<Record<Collection, string>> = {
  events: 'event',
  signals: 'signal',
  incidents: 'incident',
  'incident-history': 'version of an incident',
  actions: 'action',
  'action-history': 'state of an action',
  decisions: 'decision',
  deeds: 'deed',
  'dead-letters': 'dead letter',
  licenses: 'license or credential',
}

function valueAt(document: Document, path: string): unknown {
  let value: unknown = document
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}
