/**
 * The fields that have a type of their own in the index, by collection: ECS for events, our records' own fields else.
 *
 * Fields that are not here are stored and found all the same, through the maps beside the document (encode.ts): a hostile
 * or unknown field never becomes a field of the mapping.
 */
import { collections, type Collection } from '../../core/ports/search-index.ts'

export type FieldType = 'keyword' | 'long' | 'double' | 'boolean' | 'date' | 'ip'

const named = (prefix: string, names: string): string =>
  names
    .split(' ')
    .map((name) => `${prefix}.${name}`)
    .join(' ')

type Types = Readonly<Partial<Record<FieldType, string>>>

/** Events: ECS 8 (https://www.elastic.co/docs/reference/ecs), `gen_ai.*` of OpenTelemetry, ours under `warden`. */
const events: Types = {
  keyword: [
    named('event', 'id kind category type action outcome dataset provider reason hash code'),
    'organization.id organization.name message',
    named('user', 'id name email domain roles target.id target.name effective.id effective.name group.id group.name'),
    named('source', 'address domain user.name geo.country_iso_code geo.country_name as.organization.name'),
    'destination.address destination.domain user_agent.original user_agent.name host.name host.id process.name',
    named('cloud', 'provider region account.id account.name service.name project.id instance.id'),
    named('orchestrator', 'type namespace api_version cluster.name resource.type resource.name'),
    named('http', 'request.method request.id request.range response.mime_type'),
    'url.original url.path url.domain error.code error.message error.type file.name file.path file.hash.sha256',
    'trace.id transaction.id service.name service.type log.level network.protocol tls.version tls.cipher tags',
    'rule.id rule.name threat.technique.id',
    'gen_ai.provider.name gen_ai.operation.name gen_ai.request.model gen_ai.response.id gen_ai.response.model',
    'gen_ai.response.finish_reasons gen_ai.conversation.id',
    named('warden', 'principal logsource.product logsource.service logsource.category position.topic credential.id'),
    named('warden', 'session.id model.id model.version asset.id asset.kind asset.container asset.destination'),
    named('warden', 'issued_credential.id input.hash output.label output.hash dataset.id dataset.record canary.id'),
  ].join(' '),
  ip: 'source.ip source.nat.ip destination.ip client.ip server.ip host.ip',
  date: '@timestamp event.created event.start event.end event.ingested',
  long: [
    'event.duration event.severity source.port source.as.number source.bytes destination.port destination.bytes',
    'http.request.bytes http.response.bytes http.response.status_code file.size process.pid network.bytes',
    'gen_ai.request.max_tokens gen_ai.request.top_logprobs gen_ai.request.seed gen_ai.request.choice.count',
    'gen_ai.usage.input_tokens gen_ai.usage.output_tokens warden.bytes',
    named('warden.position', 'partition offset index'),
  ].join(' '),
  double:
    'gen_ai.request.temperature gen_ai.request.top_p gen_ai.usage.cost warden.output.confidence warden.latency_ms',
  boolean: 'gen_ai.request.stream warden.synthetic',
}

const exposure: Types = {
  long: named('exposure', 'bytes ofBytes queries tokens probabilities'),
}

const position: Types = {
  keyword: 'position.topic',
  long: named('position', 'partition offset index'),
}

const signals: Types = {
  keyword: [
    'id status supersedes scope explanation joinOn entities.type entities.id',
    named('rule', 'id title version kind level tags techniques.framework techniques.id techniques.name'),
    named('evidence.events', 'id hash position.topic'),
  ].join(' '),
  date: '@timestamp created window.start window.end evidence.events.timestamp',
  long: [
    'version evidence.count arrivedMs',
    named('evidence.events.position', 'partition offset index'),
    exposure.long!,
  ].join(' '),
  double: 'risk',
  boolean: 'rule.shadow synthetic',
}

const incidents: Types = {
  keyword: [
    'id tenant status severity title summary primary.type primary.id entities.type entities.id assignee verdict',
    'techniques.framework techniques.id techniques.name supersedes mergedInto next',
    named('signals', 'id rule title level explanation'),
    'notes.id notes.by notes.text flags.code flags.message',
  ].join(' '),
  date: 'firstSeen lastSeen openedAt updatedAt signals.at notes.at flags.at',
  long: ['version signalCount signals.version signals.evidence arrivedMs', exposure.long!].join(' '),
  double: 'risk signals.risk',
  boolean: 'settled signals.shadow synthetic',
}

