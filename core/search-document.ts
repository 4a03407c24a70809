/**
 * What every search index makes of a document: whether it can be stored at all, its dates, its words, the names of its
 * fields. One place, so that the same question finds the same documents whatever stands behind the port.
 *
 * Pure. Promises: never throws on hostile documents; what can't be stored comes back with a reason.
 */
import { describeError } from './errors.ts'
import { searchLimits } from './limits.ts'
import type { PutDocument } from './ports/search-index.ts'

export type FieldValue = string | number | boolean

/** The document as JSON, byte for byte what `get` gives back, or why it can't be stored. */
export function documentJson({
  id,
  version,
  timeMs,
  document,
}: PutDocument): { readonly json: string } | { readonly reason: string } {
  if (id === '' || Buffer.byteLength(id) > searchLimits.idBytesMax) {
    return { reason: `Its id must have 1 to ${searchLimits.idBytesMax} bytes.` }
  }
  if (!Number.isFinite(timeMs)) return { reason: 'It has no time.' }
  if (version !== undefined && !(Number.isSafeInteger(version) && version > 0)) {
    return { reason: `${version} is no version: 1, 2, 3, …` }
  }
  let json: string
  try {
    json = JSON.stringify(document)
    if (!json.startsWith('{')) return { reason: 'It is not an object.' }
  } catch (error) {
    return { reason: `It can't be written as JSON: ${describeError(error)}` }
  }
  if (json.length > searchLimits.documentBytesMax) {
    return { reason: `It is longer than ${searchLimits.documentBytesMax} characters.` }
  }
  return { json }
}

/** Longer arrays of nothing but numbers are not searchable: vectors are for detectors, nobody looks one up by a component. */
const vectorItemsMin = 16

export function isVector(items: readonly unknown[]): boolean {
  return items.length > vectorItemsMin && items.every((item) => typeof item === 'number')
}

const unquotable = /["\\\u0000-\u001f]/g

/** A name as it can stand, quoted, in a JSON path: quotes, backslashes and control characters become `_`. */
export function fieldName(name: string): string {
  return unquotable.test(name) ? name.replace(unquotable, '_') : name
}

const upperT = 0x54
const dot = 0x2e
const isoDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/

/** A date and time in the one spelling that sorts as text; undefined for any other text. */
export function dateOf(text: string): string | undefined {
  if (text.length < 17 || text.length > 35 || text.charCodeAt(10) !== upperT || !isoDate.test(text)) return undefined
  // Most are spelled that way already.
  if (text.length === 24 && text.endsWith('Z') && text.charCodeAt(19) === dot) return text
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

const asciiOnly = /^[\u0000-\u007f]*$/
const notWord = /[^\p{L}\p{N}\p{M}]+/gu
/** Scripts that put no spaces between words: each character is found by itself. */
const spaceless = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu

export function isAscii(text: string): boolean {
  return asciiOnly.test(text)
}

/**
 * Text ready for a tokenizer that takes ASCII letters and digits and everything past ASCII for parts of words: so what is
 * past ASCII is normalized, lower-cased and freed of everything that is no letter here.
 */
export function searchText(text: string): string {
  if (isAscii(text)) return text
  return text.normalize('NFKC').toLowerCase().replace(notWord, ' ').replace(spaceless, ' $& ')
}

/** The words of a query, at most `searchLimits.queryWordsMax`; only letters and digits, so that they can be quoted. */
export function wordsOf(query: string): readonly string[] {
  const words =
    searchText(query.slice(0, 4_096))
      .toLowerCase()
      .match(/[a-z0-9\u0080-\u{10ffff}]+/gu) ?? []
  return [...new Set(words)].slice(0, searchLimits.queryWordsMax)
}

/** A map of names to values as a JSON object. By hand, because an object would treat names like `__proto__` as its own. */
export function fieldsJson(fields: ReadonlyMap<string, readonly FieldValue[]>): string {
  const parts: string[] = []
  for (const [name, values] of fields) {
    parts.push(`${quoted(name)}:${JSON.stringify(values.length === 1 ? values[0] : values)}`)
  }
  return `{${parts.join(',')}}`
}

const quotedNames = new Map<string, string>()

/** The same names come with every document. */
function quoted(name: string): string {
  let text = quotedNames.get(name)
  if (text === undefined) {
    text = JSON.stringify(name)
    if (quotedNames.size < searchLimits.fieldsMax) quotedNames.set(name, text)
  }
  return text
}
