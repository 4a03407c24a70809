/**
 * Text from records, made fit to stand in an event: within its limit and well-formed.
 */
import { sha256Hex } from '../../core/ids.ts'
import { limits } from '../../core/limits.ts'
import type { MappingContext } from './mapping-context.ts'

/** Text cut to its limit, marked `…`; lone surrogates become U+FFFD, because no index takes them. */
export function boundedText(text: string, context: MappingContext, max: number = limits.fieldCharsMax): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  if (whole.length <= max) return whole
  context.truncated++
  return `${whole.slice(0, max - 1).toWellFormed()}…`
}

const awkwardInId = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
/** Hex digits of the digest that tells altered ids apart. */
const digestChars = 16

/**
 * An id of a person, a credential or an asset: one line, within its limit. An id that had to be altered ends in a digest
 * of the whole, so that two different ones never become one.
 */
export function entityId(text: string, max: number = limits.entityIdCharsMax): string {
  if (text.length <= max && !needsCare(text)) return text
  const safe = text.toWellFormed().replaceAll(awkwardInId, '\ufffd')
  return safe === text && text.length <= max
    ? text
    : `${safe.slice(0, max - digestChars - 1).toWellFormed()}~${sha256Hex(text).slice(0, digestChars)}`
}

/** Whether there is anything but printable ASCII in it: a loop over a short text beats a pattern. */
function needsCare(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code > 0x7e) return true
  }
  return false
}

/** A tenant's id: an entity id without `/`, which divides tenant and user in a principal. */
export function tenantId(text: string): string {
  const id = entityId(text)
  return id.includes('/') ? `${id.replaceAll('/', '_').slice(0, 200)}~${sha256Hex(text).slice(0, digestChars)}` : id
}
