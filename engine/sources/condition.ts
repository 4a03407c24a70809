/**
 * Conditions of source files: what recognizes a record, chooses a case, passes a record over.
 *
 * Pure; linear time. `{field: a.b, equals: x}` and its like; several tests of one field must all hold; `all`, `any`, `not`.
 */
import { RE2JS } from 're2js'
import type { YamlPath } from '../../core/yaml.ts'
import type { Complaints } from './complaints.ts'
import { compileGetter, isObject, parsePath, type Getter } from './path.ts'

export type Condition = (record: unknown) => boolean
type Test = (value: unknown) => boolean

const depthMax = 12
const itemsMax = 500
const textCharsMax = 8_192
const never: Condition = () => false

export function compileCondition(node: unknown, path: YamlPath, complaints: Complaints, depth = 0): Condition {
  if (depth > depthMax) {
    complaints.at(path, `The condition is nested more than ${depthMax} levels deep.`)
    return never
  }
  if (!isObject(node)) {
    complaints.at(path, 'A condition is a mapping: {field: path, equals: value}, {all: […]}, {any: […]} or {not: …}.')
    return never
  }
  if (Object.hasOwn(node, 'field')) return compileField(node, path, complaints)
  const [key, ...others] = Object.keys(node)
  if (key === undefined || others.length > 0 || !['all', 'any', 'not'].includes(key)) {
    complaints.at(path, 'A condition has `field` with its tests, or one of `all`, `any`, `not`.')
    return never
  }
  if (key === 'not') {
    const inner = compileCondition(node['not'], [...path, 'not'], complaints, depth + 1)
    return (record) => !inner(record)
  }
  const list = node[key]
  if (!Array.isArray(list) || list.length === 0 || list.length > itemsMax) {
    complaints.at([...path, key], `A list of 1 to ${itemsMax} conditions is meant.`)
    return never
  }
  const parts = list.map((item, index) => compileCondition(item, [...path, key, index], complaints, depth + 1))
  return key === 'all'
    ? (record) => parts.every((part) => part(record))
    : (record) => parts.some((part) => part(record))
}

function compileField(node: Record<string, unknown>, path: YamlPath, complaints: Complaints): Condition {
  const steps = typeof node['field'] === 'string' ? parsePath(node['field']) : undefined
  if (steps === undefined) complaints.at([...path, 'field'], `"${String(node['field'])}" is no path.`)
  const tests: Test[] = []
  for (const [key, operand] of Object.entries(node)) {
    if (key === 'field') continue
    const make = Object.hasOwn(testers, key) ? testers[key] : undefined
    if (make === undefined) {
      complaints.atKey([...path, key], `Unknown test "${key}".`, `There are ${Object.keys(testers).join(', ')}.`)
      continue
    }
    tests.push(make(operand, (message) => complaints.at([...path, key], message)))
  }
  if (tests.length === 0) complaints.at(path, 'The condition does not say what the field must be.')
  const get: Getter = steps === undefined ? () => undefined : compileGetter(steps)
  const [only, second] = tests
  if (only !== undefined && second === undefined) return (record) => only(get(record))
  return (record) => {
    const value = get(record)
    return tests.every((test) => test(value))
  }
}

type Complain = (message: string) => void

const testers: Readonly<Record<string, (operand: unknown, complain: Complain) => Test>> = {
  equals: (operand, complain) => {
    if (!isScalar(operand)) complain('A text, a number, true or false is meant.')
    return (value) => value === operand
  },
  in: (operand, complain) => {
    if (!Array.isArray(operand) || operand.length === 0 || operand.length > itemsMax || !operand.every(isScalar)) {
      complain(`A list of 1 to ${itemsMax} texts, numbers, true or false is meant.`)
      return () => false
    }
    const set = new Set<unknown>(operand)
    return (value) => set.has(value)
  },
  exists: (operand, complain) => {
    if (typeof operand !== 'boolean') complain('true or false is meant.')
    return (value) => (value !== undefined && value !== null && value !== '') === operand
  },
  prefix: (operand, complain) => textTest(operand, complain, (text, part) => text.startsWith(part)),
  suffix: (operand, complain) => textTest(operand, complain, (text, part) => text.endsWith(part)),
  contains: (operand, complain) => textTest(operand, complain, (text, part) => text.includes(part)),
  regex: (operand, complain) => {
    if (typeof operand !== 'string') {
      complain('A pattern is a text.')
      return () => false
    }
    try {
      const pattern = RE2JS.compile(operand)
      return (value) => typeof value === 'string' && pattern.matcher(value.slice(0, textCharsMax)).find()
    } catch (error) {
      complain(`The pattern can't be used: ${(error as Error).message}.`)
      return () => false
    }
  },
  above: (operand, complain) => numberTest(operand, complain, (value, line) => value > line),
  below: (operand, complain) => numberTest(operand, complain, (value, line) => value < line),
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** One text or a list of them, of which one must fit. */
function textTest(operand: unknown, complain: Complain, fits: (text: string, part: string) => boolean): Test {
  const parts = (Array.isArray(operand) ? operand : [operand]) as unknown[]
  if (
    parts.length === 0 ||
    parts.length > itemsMax ||
    !parts.every((part) => typeof part === 'string' && part !== '')
  ) {
    complain('A text or a list of texts is meant.')
    return () => false
  }
  return (value) => typeof value === 'string' && parts.some((part) => fits(value, part as string))
}

function numberTest(operand: unknown, complain: Complain, fits: (value: number, line: number) => boolean): Test {
  if (typeof operand !== 'number') {
    complain('A number is meant.')
    return () => false
  }
  return (value) => typeof value === 'number' && fits(value, operand)
}
