/**
 * The fields that an event must have for a rule to match: most candidates are told from a match by what they lack.
 *
 * Pure. Promise: no condition holds for an event without a value in each of its needed fields.
 */
import type { Condition, DetectionItem, Test } from './types.ts'

export function neededFields(condition: Condition): ReadonlySet<string> {
  switch (condition.kind) {
    case 'selection':
      return neededFields(condition.of)
    case 'and':
      return new Set(condition.of.flatMap((each) => [...neededFields(each)]))
    case 'or':
      return intersection(condition.of.map(neededFields))
    case 'item':
      return new Set(condition.field !== undefined && itemNeedsText(condition) ? [condition.field] : [])
    case 'not':
      return new Set()
  }
}

function intersection([first, ...others]: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return others.reduce((all, each) => all.intersection(each), first ?? new Set<string>())
}

function itemNeedsText({ tests, link }: DetectionItem): boolean {
  return link === 'all' ? tests.some(needsText) : tests.every(needsText)
}

/** Whether an event without the field fails the test. */
export function needsText(test: Test): boolean {
  if (test.kind === 'oneOf') return test.tests.every(needsText)
  return test.kind !== 'null' && test.kind !== 'exists'
}
