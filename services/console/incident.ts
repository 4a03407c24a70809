/**
 * One incident with all that belongs to it: `GET /v1/incidents/:id`, `…/history` (its versions) and `…/timeline`.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Action } from '../../core/action.ts'
import type { Decision } from '../../core/decision.ts'
import type { Event } from '../../core/event.ts'
import type { Incident } from '../../core/incident.ts'
import type { Filter, SearchIndex } from '../../core/ports/search-index.ts'
import type { Signal } from '../../core/signal.ts'
import type { Caller } from '../../runtime/http/http-access.ts'
import { IdParams, mountRoute } from '../../runtime/http/http-route.ts'
import { lists, type ListSpec } from './lists.ts'
import { visibleTo } from './query.ts'
import { historyMax, historyOf, notFound, oneOf, type ReadContext } from './reads.ts'
import { asked } from './refusals.ts'
import { timelineOf, Timeline } from './timeline.ts'

/** What belongs to one incident: more than these are cut off, and the answer says so. */
const relatedMax = 1_000
/** Values in one question to the index. */
const idsMax = 500
/** Events of evidence in one timeline; the nearest to the start are kept. */
const evidenceMax = 10_000
const { item, roles } = lists.incidents
const base = { method: 'GET', roles, tag: 'incidents', params: IdParams, invalid: 'QUERY_INVALID' } as const

export function mountIncident(app: FastifyInstance, { index }: ReadContext): void {
  mountRoute(app, {
    ...base,
    url: '/v1/incidents/:id',
    summary: 'An incident with its signals, actions and decisions',
    answers: {
      200: {
        description: `\`complete\` is false where more than ${relatedMax} actions or decisions were cut off.`,
        schema: z.strictObject({
          incident: item,
          signals: z.array(lists.signals.item),
          actions: z.array(lists.actions.item),
          decisions: z.array(lists.decisions.item),
          complete: z.boolean(),
        }),
      },
      404: notFound,
    },
    handle: async ({ params, caller }) => {
      const incident = (await oneOf(index, lists.incidents, params.id, caller)) as unknown as Incident
      const { signals, actions, decisions, complete } = await allOf(index, incident, caller)
      return { incident, signals, actions, decisions, complete }
    },
  })
  mountRoute(app, {
    ...base,
    url: '/v1/incidents/:id/history',
    summary: 'Every version of an incident, the first first',
    answers: {
      200: {
        description: `The versions; \`complete\` is false where more than ${historyMax} were cut off.`,
        schema: z.strictObject({ items: z.array(item), complete: z.boolean() }),
      },
      404: notFound,
    },
    handle: async ({ params, caller }) => {
      await oneOf(index, lists.incidents, params.id, caller)
      return await historyOf(index, 'incident-history', params.id, caller)
    },
  })
  mountRoute(app, {
    ...base,
    url: '/v1/incidents/:id/timeline',
    summary: 'What happened, was found, decided and done, in the order of event time',
    answers: {
      200: {
        description: 'The rows, and in `omitted` what could not be told and why.',
        schema: Timeline,
      },
      404: notFound,
    },
    handle: async ({ params, caller }) => {
      const incident = (await oneOf(index, lists.incidents, params.id, caller)) as unknown as Incident
      return await timeline(index, incident, caller)
    },
  })
}

type Whose = Pick<Caller, 'tenant'>

/** All of a visible incident is of its tenant; asked for once more, so that one mistake elsewhere shows nothing. */
async function related<T>(
  index: SearchIndex,
  list: ListSpec,
  caller: Whose,
  filter: Filter,
): Promise<{ readonly items: readonly T[]; readonly complete: boolean }> {
  const page = await asked(
    index.search({
      collection: list.collection,
      filter: { all: [...visibleTo(list, caller), filter] },
      sort: { by: 'time', order: 'asc' },
      size: relatedMax,
    }),
  )
  return { items: page.hits.map((hit) => hit.document as unknown as T), complete: page.after === undefined }
}

async function byIds<T>(
  index: SearchIndex,
  list: ListSpec,
  caller: Whose,
  field: string,
  ids: readonly string[],
): Promise<readonly T[]> {
  const found: T[] = []
  for (let at = 0; at < ids.length; at += idsMax) {
    const some = await related<T>(index, list, caller, { field, in: ids.slice(at, at + idsMax) })
    found.push(...some.items)
  }
  return found
}

async function allOf(index: SearchIndex, incident: Incident, caller: Whose) {
  const ofIncident: Filter = { field: 'incidentId', is: incident.id }
  const ids = incident.signals.map((signal) => signal.id)
  const [signals, actions, decisions] = await Promise.all([
    byIds<Signal>(index, lists.signals, caller, 'id', ids),
    related<Action>(index, lists.actions, caller, ofIncident),
    related<Decision>(index, lists.decisions, caller, ofIncident),
  ])
  const complete = actions.complete && decisions.complete
  return { signals, actions: actions.items, decisions: decisions.items, complete }
}

async function timeline(index: SearchIndex, incident: Incident, caller: Whose): Promise<Timeline> {
  const ofIncident: Filter = { field: 'incidentId', is: incident.id }
  const [{ items: versions, complete: allVersions }, states, decisions] = await Promise.all([
    historyOf(index, 'incident-history', incident.id, caller),
    related<Action>(index, { ...lists.actions, collection: 'action-history' }, caller, ofIncident),
    related<Decision>(index, lists.decisions, caller, ofIncident),
  ])
  // An incident keeps its most telling signals; those of earlier versions belong to it as well.
  const named = [incident, ...(versions as unknown as readonly Incident[])]
  const signalIds = [...new Set(named.flatMap((version) => version.signals.map((signal) => signal.id)))]
  const signals = await byIds<Signal>(index, lists.signals, caller, 'id', signalIds)
  const references = signals.flatMap((signal) => signal.evidence.events)
  const eventIds = [...new Set(references.map((reference) => reference.id))]
  const events = await byIds<Event>(index, lists.events, caller, 'event.id', eventIds.slice(0, evidenceMax))
  return timelineOf({
    incident,
    versions: named.slice(1),
    signals,
    signalIds,
    events,
    eventsAsked: Math.min(evidenceMax, eventIds.length),
    states: states.items,
    decisions: decisions.items,
    complete: { versions: allVersions, states: states.complete, decisions: decisions.complete },
  })
}
