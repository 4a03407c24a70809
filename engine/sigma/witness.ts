/**
 * Finds what an event must have for a rule to match: its witness, a short list of literals of which at least one is there.
 *
 * Pure. Stands between compiled rules and the index (rule-index.ts): rules none of whose witnesses an event has are not
 * evaluated. Promise: no rule matches an event that has none of its witnesses.
 */
import { fold, foldPattern, isAny } from './pattern.ts'
import { requiredLiteral } from './regex-literal.ts'
import type { Condition, DetectionItem, PatternPart, Test } from './types.ts'

export interface Witness {
  /** Undefined: all text of the event (and the kind is `contains`). */
  readonly field: string | undefined
  /** How the folded text must stand in the field; `present`: any text will do. */
  readonly kind: 'equals' | 'prefix' | 'suffix' | 'contains' | 'present'
  readonly text: string
}

/** One of these must be there. */
export type Witnesses = readonly Witness[]

/** How dear a witness is: the share of events that have it, guessed. */
export type Cost = (witness: Witness) => number

/** Alternatives beyond which a rule is no longer filed by them. */
const witnessesMax = 4_096

/** The cheapest witnesses of a condition; undefined: an event without anything in particular may match. */
export function witnessesOf(condition: Condition, cost: Cost): Witnesses | undefined {
  switch (condition.kind) {
    case 'selection':
      return witnessesOf(condition.of, cost)
    case 'not':
      return undefined
    case 'and':
      return cheapest(
        condition.of.map((each) => witnessesOf(each, cost)),
        cost,
      )
    case 'or':
      return union(condition.of.map((each) => witnessesOf(each, cost)))
    case 'item':
      return ofItem(condition, cost)
  }
}

function cheapest(candidates: readonly (Witnesses | undefined)[], cost: Cost): Witnesses | undefined {
  let best: Witnesses | undefined
  let least = Infinity
  for (const candidate of candidates) {
    if (candidate === undefined) continue
    const total = candidate.reduce((sum, witness) => sum + cost(witness), 0)
    if (total >= least) continue
    best = candidate
    least = total
  }
  return best
}

function union(parts: readonly (Witnesses | undefined)[]): Witnesses | undefined {
  const all = new Map<string, Witness>()
  for (const part of parts) {
    if (part === undefined) return undefined
    for (const witness of part) all.set(witnessKey(witness), witness)
    if (all.size > witnessesMax) return undefined
  }
  return [...all.values()]
}

export function witnessKey(witness: Witness): string {
  return `${witness.kind}\u0000${witness.field ?? '\u0000'}\u0000${witness.text}`
}

function ofItem(item: DetectionItem, cost: Cost): Witnesses | undefined {
  const { field } = item
  const each = item.tests.map((test) => (field === undefined ? ofKeyword(test, cost) : ofTest(field, test, cost)))
  if (item.link === 'all') return cheapest(each, cost)
  return union(each) ?? (field === undefined ? undefined : presence(field, item.tests))
}

/** A keyword's longest literal, sought in the texts of all values in one: a literal with a NUL might lie across two. */
function ofKeyword(test: Test, cost: Cost): Witnesses | undefined {
  switch (test.kind) {
    case 'pattern': {
      const literals = foldPattern(test.parts).filter((part) => typeof part === 'string' && !part.includes('\u0000'))
      const witnesses = literals.map((text): Witness => ({ field: undefined, kind: 'contains', text: text as string }))
      return cheapest(
        witnesses.filter(({ text }) => text !== '').map((witness) => [witness]),
        cost,
      )
    }
    case 'regex': {
      const literal = requiredLiteral(test.source)
      return literal === undefined ? undefined : [{ field: undefined, kind: 'contains', text: literal }]
    }
    case 'oneOf':
      return union(test.tests.map((each) => ofKeyword(each, cost)))
    default:
      return undefined
  }
}

/** Too many literals, or none: that the field has any text may still be required. */
function presence(field: string, tests: readonly Test[]): Witnesses | undefined {
  return tests.every(needsText) ? [{ field, kind: 'present', text: '' }] : undefined
}

function needsText(test: Test): boolean {
  if (test.kind === 'oneOf') return test.tests.every(needsText)
  return test.kind !== 'null' && test.kind !== 'exists'
}

function ofTest(field: string, test: Test, cost: Cost): Witnesses | undefined {
  switch (test.kind) {
    case 'pattern':
      return ofPattern(field, foldPattern(test.parts), cost)
    case 'regex': {
      const literal = requiredLiteral(test.source)
      return [literal === undefined ? { field, kind: 'present', text: '' } : { field, kind: 'contains', text: literal }]
    }
    case 'oneOf':
      return union(test.tests.map((each) => ofTest(field, each, cost)))
    case 'cidr':
    case 'compare':
    case 'fieldref':
      return [{ field, kind: 'present', text: '' }]
    case 'null':
    case 'exists':
      return undefined
  }
}

function ofPattern(field: string, parts: readonly PatternPart[], cost: Cost): Witnesses {
  if (parts.every((part) => typeof part === 'string')) return [{ field, kind: 'equals', text: parts.join('') }]
  const present: Witness = { field, kind: 'present', text: '' }
  let best: Witness = present
  for (const [index, part] of parts.entries()) {
    if (typeof part !== 'string') continue
    const last = index === parts.length - 1
    const kind = index === 0 ? 'prefix' : last ? 'suffix' : 'contains'
    const witness: Witness = { field, kind, text: fold(part) }
    if (cost(witness) < cost(best)) best = witness
  }
  return [best]
}

/** Every literal that could serve, for counting how common each is among the rules. */
export function literalsOf(condition: Condition, into: (witness: Witness) => void): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const each of condition.of) literalsOf(each, into)
      return
    case 'selection':
      literalsOf(condition.of, into)
      return
    case 'not':
      return
    case 'item':
      for (const test of condition.tests) ofLiterals(condition.field, test, into)
  }
}

function ofLiterals(field: string | undefined, test: Test, into: (witness: Witness) => void): void {
  if (test.kind === 'oneOf') for (const each of test.tests) ofLiterals(field, each, into)
  if (test.kind !== 'pattern') return
  const parts = foldPattern(test.parts)
  for (const [index, part] of parts.entries()) {
    if (typeof part !== 'string') continue
    if (field === undefined) {
      into({ field, kind: 'contains', text: part })
      continue
    }
    const open = isAny(parts[0]) || index > 0
    const kind = parts.length === 1 ? 'equals' : !open ? 'prefix' : index === parts.length - 1 ? 'suffix' : 'contains'
    into({ field, kind, text: part })
  }
}
