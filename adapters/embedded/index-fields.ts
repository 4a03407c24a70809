/**
 * What a document looks like to searches: its dotted fields with their values, and its words.
 *
 * Pure. A field holds every value that stands under its name, in however many arrays (`entities.id` reaches into a list
 * of entities); null and empty lists are as if absent. Dates are spelled one way, so that they sort as text.
 *
 * Promises: never throws on hostile documents (names like `__proto__`, depth, numbers of fields): refuses them with a
 * reason.
 */
import { dateOf, fieldName, isVector, searchText, type FieldValue } from '../../core/search-document.ts'
import { indexLimits } from './config.ts'

export type Fields =
  | { readonly ok: true; readonly fields: ReadonlyMap<string, readonly FieldValue[]>; readonly text: string }
  | { readonly ok: false; readonly reason: string }

/** The fields and words of a document. */
export function fieldsOf(document: object): Fields {
  const fields = new Map<string, FieldValue[]>()
  const texts: string[] = []
  let chars = 0
  let reason: string | undefined

  const put = (name: string, value: FieldValue): void => {
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
      if (isVector(value)) return
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
