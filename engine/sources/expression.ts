/**
 * The small expression set of source files, compiled to closures: paths, constants, tables, templates, patterns, sums.
 *
 * Pure. Promises: every mistake is told with its place; an expression ends in time linear in the record; `null`, absent and
 * empty text are one and the same: no value. docs/sources.md lists the forms.
 */
import type { YamlPath } from '../../core/yaml.ts'
import type { Complaints } from './complaints.ts'
import { compileCondition, type Condition } from './condition.ts'
import { conversions, unreadable, type Convert } from './convert.ts'
import type { MappingContext } from './mapping-context.ts'
import { compileGetter, isObject, parsePath } from './path.ts'
import { compilePattern } from './pattern.ts'
import { present, textOf } from './present.ts'
import { compileTable, type Table } from './table.ts'

export type Expression = (record: unknown, context: MappingContext) => unknown

/** What expressions of one file may refer to. */
export interface Scope {
  readonly complaints: Complaints
  readonly tables: ReadonlyMap<string, Table>
}

const expressionDepthMax = 12
const itemsMax = 200
/** What a pattern, a split or a template looks at of one text. */
const textCharsMax = 8_192

const nothing: Expression = () => undefined

export function compileExpression(node: unknown, path: YamlPath, scope: Scope, depth = 0): Expression {
  if (depth > expressionDepthMax) {
    scope.complaints.at(path, `The expression is nested more than ${expressionDepthMax} levels deep.`)
    return nothing
  }
  if (typeof node === 'string') return compilePathExpression(node, path, scope)
  if (!isObject(node)) {
    scope.complaints.at(path, 'An expression is a path into the record, or a mapping such as {value: …} or {from: …}.')
    return nothing
  }
  const form = Object.keys(forms).find((name) => Object.hasOwn(node, name))
  if (form === undefined) {
    scope.complaints.at(path, `An expression has one of ${Object.keys(forms).join(', ')}.`)
    return nothing
  }
  const { keys, compile } = forms[form]!
  for (const key of Object.keys(node)) {
    if (key !== form && key !== 'convert' && !keys.includes(key)) {
      scope.complaints.atKey([...path, key], `Unknown key "${key}" in an expression with "${form}".`)
    }
  }
  return withConversions(compile(node, path, scope, depth + 1), node, path, scope)
}

function compilePathExpression(text: string, path: YamlPath, scope: Scope): Expression {
  const steps = parsePath(text)
  if (steps === undefined) {
    scope.complaints.at(path, `"${text}" is no path.`, 'Write a.b[0].c; a dot within a key is written \\. there.')
    return nothing
  }
  return compileGetter(steps)
}

function withConversions(
  expression: Expression,
  node: Record<string, unknown>,
  path: YamlPath,
  scope: Scope,
): Expression {
  const convert = node['convert']
  if (convert === undefined) return expression
  const names = Array.isArray(convert) ? (convert as unknown[]) : [convert]
  const chain: Convert[] = []
  for (const [index, name] of names.entries()) {
    const found = typeof name === 'string' && Object.hasOwn(conversions, name) ? conversions[name] : undefined
    if (found !== undefined) chain.push(found)
    else {
      const at = Array.isArray(convert) ? [...path, 'convert', index] : [...path, 'convert']
      scope.complaints.at(
        at,
        `Unknown conversion "${String(name)}".`,
        `There are ${Object.keys(conversions).join(', ')}.`,
      )
    }
  }
  return (record, context) => {
    let value = present(expression(record, context))
    for (const step of chain) {
      if (value === undefined || value === unreadable) return value
      value = step(value, context)
    }
    return value
  }
}

interface Form {
  readonly keys: readonly string[]
  readonly compile: (node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number) => Expression
}

const forms: Readonly<Record<string, Form>> = {
  value: { keys: [], compile: compileConstant },
  from: {
    keys: [],
    compile: (node, path, scope, depth) => compileFirst(node['from'], [...path, 'from'], scope, depth),
  },
  template: { keys: [], compile: compileTemplate },
  join: { keys: [], compile: compileJoin },
  table: { keys: ['of', 'else'], compile: compileTableExpression },
  regex: { keys: ['of', 'group', 'else'], compile: compileRegex },
  split: { keys: ['of', 'at'], compile: compileSplit },
  sum: { keys: [], compile: compileSum },
  count: { keys: [], compile: compileCount },
  cases: { keys: ['else'], compile: compileCases },
}

function compileConstant(node: Record<string, unknown>, path: YamlPath, scope: Scope): Expression {
  const value = node['value']
  const plain = (item: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof item)
  if (!plain(value) && !(Array.isArray(value) && value.every(plain))) {
    scope.complaints.at([...path, 'value'], 'A constant is a text, a number, true, false or a list of these.')
  }
  return () => value
}

/** The first of several that has a value. */
function compileFirst(node: unknown, path: YamlPath, scope: Scope, depth: number): Expression {
  if (!Array.isArray(node)) return compileExpression(node, path, scope, depth)
  const choices = compileList(node, path, scope, depth)
  return (record, context) => {
    for (const choice of choices) {
      const value = present(choice(record, context))
      if (value !== undefined && value !== unreadable) return value
    }
    return undefined
  }
}

function compileList(node: unknown, path: YamlPath, scope: Scope, depth: number): readonly Expression[] {
  if (!Array.isArray(node) || node.length === 0 || node.length > itemsMax) {
    scope.complaints.at(path, `A list of 1 to ${itemsMax} expressions is meant.`)
    return []
  }
  return node.map((item, index) => compileExpression(item, [...path, index], scope, depth))
}

