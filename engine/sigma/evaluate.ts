/**
 * Compiles conditions into functions over the event that a FieldReader holds.
 *
 * Pure. Strings meet in folded case unless a rule asks for `cased`; a field with several values matches when any of them does.
 * A missing field matches only `null`, `exists: false`, and what is negated.
 */
import { CidrTable, compileCidr } from './cidr.ts'
import { ContainsTable } from './contains-table.ts'
import { holds } from './aggregates.ts'
import type { FieldReader, Texts } from './fields.ts'
import { compileRegex } from './regex.ts'
import { neededFields } from './needed-fields.ts'
import { compilePattern, containing, foldPattern, simpleShape, type TextTest } from './pattern.ts'
import { requiredLiteral } from './regex-literal.ts'
import { numberOf } from './threshold-table.ts'
import { timePartOf } from './time-part.ts'
import type { Condition, DetectionItem, PatternPart, Test } from './types.ts'

/** Whether the event at hand satisfies something. */
export type Check = () => boolean

/** A rule's condition: an event that lacks a field without which it never holds is told first. */
export function compileRule(condition: Condition, reader: FieldReader): Check {
  const check = compileCondition(condition, reader)
  const needed = Array.from(neededFields(condition), (field) => reader.slot(field))
  return () => reader.mayHave(needed) && check()
}

export function compileCondition(condition: Condition, reader: FieldReader): Check {
  switch (condition.kind) {
    case 'and':
      return allOf(cheapestFirst(condition.of).map((each) => compileCondition(each, reader)))
    case 'or':
      return anyOf(cheapestFirst(condition.of).map((each) => compileCondition(each, reader)))
    case 'not': {
      const inner = compileCondition(condition.of, reader)
      return () => !inner()
    }
    case 'selection':
      return compileCondition(condition.of, reader)
    case 'item':
      return compileItem(condition, reader)
  }
}

/** Neither order nor how many are asked makes a difference to the answer. */
function cheapestFirst(conditions: readonly Condition[]): readonly Condition[] {
  return conditions
    .map((condition) => ({ condition, price: priceOf(condition) }))
    .sort((a, b) => a.price - b.price)
    .map(({ condition }) => condition)
}

/** What a condition takes to evaluate, in plain comparisons. */
function priceOf(condition: Condition): number {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.of.reduce((sum, each) => sum + priceOf(each), 0)
    case 'not':
    case 'selection':
      return priceOf(condition.of)
    case 'item': {
      const each = condition.field === undefined ? 50 : 1
      return condition.tests.reduce((sum, test) => sum + each * (test.kind === 'regex' ? 20 : 1), 1)
    }
  }
}

function allOf(checks: readonly Check[]): Check {
  const [first, second] = checks
  if (checks.length === 1) return first!
  if (checks.length === 2) return () => first!() && second!()
  return () => {
    for (const check of checks) if (!check()) return false
    return true
  }
}

function anyOf(checks: readonly Check[]): Check {
  const [first, second] = checks
  if (checks.length === 1) return first!
  if (checks.length === 2) return () => first!() || second!()
  return () => {
    for (const check of checks) if (check()) return true
    return false
  }
}

export function compileItem(item: DetectionItem, reader: FieldReader): Check {
  const { field } = item
  if (field === undefined) return link(item, (tests) => tests.map((test) => compileKeyword(test, reader)))
  const slot = reader.slot(field)
  if (item.link === 'all') return allOf(item.tests.map((test) => compileTest(test, slot, reader)))
  return compileAnyTest(item.tests, slot, reader)
}

function link(item: DetectionItem, compile: (tests: readonly Test[]) => readonly Check[]): Check {
  const checks = compile(item.tests)
  return item.link === 'all' ? allOf(checks) : anyOf(checks)
}

/** Blocks of addresses from which a table of them pays. */
const cidrTableMin = 4
const yes = (): boolean => true

/** Any of several tests on one field: texts that ignore case are looked at together, and so are many blocks of addresses. */
function compileAnyTest(tests: readonly Test[], slot: number, reader: FieldReader): Check {
  const flat = tests.flatMap(flatten)
  const folded = flat.flatMap((test) => (test.kind === 'pattern' && !test.cased ? [foldPattern(test.parts)] : []))
  const blocks = flat.flatMap((test) => (test.kind === 'cidr' ? [[test.block, true] as const] : []))
  const tabled = blocks.length >= cidrTableMin
  const rest = flat.filter((test) => !(test.kind === 'pattern' && !test.cased) && !(tabled && test.kind === 'cidr'))
  const checks = rest.map((test) => compileTest(test, slot, reader))
  if (folded.length > 0) {
    const test = compilePatterns(folded)
    checks.unshift(() => someText(reader.folded(slot), test))
  }
  if (tabled) {
    const table = new CidrTable(blocks, yes)
    checks.push(() => someText(reader.texts(slot), (text) => table.look(text, yes)))
  }
  return anyOf(checks)
}

