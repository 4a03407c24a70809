/**
 * Says why a rule matches an event, or why not, whatever kind of rule it is: what `modelwarden rules explain` shows.
 *
 * Pure. A rule on single events is explained selection by selection; a correlation by its base rules and the group that the event
 * would count in; a behavior rule by its selection. What the event holds is shortened, and secrets in it are masked.
 */
import { maskSecrets } from '../../../core/mask.ts'
import { explain, type RuleExplained } from '../../../engine/sigma/explain.ts'
import { compilePath } from '../../../engine/sigma/field-path.ts'
import { readTexts } from '../../../engine/sigma/fields.ts'
import { logSourceOf } from '../../../engine/sigma/matcher.ts'
import type { EventTree, SigmaCorrelation, SigmaRule } from '../../../engine/sigma/types.ts'
import { isSecretName } from '../../../engine/sources/secret-names.ts'
import { plain } from '../describe.ts'
import { forAnyLogSource } from './event-matching.ts'
import type { RuleSet } from '../rule-set/rule-set.ts'

export interface Explanation {
  readonly rule: string
  readonly title: string
  readonly kind: 'sigma' | 'correlation' | 'behavior'
  /** Of a correlation: whether the event counts. */
  readonly matches: boolean
  readonly logsourceFits: boolean
  readonly selections: RuleExplained['selections']
  /** Of a correlation: each rule that it stands on. */
  readonly bases: readonly Explanation[]
  /** Of a correlation: field -> what the event has; nothing: it is in no group. */
  readonly group?: Readonly<Record<string, readonly string[]>>
  readonly text: string
}

/** Rules that go by this id, name, title, or stand in this file. */
export function findRules(set: RuleSet, wanted: string): readonly string[] {
  const metas = [...set.sigma, ...set.correlations.map(({ rule }) => rule)].map(({ meta }) => meta)
  const exact = metas.filter(({ id, name, title }) => [id, name, title].includes(wanted))
  const found = exact.length > 0 ? exact : metas.filter(({ place }) => place.file === wanted)
  return found.map(({ id }) => id)
}

export function explainRule(set: RuleSet, id: string, event: EventTree): Explanation | undefined {
  const sigma = set.sigma.find(({ meta }) => meta.id === id)
  if (sigma !== undefined) {
    return explainSigma(sigma, event, set.behavior.some(({ rule }) => rule.selectId === id) ? 'behavior' : 'sigma')
  }
  const correlation = set.correlations.find(({ rule }) => rule.meta.id === id)?.rule
  return correlation === undefined ? undefined : explainCorrelation(set, correlation, event)
}

function explainSigma(rule: SigmaRule, event: EventTree, kind: 'sigma' | 'behavior'): Explanation {
  // What an event does not say of its log source speaks for no rule and against none.
  const unnamed = Object.values(logSourceOf(event)).every((value) => value === undefined)
  const explained = explain(unnamed ? forAnyLogSource(rule) : rule, event)
  const selections = explained.selections.map((selection) => ({ ...selection, items: selection.items.map(masked) }))
  return {
    rule: rule.meta.id,
    title: rule.meta.title,
    kind,
    matches: explained.matches,
    logsourceFits: explained.logsourceFits,
    selections,
    bases: [],
    text: textOf({ ...explained, selections }, rule.meta.title),
  }
}

type Selections = RuleExplained['selections']
type Item = Selections[number]['items'][number]

/** What stands under a secret's name is one, whatever it looks like. */
function masked(item: Item): Item {
  const secret = item.field !== undefined && isSecretName(item.field.slice(item.field.lastIndexOf('.') + 1))
  return { ...item, found: secret ? item.found?.map(() => '[masked]') : item.found?.map(maskSecrets) }
}

function textOf({ matches, logsourceFits, selections }: Omit<RuleExplained, 'text'>, title: string): string {
  const lines = [`${title}: ${matches ? 'matches' : 'does not match'}.`]
  if (!logsourceFits) lines.push('  The rule is about another log source.')
  for (const { name, matches, items } of selections) {
    lines.push(`  ${name}: ${matches ? 'holds' : 'does not hold'}`, ...items.map(itemLine))
  }
  return lines.join('\n')
}

function itemLine({ matches, field, wanted, found }: Item): string {
  const there = found === undefined ? 'nothing' : found.map((text) => JSON.stringify(text)).join(', ')
  return `    ${matches ? '+' : '-'} ${field ?? 'any text'} ${wanted}; found ${field === undefined ? 'as marked' : there}`
}

function explainCorrelation(set: RuleSet, correlation: SigmaCorrelation, event: EventTree): Explanation {
  const bases = correlation.base.flatMap(({ id }) => explainRule(set, id, event) ?? [])
  const at = correlation.base.findIndex(({ id }) => bases.some((base) => base.rule === id && base.matches))
  const of = correlation.base[at]
  const fields = of === undefined ? [] : [...of.groupFields, ...of.valueFields]
  const group = Object.fromEntries(
    fields.map((field) => [
      field,
      readTexts(compilePath(field), event)
        .slice(0, 8)
        .map((text) => plain(maskSecrets(text))),
    ]),
  )
  const missing = fields.filter((field) => group[field]!.length === 0)
  const matches = of !== undefined && missing.length === 0
  const { title } = correlation.meta
  const why =
    of === undefined
      ? 'none of its rules matches the event.'
      : missing.length > 0
        ? `the event has no ${missing.join(', ')}.`
        : `it counts for ${
            Object.entries(group)
              .map(([field, values]) => `${field} ${values.join(', ')}`)
              .join('; ') || 'all events'
          }.`
  const lines = [
    `${title}: ${matches ? 'the event counts' : 'the event does not count'}: ${why}`,
    ...bases.flatMap((base) => base.text.split('\n').map((line) => `  ${line}`)),
  ]
  return {
    rule: correlation.meta.id,
    title,
    kind: 'correlation',
    matches,
    logsourceFits: bases.some((base) => base.logsourceFits),
    selections: [],
    bases,
    ...(of === undefined ? {} : { group }),
    text: lines.join('\n'),
  }
}