/** `${path}` in text; no value at all where one of them has none. */
function compileTemplate(node: Record<string, unknown>, path: YamlPath, scope: Scope): Expression {
  const template = node['template']
  if (typeof template !== 'string') {
    scope.complaints.at([...path, 'template'], 'A template is a text with ${path} in it.')
    return nothing
  }
  const literals: string[] = []
  const getters: Expression[] = []
  let from = 0
  for (const found of template.matchAll(/\$\{([^}]*)\}/g)) {
    literals.push(template.slice(from, found.index))
    getters.push(compilePathExpression(found[1]!, [...path, 'template'], scope))
    from = found.index + found[0].length
  }
  const last = template.slice(from)
  if (getters.length === 0) scope.complaints.at([...path, 'template'], 'The template has no ${path} in it.')
  return (record, context) => {
    let text = ''
    for (let index = 0; index < getters.length; index++) {
      const part = textOf(getters[index]!(record, context))
      if (part === undefined) return undefined
      text += literals[index]! + part
    }
    return text + last
  }
}

/** Texts one after the other; no value at all where one of them has none. */
function compileJoin(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  const parts = compileList(node['join'], [...path, 'join'], scope, depth)
  return (record, context) => {
    let text = ''
    for (const expression of parts) {
      const part = textOf(expression(record, context))
      if (part === undefined) return undefined
      text += part
    }
    return text
  }
}

function compileOf(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  if (node['of'] !== undefined) return compileFirst(node['of'], [...path, 'of'], scope, depth)
  scope.complaints.at(path, 'What it is applied to is missing: `of`.')
  return nothing
}

function compileElse(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  return node['else'] === undefined ? nothing : compileFirst(node['else'], [...path, 'else'], scope, depth)
}

function compileTableExpression(
  node: Record<string, unknown>,
  path: YamlPath,
  scope: Scope,
  depth: number,
): Expression {
  const of = compileOf(node, path, scope, depth)
  const otherwise = compileElse(node, path, scope, depth)
  const named = node['table']
  const table =
    typeof named === 'string' ? scope.tables.get(named) : compileTable(named, [...path, 'table'], scope.complaints)
  if (table === undefined) {
    scope.complaints.at([...path, 'table'], `There is no table "${String(named)}".`)
    return nothing
  }
  return (record, context) => {
    const text = textOf(of(record, context))
    return (text === undefined ? undefined : table(text)) ?? otherwise(record, context)
  }
}

function compileRegex(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  const of = compileOf(node, path, scope, depth)
  const otherwise = compileElse(node, path, scope, depth)
  const pattern = compilePattern(node['regex'], [...path, 'regex'], scope.complaints)
  const groups = pattern?.groupCount() ?? 0
  const group = node['group'] ?? (groups > 0 ? 1 : 0)
  if (typeof group !== 'number' || !Number.isInteger(group) || group < 0 || (pattern !== undefined && group > groups)) {
    scope.complaints.at([...path, 'group'], `The pattern has groups 0 to ${groups}.`)
    return nothing
  }
  if (pattern === undefined) return nothing
  return (record, context) => {
    const text = textOf(of(record, context))
    const matcher = text === undefined ? undefined : pattern.matcher(text.slice(0, textCharsMax))
    return (matcher?.find() === true ? present(matcher.group(group)) : undefined) ?? otherwise(record, context)
  }
}

/** One part of a text: `{split: '/', of: path, at: -1}`. */
function compileSplit(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  const of = compileOf(node, path, scope, depth)
  const by = node['split']
  const at = node['at'] ?? 0
  if (typeof by !== 'string' || by === '') scope.complaints.at([...path, 'split'], 'What divides the text is missing.')
  if (typeof at !== 'number' || !Number.isInteger(at)) scope.complaints.at([...path, 'at'], 'A whole number is meant.')
  return (record, context) =>
    textOf(of(record, context))
      ?.slice(0, textCharsMax)
      .split(by as string)
      .at(at as number)
}

/** The sum of those that are numbers; none where none is. */
function compileSum(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  const parts = compileList(node['sum'], [...path, 'sum'], scope, depth)
  const number = conversions['number']!
  return (record, context) => {
    let sum: number | undefined
    for (const part of parts) {
      const value = present(part(record, context))
      const addend = value === undefined || value === unreadable ? undefined : number(value, context)
      if (typeof addend === 'number') sum = (sum ?? 0) + addend
    }
    return sum
  }
}

/** How many elements a list has, or keys an object. */
function compileCount(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  const of = compileFirst(node['count'], [...path, 'count'], scope, depth)
  return (record, context) => {
    const value = of(record, context)
    if (Array.isArray(value)) return value.length
    return isObject(value) ? Object.keys(value).length : undefined
  }
}

function compileCases(node: Record<string, unknown>, path: YamlPath, scope: Scope, depth: number): Expression {
  const list = node['cases']
  const otherwise = compileElse(node, path, scope, depth)
  if (!Array.isArray(list) || list.length === 0 || list.length > itemsMax) {
    scope.complaints.at([...path, 'cases'], `A list of 1 to ${itemsMax} cases {when: …, then: …} is meant.`)
    return nothing
  }
  const cases: { readonly when: Condition; readonly then: Expression }[] = []
  for (const [index, item] of (list as unknown[]).entries()) {
    const at = [...path, 'cases', index]
    if (!isObject(item) || Object.keys(item).sort().join() !== 'then,when') {
      scope.complaints.at(at, 'A case has `when` and `then`, and nothing else.')
      continue
    }
    cases.push({
      when: compileCondition(item['when'], [...at, 'when'], scope.complaints),
      then: compileFirst(item['then'], [...at, 'then'], scope, depth),
    })
  }
  return (record, context) => {
    for (const { when, then } of cases) if (when(record)) return then(record, context)
    return otherwise(record, context)
  }
}
