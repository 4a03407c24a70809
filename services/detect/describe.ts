/**
 * Says in words what was found: who, what, where, and which number crossed which line. Plain text; what stands in events
 * is hostile, so it is shortened and freed of control characters here, and escaped where it is shown.
 */
import type { Event } from '../../core/event.ts'
import type { Exposure } from '../../core/signal.ts'
import { formatBytes, formatSpan } from '../../engine/behavior/units.ts'
import type { CorrelationFinding, RuleMeta, SigmaCorrelation } from '../../engine/sigma/types.ts'

type Facts = Record<string, string | number | boolean>

const charsMax = 200
const factsMax = 24

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g

export function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  const clean = text.replace(control, ' ')
  return clean.length > charsMax ? `${clean.slice(0, charsMax)}…` : clean
}

export function fieldOf(event: unknown, path: string): unknown {
  let value: unknown = event
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/** What an analyst asks first of any event, and what the rule's writer named in `fields`. */
const usual = [
  'event.action',
  'event.outcome',
  'event.dataset',
  'user.name',
  'user.target.name',
  'source.ip',
  'source.geo.country_iso_code',
  'user_agent.original',
  'warden.asset.id',
  'warden.asset.kind',
  'warden.bytes',
  'warden.model.id',
  'error.code',
] as const

export function factsOf(event: Event, meta: RuleMeta): Facts {
  const facts: Facts = {}
  for (const path of [...meta.fields, ...usual].slice(0, factsMax)) {
    const value = fieldOf(event, path)
    if (value === undefined || value === null || value === '') continue
    facts[path] = typeof value === 'number' || typeof value === 'boolean' ? value : plain(value)
  }
  return facts
}

export function explainEvent(event: Event, meta: RuleMeta): string {
  const { warden, source, user } = event
  const parts = [`${plain(warden.principal)} did ${plain(event.event.action ?? 'something')}`]
  if (event.event.outcome === 'failure') parts.push('(it failed)')
  if (warden.asset !== undefined) parts.push(`on ${plain(warden.asset.id)}`)
  else if (warden.model !== undefined) parts.push(`with model ${plain(warden.model.id)}`)
  if (user?.target?.name !== undefined) parts.push(`for ${plain(user.target.name)}`)
  if (warden.bytes !== undefined && warden.bytes > 0) parts.push(`moving ${formatBytes(warden.bytes)}`)
  if (source?.ip !== undefined) {
    const country = source.geo?.country_iso_code
    parts.push(`from ${plain(source.ip)}${country === undefined ? '' : ` (${plain(country)})`}`)
  }
  return `${meta.title}: ${parts.join(' ')}.`
}

/** Bytes of an artifact that the event moved. */
export function bytesExposed({ warden: { asset, bytes } }: Event): number | undefined {
  return asset !== undefined && bytes !== undefined && bytes > 0 ? bytes : undefined
}

/** Answers of a model that the event gave. */
export function queriesExposed({ warden }: Event): number | undefined {
  return warden.model === undefined ? undefined : 1
}

export function exposureOf(event: Event): Exposure | undefined {
  const { warden, gen_ai: ai } = event
  const exposure: { -readonly [K in keyof Exposure]: Exposure[K] } = {}
  const bytes = bytesExposed(event)
  if (bytes !== undefined) exposure.bytes = bytes
  const queries = queriesExposed(event)
  if (queries !== undefined) {
    exposure.queries = queries
    const tokens = ai?.usage?.output_tokens
    if (tokens !== undefined) exposure.tokens = tokens
    const probabilities = warden.output?.probabilities?.length
    if (probabilities !== undefined) exposure.probabilities = probabilities
  }
  return Object.keys(exposure).length === 0 ? undefined : exposure
}

const measured: Readonly<Record<SigmaCorrelation['type'], string>> = {
  event_count: 'events',
  value_count: 'different values',
  value_sum: 'as the sum',
  value_avg: 'as the average',
  value_percentile: 'as the percentile',
  value_median: 'as the median',
  temporal: 'of the rules that it joins',
  temporal_ordered: 'of the rules that it joins, in their order,',
  temporal_extended: 'of the rules that it joins',
  temporal_ordered_extended: 'of the rules that it joins, in their order,',
}
const symbols = {
  lt: 'less than',
  lte: 'at most',
  gt: 'more than',
  gte: 'at least',
  eq: 'exactly',
  neq: 'other than',
} as const

/** What people call the fields that rules group by and count; others go by their own name. */
const words: Readonly<Record<string, string>> = {
  'warden.principal': 'account',
  'warden.credential.id': 'credential',
  'warden.session.id': 'session',
  'warden.asset.id': 'artifact',
  'warden.asset.container': 'storage location',
  'warden.model.id': 'model',
  'organization.id': 'tenant',
  'source.ip': 'address',
  'source.geo.country_iso_code': 'country',
  'user.name': 'user',
  'user.id': 'user',
}

function inWords(field: string): string {
  return words[field] ?? field
}

export function explainCorrelation(
  rule: SigmaCorrelation,
  finding: CorrelationFinding,
  group: Readonly<Record<string, string>>,
): string {
  const of = Object.entries(group).map(([name, value]) => `${inWords(name)} ${plain(value)}`)
  const fields = [...new Set(rule.base.flatMap((base) => base.valueFields))].map(inWords).join(', ')
  const what = fields === '' ? measured[rule.type] : `${measured[rule.type]} of ${fields}`
  const line = rule.condition.map(({ op, value }) => `${symbols[op]} ${value}`).join(' and ')
  const bound = finding.incomplete ? 'at least ' : ''
  const asked = rule.written === undefined ? `; the line is ${line}` : `; asked is ${plain(rule.written)}`
  const withdrawn = finding.status === 'retracted' ? ' Late records have taken this back.' : ''
  return (
    `${rule.meta.title}: ${bound}${finding.peak} ${what} within ${withArticle(formatSpan(rule.timespanMs))}` +
    `${of.length === 0 ? '' : ` for ${of.join(', ')}`}${asked}. ` +
    `${finding.count} events from ${iso(finding.anchorMs)} to ${iso(finding.lastHeldMs)}.${withdrawn}`
  )
}

function withArticle(span: string): string {
  if (/^[0-9]/.test(span)) return span
  return `${span === 'hour' ? 'an' : 'a'} ${span}`
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
