/**
 * Documents as Elasticsearch stores them, and back.
 *
 * A document is stored as it is, with `modelwarden` added at its end: what searches need beside it (templates.ts). Values
 * that have no field of a fitting type go into `modelwarden.text` (spelled out) and, where they are numbers,
 * `modelwarden.number` (spelled so that text order is number order). A document that could not stand at the root (a text
 * where the mapping has an object, a field named `_id` or `a..b`) is kept as one text and found through the maps alone.
 *
 * Promises: every document that the embedded index stores is stored here, and comes back byte for byte the same JSON; hostile
 * names and values never reach the mapping.
 */
import type { Document } from '../../core/ports/search-index.ts'
import { dateOf, fieldName, fieldsJson, isAscii, isVector, searchText } from '../../core/search-document.ts'
import { indexLimits } from './config.ts'
import type { FieldType, Place } from './fields.ts'

/** What stands beside the document. */
const own = 'modelwarden'

export interface Encoded {
  readonly id: string
  readonly timeMs: number
  readonly document: Document
  /** `document` as JSON. */
  readonly json: string
}

/** The stored form as JSON, or why it can't be stored. */
export function sourceOf(
  { id, timeMs, document, json }: Encoded,
  places: ReadonlyMap<string, Place>,
): { readonly source: string } | { readonly reason: string } {
  let found = new Findings()
  found.object('', document, places, 0)
  const misshapen = found.misshapen
  if (misshapen) {
    found = new Findings()
    found.object('', document, undefined, 0)
  }
  if (found.reason !== undefined) return { reason: found.reason }
  const parts = [`"id":${JSON.stringify(id)}`, `"time":${Math.trunc(timeMs)}`]
  if (found.words.length > 0) parts.push(`"words":${JSON.stringify(found.words.join('\n'))}`)
  if (found.text.size > 0) parts.push(`"text":${fieldsJson(found.text)}`)
  if (found.number.size > 0) parts.push(`"number":${fieldsJson(found.number)}`)
  if (misshapen) return { source: `{"${own}":{${parts.join()},"whole":${JSON.stringify(json)}}}` }
  return { source: `${json.slice(0, -1)}${json === '{}' ? '' : ','}"${own}":{${parts.join()}}}` }
}

/** The document of a stored form. */
export function documentFrom(source: unknown): Document {
  const document = source as { modelwarden?: unknown }
  const beside = document.modelwarden as { readonly whole?: unknown } | undefined
  if (typeof beside?.whole === 'string') return JSON.parse(beside.whole) as Document
  delete document.modelwarden
  return document
}

/** What a walk through a document found for the maps and words beside it. */
class Findings {
  readonly text = new Map<string, string[]>()
  readonly number = new Map<string, string[]>()
  readonly words: string[] = []
  misshapen = false
  reason: string | undefined
  #chars = 0

  /** `places`: what the mapping knows here; undefined where it knows nothing. */
  object(name: string, value: object, places: ReadonlyMap<string, Place> | undefined, depth: number): void {
    if (depth > indexLimits.depthMax) this.reason = `It is nested more than ${indexLimits.depthMax} levels deep.`
    if (this.reason !== undefined || this.misshapen) return
    for (const key of Object.keys(value)) {
      if (places !== undefined && !isFieldName(key, depth)) {
        this.misshapen = true
        return
      }
      const inner = (value as Readonly<Record<string, unknown>>)[key]
      const place = places?.get(key)
      const full = name === '' ? fieldName(key) : `${name}.${fieldName(key)}`
      if (place === undefined) this.#value(full, inner, depth + 1)
      else this.#placed(full, inner, place, depth + 1)
    }
  }

  /** A value where the mapping has a field or an object. */
  #placed(name: string, value: unknown, place: Place, depth: number): void {
    if (value === null || value === undefined) return
    if (depth > indexLimits.depthMax) this.reason = `It is nested more than ${indexLimits.depthMax} levels deep.`
    if (this.reason !== undefined) return
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) this.#placed(name, item, place, depth + 1)
    } else if (typeof value === 'object') {
      if (place.within === undefined) this.misshapen = true
      else this.object(name, value, place.within, depth)
    } else if (place.within !== undefined) {
      this.misshapen = true
    } else {
      const fitting = fits(place.type, value)
      // The words of ASCII texts are copied by the server, where they stand in a field of text.
      if (typeof value === 'string' && !(fitting && isAscii(value))) this.#words(value)
      if (!fitting) this.#scalar(name, value)
    }
  }

  /** A value that the mapping does not know. */
  #value(name: string, value: unknown, depth: number): void {
    if (this.reason !== undefined) return
    if (depth > indexLimits.depthMax) {
      this.reason = `It is nested more than ${indexLimits.depthMax} levels deep.`
    } else if (Array.isArray(value)) {
      if (isVector(value)) return
      for (const item of value as unknown[]) this.#value(name, item, depth + 1)
    } else if (typeof value === 'object' && value !== null) {
      this.object(name, value, undefined, depth)
    } else {
      if (typeof value === 'string') this.#words(value)
      this.#scalar(name, value)
    }
  }

  #scalar(name: string, value: unknown): void {
    if (name === '' || name.length > fieldNameCharsMax) return
    if (typeof value === 'string') {
      if (value.length <= indexLimits.exactCharsMax) this.#put(this.text, name, dateOf(value) ?? value)
    } else if (typeof value === 'boolean') {
      this.#put(this.text, name, String(value))
    } else if (typeof value === 'number' && Number.isFinite(value)) {
      this.#put(this.text, name, String(value))
      this.#put(this.number, name, sortable(value))
    }
  }

  #put(fields: Map<string, string[]>, name: string, value: string): void {
    const known = fields.get(name)
    if (known !== undefined) {
      if (!known.includes(value)) known.push(value)
    } else if (fields.size < indexLimits.fieldsMax) fields.set(name, [value])
    else this.reason = `It has more than ${indexLimits.fieldsMax} fields.`
  }

  #words(value: string): void {
    const room = indexLimits.textCharsMax - this.#chars
    if (room <= 0) return
    this.words.push(searchText(value.length > room ? value.slice(0, room) : value))
    this.#chars += value.length
  }
}

/** A longer name can't be asked for. */
export const fieldNameCharsMax = 1_024

/** Whether Elasticsearch takes it for one step of a field's name, and not for one of its own. */
function isFieldName(key: string, depth: number): boolean {
  if (key.trim() === '' || key.includes('.')) return false
  return depth > 0 || (!key.startsWith('_') && key !== own)
}

/** Whether the index can compare this value as a field of this type; what doesn't fit goes into the maps as well. */
function fits(type: FieldType, value: unknown): boolean {
  switch (type) {
    case 'keyword':
    case 'ip':
      return typeof value !== 'number'
    case 'date':
      return typeof value === 'string' && dateOf(value) !== undefined
    case 'long':
      return Number.isSafeInteger(value)
    case 'double':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
  }
}

const bits = new DataView(new ArrayBuffer(8))

/** A number as 16 hex digits whose order as text is the order of the numbers (IEEE 754: flip the sign, or all bits). */
export function sortable(value: number): string {
  bits.setFloat64(0, value === 0 ? 0 : value)
  const negative = value < 0
  const high = bits.getUint32(0) ^ (negative ? 0xffffffff : 0x80000000)
  const low = bits.getUint32(4) ^ (negative ? 0xffffffff : 0)
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0')
}
