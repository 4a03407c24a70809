/**
 * Conversions: a record's value to the type that an event field has, within the limits.
 *
 * Pure. A value that can't be converted gives `unreadable`, never a guess; `null` and empty text are no value.
 */
import ipaddr from 'ipaddr.js'
import { canonicalDigest, isCredentialId, sha256Hex } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import { boundedCopy } from './bounded-copy.ts'
import type { MappingContext } from './mapping-context.ts'
import { boundedText } from './text.ts'
import { parseTime, type TimeFormat } from './time.ts'

export const unreadable: unique symbol = Symbol('unreadable')
export type Converted = string | number | boolean | object | undefined | typeof unreadable
export type Convert = (value: unknown, context: MappingContext) => Converted

/** What a list of strings keeps of each. */
const listItemsMax = 256

/** Of either sign: sums and squares of as many as anybody adds up are numbers still. */
export const numberMax = 1e100

const integerPattern = /^-?[0-9]{1,15}$/
const numberPattern = /^-?(?:[0-9]{1,20})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?$/

const string: Convert = (value, context) => {
  if (typeof value === 'string') return value === '' ? undefined : boundedText(value, context)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return unreadable
}

const number: Convert = (value) => {
  if (value === '') return undefined
  const read = typeof value === 'string' && numberPattern.test(value) ? Number(value) : value
  return typeof read === 'number' && Math.abs(read) <= numberMax ? read : unreadable
}

const integer: Convert = (value) => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : unreadable
  if (value === '') return undefined
  return typeof value === 'string' && integerPattern.test(value) ? Number(value) : unreadable
}

const boolean: Convert = (value) => {
  if (typeof value === 'boolean') return value
  if (value === '') return undefined
  if (value === 'true' || value === 'True' || value === 1) return true
  if (value === 'false' || value === 'False' || value === 0) return false
  return unreadable
}

const ip: Convert = (value) => {
  if (typeof value !== 'string') return unreadable
  if (value === '') return undefined
  if (value.length > 45) return unreadable
  if (isIPv4(value)) return value
  if (!value.includes(':') || !ipaddr.IPv6.isValid(value)) return unreadable
  const address = ipaddr.IPv6.parse(value)
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}

/** Four decimal parts. Leading zeros are octal to some and decimal to others: no address. */
function isIPv4(text: string): boolean {
  let parts = 1
  let part = -1
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x2e) {
      if (part < 0 || ++parts > 4) return false
      part = -1
    } else {
      if (code < 0x30 || code > 0x39 || part === 0) return false
      part = (part < 0 ? 0 : part * 10) + (code - 0x30)
      if (part > 255) return false
    }
  }
  return parts === 4 && part >= 0
}

const strings: Convert = (value, context) => {
  if (typeof value === 'string') return value === '' ? undefined : [boundedText(value, context)]
  const items = Array.isArray(value) ? (value as unknown[]) : [value]
  const kept: string[] = []
  for (const item of items) {
    if (kept.length === listItemsMax) {
      context.truncated++
      break
    }
    const text = item === null || item === undefined ? undefined : string(item, context)
    if (typeof text === 'string') kept.push(text)
    else if (text === unreadable) return unreadable
  }
  return kept.length === 0 ? undefined : kept
}

/** A vector as it stands in the record, not copied; cut only where it is past the limit. */
const numbers: Convert = (value, context) => {
  if (!Array.isArray(value)) return unreadable
  const items = value as readonly unknown[]
  for (let at = 0; at < items.length; at++) {
    const item = items[at]
    // Infinity less itself is not a number.
    if (typeof item !== 'number' || item - item !== 0) return unreadable
  }
  if (value.length <= limits.fieldItemsMax) return value as unknown[]
  context.truncated++
  return (value as unknown[]).slice(0, limits.fieldItemsMax)
}

const label: Convert = (value, context) => (typeof value === 'number' ? number(value, context) : string(value, context))

const lowercase: Convert = (value, context) => {
  const text = string(value, context)
  return typeof text === 'string' ? text.toLowerCase() : text
}

const uppercase: Convert = (value, context) => {
  const text = string(value, context)
  return typeof text === 'string' ? text.toUpperCase() : text
}

const credential: Convert = (value, context) => {
  if (typeof value !== 'string') return unreadable
  return value === '' ? undefined : context.credential(value)
}

/**
 * For a field that is declared sensitive: by now a digest stands there. Not for any other field, where a digest would be
 * somebody's claim.
 */
export const sealedCredential: Convert = (value, context) =>
  typeof value === 'string' && (value === context.lastDigest || isCredentialId(value))
    ? value
    : credential(value, context)

/** SHA-256 of text, or of JSON in canonical form; what collect has already replaced stays. */
const digest: Convert = (value) => (value === '' ? undefined : contentDigest(value))

export const contentDigestPattern = /^sha256:[0-9a-f]{64}$/

export function contentDigest(value: unknown): string {
  if (typeof value !== 'string') return `sha256:${canonicalDigest(value)}`
  return contentDigestPattern.test(value) ? value : `sha256:${sha256Hex(value)}`
}

const json: Convert = (value, context) => boundedCopy(value, context) as Converted

/** A list of whatever; one of numbers alone is handed on as it stands. */
const list: Convert = (value, context) => {
  if (!Array.isArray(value)) return unreadable
  const vector = numbers(value, context)
  return vector === unreadable ? json(value, context) : vector
}

/** JSON in a string, e.g. a policy document. */
const parsed: Convert = (value, context) => {
  if (typeof value !== 'string') return unreadable
  if (value.length > limits.recordBytesMax) return unreadable
  try {
    return boundedCopy(JSON.parse(value), context) as Converted
  } catch {
    return unreadable
  }
}

const time =
  (format: TimeFormat): Convert =>
  (value) => {
    const ms = parseTime(value, format)
    return ms === undefined ? unreadable : new Date(ms).toISOString()
  }

/** What stands in an ARN, a path or a URL percent-encoded. */
const unescape: Convert = (value, context) => {
  if (typeof value !== 'string') return unreadable
  try {
    return string(decodeURIComponent(value), context)
  } catch {
    return string(value, context)
  }
}

export const conversions: Readonly<Record<string, Convert>> = {
  string,
  number,
  integer,
  boolean,
  ip,
  strings,
  numbers,
  label,
  lowercase,
  uppercase,
  unescape,
  credential,
  digest,
  json,
  list,
  parsed,
  iso: time('iso'),
  iso_utc: time('iso_utc'),
  epoch_s: time('epoch_s'),
  epoch_ms: time('epoch_ms'),
  epoch_us: time('epoch_us'),
  epoch_ns: time('epoch_ns'),
}