function flatten(test: Test): readonly Test[] {
  return test.kind === 'oneOf' ? test.tests.flatMap(flatten) : [test]
}

/** Literals within a text from which a table of them pays. */
const containsTableMin = 9

/** Equalities go into one set, many literals into one table; the others are tried one after the other. */
function compilePatterns(patterns: readonly (readonly PatternPart[])[]): TextTest {
  const equal = new Set<string>()
  const within: string[] = []
  const others: TextTest[] = []
  for (const parts of patterns) {
    const shape = simpleShape(parts)
    if (shape?.kind === 'equals') equal.add(shape.text)
    else if (shape?.kind === 'contains') within.push(shape.text)
    else others.push(compilePattern(parts))
  }
  if (within.length >= containsTableMin) {
    const table = new ContainsTable(within.map((text) => ({ text, entries: [] })))
    others.push((text) => table.any(text))
  } else others.push(...within.map((text) => (whole: string) => whole.includes(text)))
  const [only] = others
  if (others.length === 0) {
    if (equal.size > 1) return (text) => equal.has(text)
    const [single] = equal
    return (text) => text === single
  }
  if (equal.size === 0 && others.length === 1) return only!
  return (text) => {
    if (equal.size > 0 && equal.has(text)) return true
    for (const other of others) if (other(text)) return true
    return false
  }
}

function someText(texts: Texts, test: TextTest): boolean {
  if (texts === undefined) return false
  if (typeof texts === 'string') return test(texts)
  for (const text of texts) if (test(text)) return true
  return false
}

export function compileTest(test: Test, slot: number, reader: FieldReader): Check {
  switch (test.kind) {
    case 'pattern': {
      const match = compilePattern(test.cased ? test.parts : foldPattern(test.parts))
      if (test.cased) return () => someText(reader.texts(slot), match)
      return () => someText(reader.folded(slot), match)
    }
    case 'regex': {
      const expression = compileRegex(test.source, test.flags)
      const match = (text: string): boolean => expression.test(text)
      const literal = requiredLiteral(test.source)
      if (literal === undefined) return () => someText(reader.texts(slot), match)
      // The expression runs only where the text has what it requires.
      const mayMatch = (text: string): boolean => text.includes(literal)
      return () => someText(reader.folded(slot), mayMatch) && someText(reader.texts(slot), match)
    }
    case 'cidr': {
      const match = compileCidr(test.block)
      return () => someText(reader.texts(slot), match)
    }
    case 'compare':
      return () => someText(reader.texts(slot), (text) => compareText(text, test))
    case 'null':
      return () => isNull(reader.value(slot))
    case 'exists':
      return () => (reader.value(slot) !== undefined) === test.present
    case 'fieldref':
      return compileReference(test, slot, reader)
    case 'oneOf':
      return anyOf(test.tests.map((each) => compileTest(each, slot, reader)))
  }
}

function isNull(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return Array.isArray(value) && value.every(isNull)
}

function compareText(text: string, test: Extract<Test, { kind: 'compare' }>): boolean {
  if (test.part !== undefined) {
    const part = timePartOf(text, test.part)
    return part !== undefined && holds(part, test.op, test.to)
  }
  const number = numberOf(text)
  return !Number.isNaN(number) && holds(number, test.op, test.to)
}

function compileReference(test: Extract<Test, { kind: 'fieldref' }>, slot: number, reader: FieldReader): Check {
  const other = reader.slot(test.field)
  const match: (text: string, reference: string) => boolean = {
    whole: (text: string, reference: string) => text === reference,
    start: (text: string, reference: string) => text.startsWith(reference),
    end: (text: string, reference: string) => text.endsWith(reference),
    within: (text: string, reference: string) => text.includes(reference),
  }[test.at]
  return () => {
    const left = test.cased ? reader.texts(slot) : reader.folded(slot)
    const right = test.cased ? reader.texts(other) : reader.folded(other)
    return someText(right, (reference) => someText(left, (text) => match(text, reference)))
  }
}

/** A keyword is found anywhere within any value of the event. */
function compileKeyword(test: Test, reader: FieldReader): Check {
  if (test.kind === 'oneOf') return anyOf(test.tests.map((each) => compileKeyword(each, reader)))
  if (test.kind === 'regex') {
    const expression = compileRegex(test.source, test.flags)
    return () => someText(reader.allText().values, (text) => expression.test(text))
  }
  if (test.kind !== 'pattern') return () => false
  const parts = containing(test.cased ? test.parts : foldPattern(test.parts))
  const match = compilePattern(parts)
  if (test.cased) return () => someText(reader.allText().values, match)
  const shape = simpleShape(parts)
  if (shape?.kind === 'contains' && !shape.text.includes('\u0000')) {
    const { text } = shape
    return () => reader.allText().joined.includes(text)
  }
  return () => someText(reader.allText().folded, match)
}
