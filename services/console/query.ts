/**
 * What a person may ask for in a URL, as questions to the search index.
 *
 * Pure. Promises: whoever has a tenant's token sees that tenant's documents, whatever the question says (what belongs to
 * the operator or to nobody stays unseen); synthetic documents are left out unless asked for; an unknown parameter is
 * refused rather than ignored, since an answer that ignored it would mislead.
 */
import { z } from 'zod'
import { actionStates } from '../../core/action.ts'
import { deadLetterCodes } from '../../core/dead-letter.ts'
import { Incident, verdicts } from '../../core/incident.ts'
import { credentialStates, License } from '../../core/license.ts'
import type { Collection, Filter, SearchQuery } from '../../core/ports/search-index.ts'
import { levels, Signal } from '../../core/signal.ts'
import { HttpError } from '../../runtime/http-error.ts'
import type { Caller } from '../../runtime/http-access.ts'

/** How each list can be asked. */
export interface ListSpec {
  readonly collection: Collection
  /** Parameters that are fields under another name; a comma separates several values. */
  readonly fields: Readonly<Record<string, string>>
  /** Parameters that have few values: any other is a slip, and an empty list would say that all is well. */
  readonly values?: Readonly<Record<string, readonly string[]>>
  /** Which field says whose a document is; absent: only the operator's callers may ask. */
  readonly tenantField?: string
  readonly syntheticField?: string
  /** Always. */
  readonly only?: Filter
}

export const lists = {
  incidents: {
    collection: 'incidents',
    tenantField: 'tenant',
    syntheticField: 'synthetic',
    fields: {
      tenant: 'tenant',
      status: 'status',
      severity: 'severity',
      assignee: 'assignee',
      verdict: 'verdict',
      entity: 'entities.id',
      technique: 'techniques.id',
      rule: 'signals.rule',
    },
    values: { status: Incident.shape.status.options, severity: levels, verdict: verdicts },
  },
  signals: {
    collection: 'signals',
    tenantField: 'scope',
    syntheticField: 'synthetic',
    fields: {
      tenant: 'scope',
      status: 'status',
      rule: 'rule.id',
      level: 'rule.level',
      entity: 'entities.id',
      technique: 'rule.techniques.id',
      id: 'id',
    },
    values: { status: Signal.shape.status.options, level: levels },
  },
  events: {
    collection: 'events',
    tenantField: 'organization.id',
    syntheticField: 'warden.synthetic',
    fields: {
      tenant: 'organization.id',
      principal: 'warden.principal',
      credential: 'warden.credential.id',
      session: 'warden.session.id',
      user: 'user.name',
      ip: 'source.ip',
      asset: 'warden.asset.id',
      model: 'warden.model.id',
      action: 'event.action',
      outcome: 'event.outcome',
      dataset: 'event.dataset',
      id: 'event.id',
    },
  },
  actions: {
    collection: 'actions',
    tenantField: 'tenant',
    fields: {
      tenant: 'tenant',
      incident: 'incidentId',
      state: 'state',
      playbook: 'playbook.id',
      connector: 'connector',
      target: 'target',
    },
    values: { state: actionStates },
  },
  decisions: {
    collection: 'decisions',
    tenantField: 'tenant',
    fields: { tenant: 'tenant', incident: 'incidentId', kind: 'kind', by: 'by', action: 'actionId' },
  },
  licenses: {
    collection: 'licenses',
    tenantField: 'license.tenant',
    only: { field: 'kind', is: 'license' },
    fields: { tenant: 'license.tenant', model: 'license.models', form: 'license.form', tier: 'license.tier' },
    values: { form: License.shape.form.options, tier: License.shape.tier.unwrap().options },
  },
  credentials: {
    collection: 'licenses',
    tenantField: 'credential.tenant',
    only: { field: 'kind', is: 'credential' },
    fields: {
      tenant: 'credential.tenant',
      principal: 'credential.principal',
      state: 'state',
      license: 'credential.licenseId',
      id: 'credential.id',
    },
    values: { state: credentialStates },
  },
  'dead-letters': {
    collection: 'dead-letters',
    fields: { code: 'code', stage: 'stage', source: 'source', topic: 'position.topic', id: 'id' },
    values: { code: deadLetterCodes },
  },
} as const satisfies Readonly<Record<string, ListSpec>>
export type ListName = keyof typeof lists

const textCharsMax = 1_000
const valuesMax = 200

const one = z.string().max(8_192)
const several = z.union([one, z.array(one).max(20)])

