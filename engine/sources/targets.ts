/**
 * The event fields that a source may fill, and the conversion that each asks for.
 *
 * Pure. ECS, `gen_ai.*` and `warden.*` names; a field that is not listed is text. What the mapper itself fills (ids, times,
 * digests, positions, tenant, principal) no source may.
 */
import { conversions, type Convert } from './convert.ts'

const types: Readonly<Record<string, string>> = {
  'event.category': 'strings',
  'event.type': 'strings',
  'event.duration': 'number',
  'event.start': 'iso',
  'event.end': 'iso',
  'event.severity': 'number',
  'user.roles': 'strings',
  'user.group.names': 'strings',
  'user.effective.roles': 'strings',
  'source.ip': 'ip',
  'source.port': 'integer',
  'source.geo.country_iso_code': 'uppercase',
  'destination.ip': 'ip',
  'destination.port': 'integer',
  'client.ip': 'ip',
  'http.request.method': 'uppercase',
  'http.request.bytes': 'number',
  'http.response.status_code': 'integer',
  'http.response.bytes': 'number',
  'file.size': 'number',
  'orchestrator.resource.parent.labels': 'json',
  'gen_ai.request.max_tokens': 'number',
  'gen_ai.request.temperature': 'number',
  'gen_ai.request.top_p': 'number',
  'gen_ai.request.top_k': 'number',
  'gen_ai.request.seed': 'number',
  'gen_ai.request.choice.count': 'number',
  'gen_ai.request.top_logprobs': 'number',
  'gen_ai.request.logit_bias': 'json',
  'gen_ai.request.stream': 'boolean',
  'gen_ai.response.finish_reasons': 'strings',
  'gen_ai.usage.input_tokens': 'number',
  'gen_ai.usage.output_tokens': 'number',
  'gen_ai.usage.cost': 'number',
  'warden.credential.id': 'credential',
  'warden.credential.issued.id': 'credential',
  'warden.bytes': 'number',
  'warden.latency_ms': 'number',
  'warden.input.features': 'numbers',
  'warden.input.embedding': 'numbers',
  'warden.output.probabilities': 'numbers',
  'warden.output.label': 'label',
  'warden.output.truth': 'label',
  'warden.output.confidence': 'number',
  'warden.output.logprobs': 'list',
  'warden.session.mfa': 'boolean',
  'warden.synthetic': 'boolean',
}

/** Ids of people, credentials, sessions, models and assets: never cut without a digest, never more than one line. */
const entityIds: ReadonlySet<string> = new Set([
  'user.id',
  'user.target.id',
  'user.effective.id',
  'warden.session.id',
  'warden.model.id',
  'warden.asset.id',
  'warden.asset.container',
  'warden.dataset.id',
  'warden.canary.id',
])

const roots: ReadonlySet<string> = new Set(
  (
    'event user source destination client server user_agent cloud orchestrator container host service process file url http ' +
    'network tls error rule labels tags trace transaction related group gen_ai warden message'
  ).split(' '),
)

/** What the mapper fills itself. */
const own: ReadonlySet<string> = new Set([
  'event.id',
  'event.kind',
  'event.dataset',
  'event.created',
  'event.hash',
  'warden.principal',
  'warden.logsource',
  'warden.position',
  'warden.mapping',
])

export interface Target {
  readonly steps: readonly string[]
  readonly convert: Convert
  /** An id is bounded as one. */
  readonly entity: boolean
}

const fieldPattern = /^[a-z][a-z0-9_]{0,63}(?:\.[a-z][a-z0-9_]{0,63}){0,5}$/

/** The field of this name, or what is wrong with it. */
export function findTarget(name: string): Target | string {
  if (!fieldPattern.test(name)) return `"${name}" is no name of an event field.`
  const steps = name.split('.')
  if (!roots.has(steps[0]!)) return `Events have no field "${steps[0]!}".`
  const mine = [...own].find((field) => name === field || name.startsWith(`${field}.`))
  if (mine !== undefined) return `"${mine}" is filled by the mapper, not by a source.`
  return { steps, convert: conversions[types[name] ?? 'string']!, entity: entityIds.has(name) }
}

/** Whether a name is an event field at its root: no source may be called so. */
export function isEventRoot(name: string): boolean {
  return roots.has(name) || name === 'organization'
}

const listTypes: ReadonlySet<string> = new Set(['strings', 'numbers', 'list', 'json'])

/** Whether a field that sources fill holds one value, never a list. False for what is not known. */
export function isSingleValued(name: string): boolean {
  return typeof findTarget(name) !== 'string' && !listTypes.has(types[name] ?? 'string')
}
