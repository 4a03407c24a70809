/**
 * Reads the selections of a rule (`detection:` less `condition`) into condition trees.
 *
 * Pure. A map is AND, a list is OR, values without a field are keywords. Every mistake is collected with its place.
 */
import { isScalar } from 'yaml'
import type { ParsedYaml, YamlPath } from '../../core/yaml.ts'
import type { Mistakes } from './mistakes.ts'
import { readModifiers, testOf, type ModifierList } from './modifiers.ts'
import type { Condition, DetectionItem, Test } from './types.ts'
import type { Placeholders } from './values.ts'

/** How a rule's field names become event fields (pipelines); several: any of them. */
export type FieldMap = (field: string) => readonly string[]

export interface DetectionContext {
  readonly parsed: ParsedYaml
  readonly mistakes: Mistakes
  readonly fields: FieldMap
  readonly placeholders: Placeholders
}

type Scalar = string | number | boolean | null

export function readSelection(context: DetectionContext, value: unknown, path: YamlPath): Condition | undefined {
  if (isScalarValue(value)) return keywords(context, [value], path, [])
  if (Array.isArray(value)) return readList(context, value, path)
  return readMap(context, value as Readonly<Record<string, unknown>>, path)
}

function isScalarValue(value: unknown): value is Scalar {
  return value === null || typeof value !== 'object'
}

function readList(context: DetectionContext, list: readonly unknown[], path: YamlPath): Condition | undefined {
  if (list.length === 0) {
    empty(context, path)
    return undefined
  }
  if (list.every(isScalarValue)) return keywords(context, list, path, [])
  const of: Condition[] = []
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

function readMap(
  context: DetectionContext,
  map: Readonly<Record<string, unknown>>,
  path: YamlPath,
): Condition | undefined {
  const of: Condition[] = []
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

function readItem(context: DetectionContext, key: string, value: unknown, path: YamlPath): Condition | undefined {
  const [field = '', ...names] = key.split('|')
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
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
  if (field.trim() === '') return keywords(context, scalars, path, names)
  const read = readTests(context, scalars, path, names)
  if (read === undefined) return undefined
  const { tests, modifiers } = read
  const link = modifiers.all ? 'all' : 'any'
  const items = context
    .fields(field)
    .map((mapped): DetectionItem => ({ kind: 'item', field: mapped, link, tests: mapReferences(context, tests) }))
  const item: Condition = items.length === 1 ? items[0]! : { kind: 'or', of: items }
  return modifiers.negated ? { kind: 'not', of: item } : item
}

/** Fields that tests refer to are mapped like those they stand under. */
function mapReferences(context: DetectionContext, tests: readonly Test[]): readonly Test[] {
  return tests.map((test): Test => {
    if (test.kind === 'oneOf') return { ...test, tests: mapReferences(context, test.tests) }
    if (test.kind !== 'fieldref') return test
    const mapped = context.fields(test.field)
    if (mapped.length === 1) return { ...test, field: mapped[0]! }
    return { kind: 'oneOf', tests: mapped.map((field) => ({ ...test, field })) }
  })
}

interface ReadTests {
  readonly tests: readonly Test[]
  readonly modifiers: ModifierList
}

function readTests(
  context: DetectionContext,
  values: readonly Scalar[],
  path: YamlPath,
  names: readonly string[],
): ReadTests | undefined {
  const { parsed, mistakes } = context
  const modifiers = readModifiers(names)
  if ('problem' in modifiers) {
    mistakes.add(modifiers.problem, modifiers.message, parsed.keyPlace(path), modifiers.hint)
    return undefined
  }
  const tests: Test[] = []
  const listed = isList(parsed, path)
  for (const [index, value] of values.entries()) {
    const at = listed ? [...path, index] : path
    const test = testOf(
      value,
      typeof value === 'number' ? writtenNumber(parsed, at) : undefined,
      modifiers.names,
      context.placeholders,
    )
    if ('problem' in test) mistakes.add(test.problem, test.message, parsed.place(at), test.hint)
    else tests.push(test)
  }
  return tests.length < values.length ? undefined : { tests, modifiers }
}

function isList(parsed: ParsedYaml, path: YamlPath): boolean {
  let node: unknown = parsed.value
  for (const step of path) node = (node as Record<string | number, unknown>)[step]
  return Array.isArray(node)
}

/** A number as the file spells it: `007` and `0x10` mean themselves too. */
function writtenNumber(parsed: ParsedYaml, path: YamlPath): string | undefined {
  const node = parsed.document.getIn(path, true)
  return isScalar(node) ? node.source : undefined
}

function keywords(
  context: DetectionContext,
  values: readonly Scalar[],
  path: YamlPath,
  names: readonly string[],
): Condition | undefined {
  const read = readTests(context, values, path, names)
  if (read === undefined) return undefined
  const { tests, modifiers } = read
  const flat = tests.flatMap((test) => (test.kind === 'oneOf' ? test.tests : [test]))
  if (flat.some((test) => test.kind !== 'pattern' && test.kind !== 'regex')) {
    context.mistakes.add(
      'SIGMA_VALUE_TYPE',
      'Keywords are texts or regular expressions.',
      context.parsed.place(path),
      'A value of another kind needs a field.',
    )
    return undefined
  }
  const item: Condition = { kind: 'item', field: undefined, link: modifiers.all ? 'all' : 'any', tests }
  return modifiers.negated ? { kind: 'not', of: item } : item
}
