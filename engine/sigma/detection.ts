/**
 * Reads the selections of a rule (`detection:` less `condition`) into drafts of conditions.
 *
 * Pure. A map is AND, a list is OR, values without a field are keywords. Every mistake is collected with its place.
 */
import type { ParsedYaml, YamlPath } from '../../core/yaml.ts'
import type { Mistakes } from './mistakes.ts'
import type { Draft, DraftItem } from './detection-draft.ts'
import { readModifiers, readValue, type ModifierList, type ReadValue } from './modifiers.ts'
import type { Placeholders } from './values.ts'

/** How a rule's field names become event fields (pipelines); several: any of them. */
export type FieldMap = (field: string) => readonly string[]

export interface DetectionContext {
  readonly parsed: ParsedYaml
  readonly mistakes: Mistakes
  readonly placeholders: Placeholders
}

type Scalar = string | number | boolean | null

export function readSelection(context: DetectionContext, value: unknown, path: YamlPath): Draft | undefined {
  if (isScalarValue(value)) return readValues(context, undefined, { values: [value], listed: false }, path, [])
  if (Array.isArray(value)) return readList(context, value, path)
  return readMap(context, value as Readonly<Record<string, unknown>>, path)
}

function isScalarValue(value: unknown): value is Scalar {
  return value === null || typeof value !== 'object'
}

function readList(context: DetectionContext, list: readonly unknown[], path: YamlPath): Draft | undefined {
  if (list.length === 0) {
    empty(context, path)
    return undefined
  }
  if (list.every(isScalarValue)) return readValues(context, undefined, { values: list, listed: true }, path, [])
  const of: Draft[] = []
  for (const [index, entry] of list.entries()) {
    const at = [...path, index]
    if (Array.isArray(entry)) {
      context.mistakes.add('SIGMA_DETECTION_INVALID', 'A list stands directly in a list.', context.parsed.place(at))
      continue
    }
    const read = readSelection(context, entry, at)
    if (read !== undefined) of.push(read)
  }
  return of.length === 1 ? of[0] : { kind: 'or', of }
}

function empty(context: DetectionContext, path: YamlPath): void {
  context.mistakes.add('SIGMA_SELECTION_EMPTY', 'There is nothing to look for here.', context.parsed.place(path))
}

function readMap(context: DetectionContext, map: Readonly<Record<string, unknown>>, path: YamlPath): Draft | undefined {
  const of: Draft[] = []
  for (const [key, value] of Object.entries(map)) {
    const item = readItem(context, key, value, [...path, key])
    if (item !== undefined) of.push(item)
  }
  if (Object.keys(map).length === 0) {
    empty(context, path)
    return undefined
  }
  return of.length === 1 ? of[0] : { kind: 'and', of }
}

function readItem(context: DetectionContext, key: string, value: unknown, path: YamlPath): Draft | undefined {
  const [field = '', ...names] = key.split('|')
  const listed = Array.isArray(value)
  const values: readonly unknown[] = listed ? value : [value]
  if (values.length === 0) {
    empty(context, path)
    return undefined
  }
  const scalars: Scalar[] = []
  for (const [index, entry] of values.entries()) {
    if (isScalarValue(entry)) scalars.push(entry)
    else {
      const at = Array.isArray(value) ? [...path, index] : path
      context.mistakes.add(
        'SIGMA_VALUE_TYPE',
        'A value must be a text, a number, true, false or null.',
        context.parsed.place(at),
      )
    }
  }
  if (scalars.length < values.length) return undefined
  return readValues(context, field.trim() === '' ? undefined : field, { values: scalars, listed }, path, names)
}

interface Written {
  readonly values: readonly Scalar[]
  /** They stand in a list; else there is one, by itself. */
  readonly listed: boolean
}

function readValues(
  context: DetectionContext,
  field: string | undefined,
  written: Written,
  path: YamlPath,
  names: readonly string[],
): Draft | undefined {
  const read = applyModifiers(context, written, path, names)
  if (read === undefined) return undefined
  const { values, modifiers } = read
  const item: DraftItem = {
    kind: 'item',
    field,
    link: modifiers.all ? 'all' : 'any',
    values,
    applied: [],
    mapped: false,
    place: () => context.parsed.place(path),
  }
  return modifiers.negated ? { kind: 'not', of: item } : item
}

function applyModifiers(
  context: DetectionContext,
  { values, listed }: Written,
  path: YamlPath,
  names: readonly string[],
): { readonly values: readonly ReadValue[]; readonly modifiers: ModifierList } | undefined {
  const { parsed, mistakes } = context
  const modifiers = readModifiers(names)
  if ('problem' in modifiers) {
    mistakes.add(modifiers.problem, modifiers.message, parsed.keyPlace(path), modifiers.hint)
    return undefined
  }
  const read: ReadValue[] = []
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!
    const at = (): YamlPath => (listed ? [...path, index] : path)
    const written = typeof value === 'number' ? parsed.writtenNumber(at()) : undefined
    const one = readValue(value, written, modifiers.names, context.placeholders)
    if ('problem' in one) mistakes.add(one.problem, one.message, parsed.place(at()), one.hint)
    else read.push(one)
  }
  return read.length < values.length ? undefined : { values: read, modifiers }
}
