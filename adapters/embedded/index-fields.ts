/**
 * What a document looks like to searches: its dotted fields with their values, and its words.
 *
 * Pure. A field holds every value that stands under its name, in however many arrays (`entities.id` reaches into a list
 * of entities); null and empty lists are as if absent. Dates are spelled one way, so that they sort as text.
 *
 * Promises: never throws on hostile documents (names like `__proto__`, depth, numbers of fields): refuses them with a
 * reason.
 */
import { indexLimits } from './config.ts'

export type Value = string | number | boolean

export type Fields =
  | { readonly ok: true; readonly fields: ReadonlyMap<string, readonly Value[]>; readonly text: string }
  | { readonly ok: false; readonly reason: string }

/** The fields and words of a document. */
export function fieldsOf(document: object): Fields {
  const fields = new Map<string, Value[]>()
  const texts: string[] = []
  let chars = 0
  let reason: string | undefined

  const put = (name: string, value: Value): void => {
    const known = fields.get(name)
    if (known !== undefined) {
      if (!known.includes(value)) known.push(value)
    } else if (fields.size < indexLimits.fieldsMax) fields.set(name, [value])
    else reason = `It has more than ${indexLimits.fieldsMax} fields.`
  }
  const visit = (name: string, value: unknown, depth: number): void => {
    if (reason !== undefined) return
    if (depth > indexLimits.depthMax) {
      reason = `It is nested more than ${indexLimits.depthMax} levels deep.`
    } else if (typeof value === 'string') {
      if (value.length <= indexLimits.exactCharsMax) put(name, dateOf(value) ?? value)
      const room = indexLimits.textCharsMax - chars
      if (room > 0) {
        texts.push(value.length > room ? value.slice(0, room) : value)
        chars += value.length
      }
    } else if (typeof value === 'number' || typeof value === 'boolean') {
      put(name, value)
    } else if (Array.isArray(value)) {
      // Vectors of numbers are for detectors: nobody looks one up by a component.
      if (value.length > vectorItemsMin && value.every((item) => typeof item === 'number')) return
      for (const item of value as unknown[]) visit(name, item, depth + 1)
    } else if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) {
        const inner = (value as Readonly<Record<string, unknown>>)[key]
        visit(name === '' ? fieldName(key) : `${name}.${fieldName(key)}`, inner, depth + 1)
      }
    }
  }
  visit('', document, 0)
  return reason === undefined ? { ok: true, fields, text: searchText(texts.join('\n')) } : { ok: false, reason }
}

/** Longer arrays of nothing but numbers are not searchable. */
const vectorItemsMin = 16

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

const ascii = /^[\u0000-\u007f]*$/
const notWord = /[^\p{L}\p{N}\p{M}]+/gu
/** Scripts that put no spaces between words: each character is found by itself. */
const spaceless = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu

/**
 * Text ready for SQLite's `ascii` tokenizer, which takes ASCII letters and digits and everything past ASCII for parts of
 * words: so what is past ASCII is normalized, lower-cased and freed of everything that is no letter here.
 */
export function searchText(text: string): string {
  if (ascii.test(text)) return text
  return text.normalize('NFKC').toLowerCase().replace(notWord, ' ').replace(spaceless, ' $& ')
}

/** The words of a query, at most `indexLimits.queryWordsMax`; only letters and digits, so that they can be quoted. */
export function wordsOf(query: string): readonly string[] {
  const words =
    searchText(query.slice(0, 4_096))
      .toLowerCase()
      .match(/[a-z0-9\u0080-\u{10ffff}]+/gu) ?? []
  return [...new Set(words)].slice(0, indexLimits.queryWordsMax)
}
