/**
 * CloudEvents 1.0 over HTTP: structured, batched and binary. What is carried is the record; the event's own id and source
 * identify it, so that a delivery that is repeated gives the same event.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { parseJson } from '../../core/json.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { memberTexts } from './members.ts'
import { RecordSplitter, type Unit } from './splitter.ts'
import { unitsOf } from './whole-body.ts'

/** Records that one event carries, and what names their origin. */
export interface Carried {
  readonly origin: string
  readonly units: readonly Unit[]
}

const attributeCharsMax = 512

const batch = 'application/cloudevents-batch+json'

export function isBatchOfEvents(contentType: string): boolean {
  return typeOf(contentType) === batch
}

/** What each event of a batch carries, read when it is asked for. Throws HttpError 400 at a broken one. */
export function* eventsOf(body: Buffer): Generator<Carried> {
  for (const units of unitsOf(body, new RecordSplitter({ mode: 'values' })))
    for (const unit of units) yield structured(unit)
}

/** What a body that is one event carries; `undefined` where it is none. Throws HttpError 400 for a broken one. */
export function readCloudEvent(body: Buffer, contentType: string, headers: IncomingHttpHeaders): Carried | undefined {
  if (typeOf(contentType) === 'application/cloudevents+json') return structured(oneValue(body))
  if (headers['ce-specversion'] === undefined) return undefined
  const origin = originOf(header(headers, 'ce-specversion'), header(headers, 'ce-source'), header(headers, 'ce-id'))
  return { origin, units: [oneValue(body)] }
}

function typeOf(contentType: string): string {
  return contentType.split(';')[0]!.trim().toLowerCase()
}

function oneValue(body: Buffer): Unit {
  return { bytes: body, offset: 0, line: 1, whole: undefined }
}

function header(headers: IncomingHttpHeaders, name: string): unknown {
  const value = headers[name]
  return typeof value === 'string' ? decodeURIComponentSafely(value) : undefined
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function structured(unit: Unit): Carried {
  const parsed = parseJson(unit.bytes)
  if (!parsed.ok) throw invalid(`The CloudEvent is not JSON: ${parsed.message}`)
  const event = parsed.value
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw invalid('A CloudEvent is an object.')
  const members = memberTexts(unit.bytes.toString('utf8'))
  const text = (name: string): unknown => {
    const spelled = members.get(name)
    return spelled === undefined ? undefined : (JSON.parse(spelled) as unknown)
  }
  const origin = originOf(text('specversion'), text('source'), text('id'))
  const encoded = text('data_base64')
  const data = typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : Buffer.from(members.get('data') ?? '')
  return { origin, units: [{ ...unit, bytes: data }] }
}

function originOf(version: unknown, source: unknown, id: unknown): string {
  if (version !== '1.0') throw invalid(`The CloudEvent's specversion is not "1.0".`)
  if (!isAttribute(source) || !isAttribute(id)) throw invalid('The CloudEvent has no source or no id.')
  return `cloudevents:${source.length}:${source}/${id}`
}

function isAttribute(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= attributeCharsMax
}

function invalid(message: string): HttpError {
  return new HttpError(400, 'CLOUDEVENT_INVALID', message, { hint: 'See the CloudEvents 1.0 HTTP binding.' })
}