const actions: Types = {
  keyword: [
    'id tenant incidentId runId playbook.id playbook.version step connector action target digest state summary reason',
    'approval.role approval.by evidence',
  ].join(' '),
  date: 'at approval.expiresAt approval.at',
  long: 'version attempt cutOffs arrivedMs',
  boolean: 'destructive possiblyRepeated',
}

const decisions: Types = {
  keyword: [
    'kind id by roles tenant incidentId assignee text verdict mergedId actionId digest',
    'license.id license.tenant license.models license.form license.tier',
    'credential.id credential.tenant credential.principal credential.licenseId credential.label',
  ].join(' '),
  date: 'at',
  boolean: 'approved stopped',
}

const deeds: Types = {
  keyword: 'id by roles tenant deed target arguments outcome code address',
  date: 'at',
  long: 'version status',
}

const deadLetters: Types = {
  keyword: ['id stage code message hint source sha256 key original encoding replayed.by', position.keyword!].join(' '),
  date: 'at replayed.at',
  long: ['bytes replayed.count', position.long!].join(' '),
  boolean: 'truncated',
}

const licenses: Types = {
  keyword: [
    'kind state reason actionId',
    named('license', 'id tenant models form tier addresses countries'),
    named('credential', 'id tenant principal licenseId label'),
  ].join(' '),
  date: 'updatedAt license.validFrom license.validUntil credential.expiresAt',
  long: [
    'version arrivedMs',
    named('license', 'requestsPerMinuteMax requestsPerDayMax tokensPerDayMax concurrencyMax'),
  ].join(' '),
}

const leaks: Types = {
  keyword: 'id rule tenant account model',
  date: '@timestamp since',
  long: 'version queries distinct landmarks',
  double: 'coverage fidelity lo90 hi90',
}

const figures = 'calls inputTokens outputTokens bytes callsWithoutTokens'
const usage: Types = {
  keyword: 'id kind period state tenant principal credentialId licenseId model form',
  date: 'start end firstAt lastAt',
  long: ['version unchecked', named('success', figures), named('failure', figures), named('unknown', figures)].join(
    ' ',
  ),
  boolean: 'coarse incomplete overflown',
}

const types: Readonly<Record<Collection, Types>> = {
  events,
  signals,
  incidents,
  'incident-history': incidents,
  actions,
  'action-history': actions,
  decisions,
  deeds,
  'dead-letters': deadLetters,
  licenses,
  leaks,
  usage,
}

/** A place in a document: a field with a type, or an object that holds such. */
export type Place =
  | { readonly type: FieldType; readonly within?: undefined }
  | { readonly type?: undefined; readonly within: ReadonlyMap<string, Place> }

function flatOf(collection: Collection): ReadonlyMap<string, FieldType> {
  const flat = new Map<string, FieldType>()
  for (const [type, names] of Object.entries(types[collection])) {
    for (const name of names.split(' ')) flat.set(name, type as FieldType)
  }
  return flat
}

function treeOf(flat: ReadonlyMap<string, FieldType>): ReadonlyMap<string, Place> {
  const root = new Map<string, Place>()
  for (const [name, type] of flat) {
    const steps = name.split('.')
    let at = root
    for (const step of steps.slice(0, -1)) {
      const known = at.get(step)
      const within = known?.within ?? new Map<string, Place>()
      if (known === undefined) at.set(step, { within })
      at = within as Map<string, Place>
    }
    at.set(steps.at(-1)!, { type })
  }
  return root
}

const flat = Object.fromEntries(collections.map((each) => [each, flatOf(each)])) as Readonly<
  Record<Collection, ReadonlyMap<string, FieldType>>
>
const trees = Object.fromEntries(collections.map((each) => [each, treeOf(flat[each])])) as Readonly<
  Record<Collection, ReadonlyMap<string, Place>>
>

/** The type of a field; undefined for one that has none of its own. */
export function typeOf(collection: Collection, field: string): FieldType | undefined {
  return flat[collection].get(field)
}

export function placesOf(collection: Collection): ReadonlyMap<string, Place> {
  return trees[collection]
}
