/**
 * Documents as rows: fields by dotted name, and CSV.
 *
 * Pure. Promises: a field is what the document itself has under that name, never what objects inherit; a CSV cell is never a
 * formula to a spreadsheet (https://owasp.org/www-community/attacks/CSV_Injection), and control characters are visible.
 */
import { neutralText } from '../runtime/terminal-text.ts'

export type Row = Readonly<Record<string, unknown>>

/** What stands under a dotted name, in lists too; several values are separated by commas. '' where there is nothing. */
export function fieldText(document: Row, field: string): string {
  return textOf(valuesAt(document, field.split('.')))
}

function valuesAt(value: unknown, names: readonly string[]): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => valuesAt(each, names))
  const [name, ...rest] = names
  if (name === undefined) return value === undefined || value === null ? [] : [value]
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  return valuesAt((value as Row)[name], rest)
}

function textOf(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ')
}

/** One line of CSV (RFC 4180) without its end. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(csvCell).join(',')
}

function csvCell(text: string): string {
  const shown = neutralText(text)
  // A spreadsheet takes what begins so for a formula, behind blanks too; the apostrophe makes it text.
  const safe = /^\s*[=+\-@\t\r|%]/.test(shown) && !/^-?\d+(?:\.\d+)?$/.test(shown) ? `'${shown}` : shown
  return /[",\n\r;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
