/**
 * Says why a rule matches an event, or why not: each selection, each field, what was wanted and what was there.
 *
 * Pure, and slow compared with the matcher: for people, and for test cases that fail.
 */
import { limits } from '../../core/limits.ts'
import { compileCondition, compileItem } from './evaluate.ts'
import { FieldReader } from './fields.ts'
import { definedOnly, logSourceOf } from './matcher.ts'
import { writtenPattern } from './pattern.ts'
import { covers } from './rule-meta.ts'
import type { Condition, DetectionItem, EventTree, LogSource, SigmaRule, Test } from './types.ts'

export interface ItemExplained {
  /** Undefined: keywords. */
  readonly field: string | undefined
  readonly matches: boolean
  /** What the rule wants of the field, in Sigma's own words. */
  readonly wanted: string
  /** What the event has; undefined: there is no such field. Hostile content. */
  readonly found: readonly string[] | undefined
}

export interface RuleExplained {
  readonly matches: boolean
  /** False: the rule is about another kind of log, and was not even tried. */
  readonly logsourceFits: boolean
  readonly selections: readonly {
    readonly name: string
    readonly matches: boolean
    readonly items: readonly ItemExplained[]
  }[]
  /** The same in one text, a line each. */
  readonly text: string
}

/** Characters shown of a value, values shown of a field, tests shown of an item. */
const shownCharsMax = 120
const shownMax = 8

export function explain(rule: SigmaRule, event: EventTree): RuleExplained {
  const reader = new FieldReader()
  reader.read(event)
  const has = logSourceOf(event)
  const logsourceFits = covers(rule.meta.logsource, definedOnly(has))
  const selections = selectionsOf(rule.condition).map(({ name, of }) => ({
    name,
    matches: compileCondition(of, reader)(),
    items: itemsOf(of).map((item) => explainItem(item, reader)),
  }))
  const matches = logsourceFits && compileCondition(rule.condition, reader)()
  const lines = [
    `${rule.meta.title}: ${matches ? 'matches' : 'does not match'}.`,
    ...(logsourceFits ? [] : [`  Its log source is ${spell(rule.meta.logsource)}, the event's ${spell(has)}.`]),
    ...selections.flatMap(({ name, matches, items }) => [
      `  ${name}: ${matches ? 'holds' : 'does not hold'}`,
      ...items.map(
        (item) =>
          `    ${item.matches ? '+' : '-'} ${item.field ?? 'any text'} ${item.wanted}; found ${spellFound(item.found)}`,
      ),
    ]),
  ]
  return { matches, logsourceFits, selections, text: lines.join('\n') }
}

function spell(source: Partial<Record<keyof LogSource, string | undefined>>): string {
  const parts = (['product', 'service', 'category'] as const).flatMap((key) =>
    source[key] === undefined ? [] : [`${key} ${source[key]}`],
  )
  return parts.length === 0 ? 'unnamed' : parts.join(', ')
}

/** The named selections of a condition, each once, in order. */
function selectionsOf(condition: Condition): readonly Extract<Condition, { kind: 'selection' }>[] {
  const found = new Set<Extract<Condition, { kind: 'selection' }>>()
  const visit = (node: Condition): void => {
    if (node.kind === 'selection') found.add(node)
    else if (node.kind === 'not') visit(node.of)
    else if (node.kind !== 'item') for (const each of node.of) visit(each)
  }
  visit(condition)
  return [...found]
}

function itemsOf(condition: Condition): readonly DetectionItem[] {
  if (condition.kind === 'item') return [condition]
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.flatMap(itemsOf)
  return itemsOf(condition.of)
}

function explainItem(item: DetectionItem, reader: FieldReader): ItemExplained {
  const wanted = item.tests.slice(0, shownMax).map(spellTest)
  if (item.tests.length > shownMax) wanted.push(`${item.tests.length - shownMax} more`)
  const texts = item.field === undefined ? undefined : reader.texts(reader.slot(item.field))
  const found = texts === undefined ? undefined : typeof texts === 'string' ? [texts] : texts
  return {
    field: item.field,
    matches: compileItem(item, reader)(),
    wanted: wanted.join(item.link === 'all' ? ' and ' : ' or '),
    found: found?.slice(0, shownMax).map((text) => text.slice(0, shownCharsMax)),
  }
}

function spellFound(found: readonly string[] | undefined): string {
  return found === undefined ? 'nothing' : found.map((text) => JSON.stringify(text)).join(', ')
}

function spellTest(test: Test): string {
  switch (test.kind) {
    case 'pattern':
      // What no event can have is what a list without values stands for.
      if (test.parts.some((part) => typeof part === 'string' && part.length > limits.fieldCharsMax))
        return '= a value of a list that has none'
      return `= ${JSON.stringify(writtenPattern(test.parts).slice(0, shownCharsMax))}${test.cased ? ' (cased)' : ''}`
    case 'regex':
      return `~ /${test.source.slice(0, shownCharsMax)}/${test.flags}`
    case 'cidr':
      return `in ${test.block}`
    case 'compare':
      return `${test.part ?? ''} ${test.op} ${test.to}`.trim()
    case 'null':
      return 'is null'
    case 'exists':
      return test.present ? 'exists' : 'does not exist'
    case 'fieldref':
      return `as in ${test.field}`
    case 'oneOf':
      return test.tests.slice(0, shownMax).map(spellTest).join(' or ')
  }
}