const Common = z.looseObject({
  /** Words. */
  q: z.string().max(textCharsMax).optional(),
  from: z.string().max(64).optional(),
  to: z.string().max(64).optional(),
  /** `field:value`, any field of the document. */
  where: several.optional(),
  sort: z
    .string()
    .regex(/^[A-Za-z@_][\w.@]{0,199}(:(asc|desc))?$/, 'sort is a field, and :asc or :desc.')
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
  after: z.string().max(4_096).optional(),
  synthetic: z.enum(['true', 'false']).optional(),
})
const common = new Set(Object.keys(Common.shape))

/** The question behind a URL's query. Throws HttpError 400 or 403. */
export function searchQueryOf(list: ListSpec, query: unknown, caller: Pick<Caller, 'tenant'>): SearchQuery {
  for (const name of Object.keys(query ?? {})) refuseUnknown(name, list)
  const parsed = Common.safeParse(query ?? {})
  if (!parsed.success) throw invalid(issueOf(parsed.error))
  const { sort, limit, after } = parsed.data
  const [by, order] = (sort ?? 'time:desc').split(':')
  return {
    collection: list.collection,
    filter: { all: filtersOf(list, parsed.data, caller) },
    sort: { by: by!, order: order === 'asc' ? 'asc' : 'desc' },
    size: limit ?? 50,
    ...(after === undefined ? {} : { after }),
  }
}

/** What a caller may see of a list at all. Throws HttpError 403 where that is nothing. */
export function visibleTo(list: ListSpec, caller: Pick<Caller, 'tenant'>): readonly Filter[] {
  const only = list.only === undefined ? [] : [list.only]
  if (caller.tenant === undefined) return only
  if (list.tenantField === undefined) {
    throw new HttpError(403, 'OPERATOR_ONLY', 'Your token is for one tenant; this belongs to the operator.')
  }
  return [...only, { field: list.tenantField, is: caller.tenant }]
}

function filtersOf(list: ListSpec, query: z.infer<typeof Common>, caller: Pick<Caller, 'tenant'>): Filter[] {
  const filters: Filter[] = [...visibleTo(list, caller)]
  for (const [name, field] of Object.entries(list.fields)) {
    if (query[name] !== undefined) filters.push(oneOf(field, checked(name, query[name], list)))
  }
  if (query.q !== undefined) filters.push({ text: query.q })
  for (const where of [query.where ?? []].flat()) filters.push(whereOf(where))
  if (query.from !== undefined) filters.push({ field: 'time', gte: timeOf(query.from) })
  if (query.to !== undefined) filters.push({ field: 'time', lt: timeOf(query.to) })
  if (list.syntheticField !== undefined && query.synthetic !== 'true') {
    filters.push({ not: { field: list.syntheticField, is: true } })
  }
  return filters
}

function refuseUnknown(name: string, list: ListSpec): void {
  if (common.has(name) || Object.hasOwn(list.fields, name)) return
  const known = [...Object.keys(list.fields), ...common].join(', ')
  throw new HttpError(400, 'QUERY_INVALID', `There is no parameter ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: `There are: ${known}.`,
  })
}

/** The values asked for, separated. Throws HttpError 400 where the field never has one of them. */
function checked(name: string, value: unknown, list: ListSpec): readonly string[] {
  const parsed = several.safeParse(value)
  if (!parsed.success) throw invalid(`${name} can not be asked that way.`)
  const values = [parsed.data].flat().flatMap((each) => each.split(','))
  if (values.length > valuesMax) throw invalid(`At most ${valuesMax} values of one field can be asked for.`)
  const known = list.values?.[name]
  const strange = known === undefined ? undefined : values.find((each) => !known.includes(each))
  if (strange === undefined) return values
  throw new HttpError(400, 'QUERY_INVALID', `${name} is never ${JSON.stringify(strange.slice(0, 100))}.`, {
    hint: `There are: ${known!.join(', ')}.`,
  })
}

function oneOf(field: string, values: readonly string[]): Filter {
  return values.length === 1 ? { field, is: values[0]! } : { field, in: values }
}

function whereOf(where: string): Filter {
  const colon = where.indexOf(':')
  const field = where.slice(0, colon)
  if (colon < 1 || field.length > 512) throw invalid('where is <field>:<value>, e.g. where=user.name:ana.')
  return { field, is: where.slice(colon + 1) }
}

function timeOf(text: string): number {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isFinite(ms)) throw invalid('from and to are dates (2026-03-01T10:00:00Z) or milliseconds since 1970.')
  return ms
}

/** Where and what; never the value. */
export function issueOf(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'It has not the expected form.'
  return issue.path.length === 0 ? issue.message : `${issue.path.map(String).join('.')}: ${issue.message}`
}

function invalid(message: string): HttpError {
  return new HttpError(400, 'QUERY_INVALID', message)
}
