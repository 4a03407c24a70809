/**
 * The lists that people look at: how each can be asked, and whose its documents are.
 *
 * Pure.
 */
import { type z } from 'zod'
import { Action, actionStates } from '../../core/action.ts'
import { DeadLetter, deadLetterCodes } from '../../core/dead-letter.ts'
import { Decision } from '../../core/decision.ts'
import { Deed } from '../../core/deed.ts'
import { Event } from '../../core/event.ts'
import { Incident, verdicts } from '../../core/incident.ts'
import { Leak } from '../../core/leak.ts'
import { credentialStates, License, LicenseRecord } from '../../core/license.ts'
import type { Collection, Filter } from '../../core/ports/search-index.ts'
import { levels, Signal } from '../../core/signal.ts'
import { usagePeriods, UsageRecord } from '../../core/usage.ts'
import type { Role } from '../../runtime/config/config-parts.ts'
import { named } from '../../runtime/http/openapi.ts'

/** How a list can be asked. */
export interface ListSpec {
  readonly collection: Collection
  /** What one is called. */
  readonly one: string
  /** The form of one document. */
  readonly item: z.ZodType
  /** The field that its documents' time is. */
  readonly timeField: string
  /** Who may look. */
  readonly roles: readonly Role[]
  /** Parameters that are fields under another name; a comma separates several values. */
  readonly fields: Readonly<Record<string, string>>
  /** Parameters that have few values: any other is a slip, and an empty list would say that all is well. */
  readonly values?: Readonly<Record<string, readonly string[]>>
  /** Which field says whose a document is; absent: only the operator's callers may ask. */
  readonly tenantField?: string
  readonly syntheticField?: string
  /** Always. */
  readonly only?: Filter
  /** What the index puts before the ids. */
  readonly idPrefix?: string
}

const lookers: readonly Role[] = ['viewer', 'analyst', 'responder']
const [LicenseEntry, CredentialEntry] = LicenseRecord.options

for (const [id, schema] of Object.entries({
  Event,
  Signal,
  Incident,
  Action,
  Decision,
  Deed,
  DeadLetter,
  Leak,
  UsageRecord,
})) {
  named.add(schema, { id })
}
named.add(LicenseEntry, { id: 'License' })
named.add(CredentialEntry, { id: 'Credential' })

export const lists = {
  incidents: {
    collection: 'incidents',
    one: 'incident',
    item: Incident,
    timeField: 'openedAt',
    roles: lookers,
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
    one: 'signal',
    item: Signal,
    timeField: '@timestamp',
    roles: lookers,
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
    one: 'event',
    item: Event,
    timeField: '@timestamp',
    roles: lookers,
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
    one: 'action',
    item: Action,
    timeField: 'at',
    roles: lookers,
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
    one: 'decision',
    item: Decision,
    timeField: 'at',
    roles: lookers,
    tenantField: 'tenant',
    fields: { tenant: 'tenant', incident: 'incidentId', kind: 'kind', by: 'by', action: 'actionId' },
  },
  deeds: {
    collection: 'deeds',
    one: 'deed',
    item: Deed,
    timeField: 'at',
    roles: ['admin'],
    tenantField: 'tenant',
    fields: { tenant: 'tenant', by: 'by', deed: 'deed', outcome: 'outcome', code: 'code' },
    values: { outcome: Deed.shape.outcome.options },
  },
  licenses: {
    collection: 'licenses',
    one: 'license',
    item: LicenseEntry,
    timeField: 'updatedAt',
    roles: lookers,
    tenantField: 'license.tenant',
    only: { field: 'kind', is: 'license' },
    idPrefix: 'license/',
    fields: { tenant: 'license.tenant', model: 'license.models', form: 'license.form', tier: 'license.tier' },
    values: { form: License.shape.form.options, tier: License.shape.tier.unwrap().options },
  },
  credentials: {
    collection: 'licenses',
    one: 'credential',
    item: CredentialEntry,
    timeField: 'updatedAt',
    roles: lookers,
    tenantField: 'credential.tenant',
    only: { field: 'kind', is: 'credential' },
    idPrefix: 'credential/',
    fields: {
      tenant: 'credential.tenant',
      principal: 'credential.principal',
      state: 'state',
      license: 'credential.licenseId',
      id: 'credential.id',
    },
    values: { state: credentialStates },
  },
  // To a thief it would be a progress bar: for the operator's callers alone.
  leaks: {
    collection: 'leaks',
    one: 'leak account',
    item: Leak,
    timeField: '@timestamp',
    roles: lookers,
    fields: { tenant: 'tenant', account: 'account', model: 'model' },
  },
  usage: {
    collection: 'usage',
    one: 'usage record',
    item: UsageRecord,
    timeField: 'start',
    roles: lookers,
    tenantField: 'tenant',
    fields: {
      tenant: 'tenant',
      license: 'licenseId',
      model: 'model',
      credential: 'credentialId',
      principal: 'principal',
      form: 'form',
      period: 'period',
      kind: 'kind',
      state: 'state',
    },
    values: {
      form: License.shape.form.options,
      period: usagePeriods,
      kind: UsageRecord.shape.kind.options,
      state: UsageRecord.shape.state.options,
    },
  },
  'dead-letters': {
    collection: 'dead-letters',
    one: 'dead letter',
    item: DeadLetter,
    timeField: 'at',
    roles: lookers,
    fields: { code: 'code', stage: 'stage', source: 'source', topic: 'position.topic', id: 'id' },
    values: { code: deadLetterCodes },
  },
} as const satisfies Readonly<Record<string, ListSpec>>
export type ListName = keyof typeof lists
export const listNames = Object.keys(lists) as ListName[]

/** The field that a name stands for: one of the list's own names, or a field as it is. */
export function fieldOf(list: ListSpec, name: string): string {
  return Object.hasOwn(list.fields, name) ? list.fields[name]! : name
}
