/**
 * A rule's selections between being read and being compiled: values with their modifiers applied, which pipelines may still
 * change.
 *
 * Pure. Stands between detection.ts, which reads them, pipeline-steps.ts, which changes them, and rule-detection.ts.
 */
import type { FilePlace } from '../../core/errors.ts'
import type { Mistakes } from './mistakes.ts'
import { testOf } from './value-test.ts'
import type { Condition, DetectionItem, Test } from './types.ts'
import type { Value } from './values.ts'

export interface DraftValue {
  readonly value: Value
  /** What it asks for, where that is known already. */
  readonly test: Test | undefined
}

export interface DraftItem {
  readonly kind: 'item'
  /** Undefined: keywords. */
  readonly field: string | undefined
  readonly link: 'any' | 'all'
  readonly values: readonly DraftValue[]
  /** The ids of pipeline items that have changed it. */
  readonly applied: readonly string[]
  /** A pipeline has given it its field. */
  readonly mapped: boolean
  place(): FilePlace
}

export type Draft =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Draft[] }
  | { readonly kind: 'not'; readonly of: Draft }
  | DraftItem

/** Every item of a draft, in order. */
export function itemsOf(draft: Draft): readonly DraftItem[] {
  if (draft.kind === 'item') return [draft]
  return draft.kind === 'not' ? itemsOf(draft.of) : draft.of.flatMap(itemsOf)
}

/** Replaces each item by what a pipeline makes of it; undefined: it is taken out. What is left with nothing in it goes too. */
export function replaceItems(draft: Draft, replace: (item: DraftItem) => Draft | undefined): Draft | undefined {
  if (draft.kind === 'item') return replace(draft)
  if (draft.kind === 'not') {
    const of = replaceItems(draft.of, replace)
    return of === undefined ? undefined : of === draft.of ? draft : { kind: 'not', of }
  }
  const of = draft.of.flatMap((each) => replaceItems(each, replace) ?? [])
  if (of.length === 0) return undefined
  return of.length === draft.of.length && of.every((each, index) => each === draft.of[index])
    ? draft
    : { kind: draft.kind, of }
}

/** The condition that a draft stands for; undefined where it has mistakes. */
export function finishDraft(draft: Draft, mistakes: Mistakes): Condition | undefined {
  if (draft.kind === 'item') return finishItem(draft, mistakes)
  if (draft.kind === 'not') {
    const of = finishDraft(draft.of, mistakes)
    return of === undefined ? undefined : { kind: 'not', of }
  }
  const of = draft.of.flatMap((each) => finishDraft(each, mistakes) ?? [])
  if (of.length < draft.of.length) return undefined
  return of.length === 1 ? of[0] : { kind: draft.kind, of }
}

function finishItem(item: DraftItem, mistakes: Mistakes): DetectionItem | undefined {
  const tests: Test[] = []
  for (const { value, test } of item.values) {
    const finished = test ?? testOf(value)
    if ('problem' in finished) mistakes.add(finished.problem, finished.message, item.place(), finished.hint)
    else tests.push(finished)
  }
  if (tests.length < item.values.length) return undefined
  const { field, link } = item
  if (field !== undefined) return { kind: 'item', field, link, tests }
  const flat = tests.flatMap((test) => (test.kind === 'oneOf' ? test.tests : [test]))
  if (flat.every((test) => test.kind === 'pattern' || test.kind === 'regex')) {
    return { kind: 'item', field: undefined, link, tests }
  }
  const hint = 'A value of another kind needs a field.'
  mistakes.add('SIGMA_VALUE_TYPE', 'Keywords are texts or regular expressions.', item.place(), hint)
  return undefined
}
