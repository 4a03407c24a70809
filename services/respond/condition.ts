/**
 * Conditions of steps (`when`): comparisons of known paths, combined by all, any and not. No expressions, no code.
 *
 * Pure. Written as `{ incident.severity: { gte: high }, steps.suspend.state: verified }`: several entries must all hold.
 */
import type { YamlPath } from '../../core/yaml.ts'
import { comparable, lookUp, type Scope } from './paths.ts'

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly path: string; readonly op: Operator; readonly value: Operand }

const operators = ['is', 'in', 'gte', 'lte', 'contains'] as const
type Operator = (typeof operators)[number]
type Operand = string | number | boolean | readonly (string | number | boolean)[]

export interface ConditionMistake {
  readonly message: string
  readonly at: YamlPath
}

const depthMax = 8

/** Compiles what stands under `when`. `checkPath` says why a path may not be used. */
export function compileCondition(
  source: unknown,
  checkPath: (path: string) => string | undefined,
  at: YamlPath,
  mistakes: ConditionMistake[],
  depth = 0,
): Condition {
  const never: Condition = { any: [] }
  const fail = (message: string, where: YamlPath = at): Condition => {
    mistakes.push({ message, at: where })
    return never
  }
  if (depth > depthMax) return fail(`conditions nest at most ${depthMax} deep`)
  if (typeof source !== 'object' || source === null || Array.isArray(source))
    return fail('a condition is a mapping of paths to what they must be')
  const entries = Object.entries(source)
  if (entries.length === 0) return fail('the condition is empty')
  const inner = (value: unknown, where: YamlPath): Condition =>
    compileCondition(value, checkPath, where, mistakes, depth + 1)
  const parts = entries.map(([key, value]): Condition => {
    const here = [...at, key]
    if (key === 'all' || key === 'any') {
      if (!Array.isArray(value) || value.length === 0) return fail(`${key} takes a list of conditions`, here)
      const items = value.map((item, index) => inner(item, [...here, index]))
      return key === 'all' ? { all: items } : { any: items }
    }
    if (key === 'not') return { not: inner(value, here) }
    const wrong = checkPath(key)
    if (wrong !== undefined) return fail(wrong, here)
    return compileComparison(key, value, (message) => fail(message, here))
  })
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : { all: parts }
}

function compileComparison(path: string, value: unknown, fail: (message: string) => Condition): Condition {
  if (isScalar(value)) return { path, op: 'is', value }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('compare with a value, or with {is|in|gte|lte|contains: …}')
  const comparisons = Object.entries(value).map(([name, operand]): Condition => {
    const op = operators.find((each) => each === name)
    if (op === undefined) return fail(`unknown comparison "${name.slice(0, 40)}"; known are ${operators.join(', ')}`)
    if (op === 'in') {
      if (!Array.isArray(operand) || !operand.every(isScalar)) return fail('"in" takes a list of values')
      return { path, op, value: operand }
    }
    return isScalar(operand) ? { path, op, value: operand } : fail(`"${op}" takes one value`)
  })
  return comparisons.length === 0 ? fail('the comparison is empty') : { all: comparisons }
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

export function holds(condition: Condition, scope: Scope): boolean {
  if ('all' in condition) return condition.all.every((each) => holds(each, scope))
  if ('any' in condition) return condition.any.some((each) => holds(each, scope))
  if ('not' in condition) return !holds(condition.not, scope)
  return compare(lookUp(scope, condition.path), condition.op, condition.value)
}

function compare(actual: unknown, op: Operator, expected: Operand): boolean {
  switch (op) {
    case 'is':
      return actual === expected
    case 'in':
      return Array.isArray(expected) && expected.includes(actual)
    case 'contains':
      return Array.isArray(actual)
        ? actual.includes(expected)
        : typeof actual === 'string' && actual.includes(String(expected))
    case 'gte':
    case 'lte': {
      const [a, b] = [comparable(actual), comparable(expected)]
      if (typeof a !== 'number' || typeof b !== 'number') return false
      return op === 'gte' ? a >= b : a <= b
    }
  }
}
