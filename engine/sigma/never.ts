/**
 * Whether a condition can hold at all: finds rules that no event whatsoever matches.
 *
 * Pure. Each different item is a question that an event answers with yes or no; a condition can hold where some set of answers
 * satisfies it that no event is kept from by what the items say of one field: `exists: false` goes with no value, two values
 * that a field must have both in one text don't go together, what equals a value also matches the pattern that the value
 * matches; a field that holds one value has not two at once. Careful: a field that may hold a list is left the benefit of the
 * doubt, and conditions of more than `itemsMax` different items are not judged.
 */
import { canonicalJson } from '../../core/ids.ts'
import { holds } from './aggregates.ts'
import { compilePattern, foldPattern, plainText } from './pattern.ts'
import type { Condition, DetectionItem, Test } from './types.ts'

const itemsMax = 14

/** `isSingle`: whether a field never holds a list. False: it can hold, as far as can be told. */
export function neverHolds(condition: Condition, isSingle: (field: string) => boolean): boolean {
  const items = new Map<string, DetectionItem>()
  collect(condition, items)
  if (items.size > itemsMax) return false
  const keys = [...items.keys()]
  const list = [...items.values()]
  const single = (item: DetectionItem): boolean => item.field !== undefined && isSingle(item.field)
  const excluded = pairs(list, (a, b) => excludes(a, b) || (single(a) && areApart(a, b)))
  const none = list.map((item) => single(item) && asksForTwo(item))
  const implied = pairs(list, implies)
  for (let answers = 0; answers < 2 ** list.length; answers++) {
    const yes = (index: number): boolean => (answers & (1 << index)) !== 0
    const possible =
      none.every((impossible, index) => !impossible || !yes(index)) &&
      excluded.every(([a, b]) => !(yes(a) && yes(b))) &&
      implied.every(([a, b]) => !yes(a) || yes(b))
    if (possible && evaluate(condition, (key) => yes(keys.indexOf(key)))) return false
  }
  return true
}

function collect(condition: Condition, into: Map<string, DetectionItem>): void {
  if (condition.kind === 'item') into.set(keyOf(condition), condition)
  else if (condition.kind === 'and' || condition.kind === 'or') for (const each of condition.of) collect(each, into)
  else collect(condition.of, into)
}

const keys = new WeakMap<DetectionItem, string>()

function keyOf(item: DetectionItem): string {
  const known = keys.get(item)
  if (known !== undefined) return known
  const key = canonicalJson({ field: item.field ?? null, link: item.link, tests: item.tests })
  keys.set(item, key)
  return key
}

function evaluate(condition: Condition, yes: (key: string) => boolean): boolean {
  switch (condition.kind) {
    case 'item':
      return yes(keyOf(condition))
    case 'and':
      return condition.of.every((each) => evaluate(each, yes))
    case 'or':
      return condition.of.some((each) => evaluate(each, yes))
    case 'not':
      return !evaluate(condition.of, yes)
    case 'selection':
      return evaluate(condition.of, yes)
  }
}

type Relation = (a: DetectionItem, b: DetectionItem) => boolean

function pairs(items: readonly DetectionItem[], relation: Relation): readonly (readonly [number, number])[] {
  return items.flatMap((a, from) =>
    items.flatMap((b, to): [number, number][] =>
      from !== to && a.field !== undefined && a.field === b.field && relation(a, b) ? [[from, to]] : [],
    ),
  )
}

/** One value that a test asks for, and no other. */
function only(item: DetectionItem): Test | undefined {
  return item.tests.length === 1 ? item.tests[0] : undefined
}

function excludes(a: DetectionItem, b: DetectionItem): boolean {
  const [one, other] = [only(a), only(b)]
  if (one?.kind === 'exists' && !one.present) return b.tests.every(needsValue)
  if (one?.kind === 'null') return b.tests.every((test) => needsValue(test) && test.kind !== 'exists')
  if (one?.kind !== 'compare' || other?.kind !== 'compare' || one.part !== other.part) return false
  return !rangesMeet(one, other)
}

/** Whether no single text fits both: all of one's values are plain, and none of them fits the other. */
function areApart(a: DetectionItem, b: DetectionItem): boolean {
  if (a.link === 'all' && a.tests.length > 1) return false
  return a.tests.every((test) => isPlain(test) && b.tests.every((other) => isApart(test, other)))
}

/** Whether all of several different plain values are asked for at once. */
function asksForTwo(item: DetectionItem): boolean {
  if (item.link !== 'all') return false
  return new Set(item.tests.filter(isPlain).map((test) => canonicalJson(test))).size > 1
}

function isPlain(test: Test): boolean {
  return test.kind === 'pattern' && test.parts.every((part) => typeof part === 'string')
}

/** Case is passed over: what differs in it alone may be one text. */
function isApart(plain: Test, other: Test): boolean {
  if (other.kind === 'oneOf') return other.tests.every((each) => isApart(plain, each))
  if (plain.kind !== 'pattern' || other.kind !== 'pattern') return false
  return !compilePattern(foldPattern(other.parts))(plainText(foldPattern(plain.parts)) ?? '')
}

function needsValue(test: Test): boolean {
  if (test.kind === 'exists') return test.present
  if (test.kind === 'oneOf') return test.tests.every(needsValue)
  return test.kind !== 'null'
}

type Compare = Extract<Test, { kind: 'compare' }>

/** Whether a number satisfies both; only bounds and points between them need trying. */
function rangesMeet(a: Compare, b: Compare): boolean {
  const tried = [a.to, b.to, (a.to + b.to) / 2, Math.min(a.to, b.to) - 1, Math.max(a.to, b.to) + 1]
  return tried.some((value) => holds(value, a.op, a.to) && holds(value, b.op, b.to))
}

/** Whether whatever answers `a` with yes must answer `b` so. */
function implies(a: DetectionItem, b: DetectionItem): boolean {
  const wanted = only(b)
  if (wanted?.kind === 'exists' && wanted.present) return a.tests.every(needsValue)
  if (a.link === 'all' || a.tests.length === 0) return false
  const within = (test: Test): boolean => b.tests.some((other) => isWithin(test, other))
  return b.link === 'any' || b.tests.length === 1 ? a.tests.every(within) : false
}

/** Whether each text that fits `test` fits `other`. */
function isWithin(test: Test, other: Test): boolean {
  if (test.kind === 'oneOf') return test.tests.every((each) => isWithin(each, other))
  if (other.kind === 'oneOf') return other.tests.some((each) => isWithin(test, each))
  if (canonicalJson(test) === canonicalJson(other)) return true
  if (test.kind !== 'pattern' || other.kind !== 'pattern' || !isPlain(test)) return false
  // Without regard to case it stands for other spellings too, of which the other may want one.
  if (other.cased && !test.cased) return false
  const parts = other.cased ? other.parts : foldPattern(other.parts)
  const text = plainText(other.cased ? test.parts : foldPattern(test.parts)) ?? ''
  return compilePattern(parts)(text)
}
