/**
 * Lookup tables of source files: from a text of the record to a word of ours.
 *
 * Pure. A mapping is looked up by the whole text; a list of `{prefix | suffix | contains | equals: text or texts, value}` is
 * gone through in order. `suffix` and `contains` disregard case, because file names do.
 */
import type { YamlPath } from '../../core/yaml.ts'
import type { Complaints } from './complaints.ts'
import { isObject } from './path.ts'

export type TableValue = string | number | boolean | readonly string[]
export type Table = (text: string) => TableValue | undefined

const entriesMax = 2_000
/** Answers remembered at most; a table is asked about the same few texts again and again. */
const rememberedMax = 4_096
const rememberedCharsMax = 256

export function compileTable(node: unknown, path: YamlPath, complaints: Complaints): Table | undefined {
  if (isObject(node)) return compileExact(node, path, complaints)
  if (Array.isArray(node)) return compileOrdered(node, path, complaints)
  complaints.at(
    path,
    'A table is a mapping {text: value}, or a list of {prefix | suffix | contains | equals: …, value: …}.',
  )
  return undefined
}

function isValue(value: unknown): value is TableValue {
  const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return scalar || (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'))
}

function compileExact(node: Record<string, unknown>, path: YamlPath, complaints: Complaints): Table {
  const entries = new Map<string, TableValue>()
  for (const [key, value] of Object.entries(node)) {
    if (isValue(value)) entries.set(key, value)
    else complaints.at([...path, key], 'A table’s value is a text, a number, true, false or a list of texts.')
  }
  if (entries.size > entriesMax) complaints.at(path, `A table has at most ${entriesMax} entries.`)
  return (text) => entries.get(text)
}

type Fits = (text: string, folded: string) => boolean

const matchers: Readonly<Record<string, (part: string) => Fits>> = {
  equals: (part) => (text) => text === part,
  prefix: (part) => (text) => text.startsWith(part),
  suffix: (part) => (_text, folded) => folded.endsWith(part.toLowerCase()),
  contains: (part) => (_text, folded) => folded.includes(part.toLowerCase()),
}

function compileOrdered(list: readonly unknown[], path: YamlPath, complaints: Complaints): Table {
  const rows: { readonly fits: Fits; readonly value: TableValue }[] = []
  for (const [index, item] of list.entries()) {
    const at = [...path, index]
    const kind = isObject(item) ? Object.keys(item).find((key) => key !== 'value') : undefined
    if (!isObject(item) || kind === undefined || Object.keys(item).length !== 2 || !Object.hasOwn(matchers, kind)) {
      complaints.at(at, `A row has one of ${Object.keys(matchers).join(', ')} and a value.`)
      continue
    }
    const parts = (Array.isArray(item[kind]) ? item[kind] : [item[kind]]) as unknown[]
    const value = item['value']
    if (!isValue(value)) {
      complaints.at([...at, 'value'], 'A row’s value is a text, a number, true, false or a list of texts.')
      continue
    }
    for (const part of parts) {
      if (typeof part === 'string' && part !== '') rows.push({ fits: matchers[kind]!(part), value })
      else complaints.at([...at, kind], 'A text or a list of texts is meant.')
    }
  }
  if (rows.length > entriesMax) complaints.at(path, `A table has at most ${entriesMax} rows.`)
  return remembering((text) => {
    const folded = text.toLowerCase()
    return rows.find((row) => row.fits(text, folded))?.value
  })
}

function remembering(table: Table): Table {
  const remembered = new Map<string, TableValue | undefined>()
  return (text) => {
    if (remembered.has(text)) return remembered.get(text)
    const value = table(text)
    if (text.length <= rememberedCharsMax) {
      if (remembered.size >= rememberedMax) remembered.clear()
      remembered.set(text, value)
    }
    return value
  }
}
