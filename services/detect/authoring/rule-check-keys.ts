/**
 * Checks the keys of a rule's head and of its log source for slips of the pen. Pure; used by rule-check.ts.
 *
 * Sigma lets a rule have keys of its own, so a key that nobody knows is none the worse for it, and none of these is an error. One
 * that is spelled nearly as a known key, which the rule does not have, was meant to be that: `levle: high` is a rule of level
 * medium, `produkt: linux` one for all products.
 */
import { editsOfSlip, nearest } from '../../../core/near-miss.ts'
import type { ParsedYaml } from '../../../core/yaml.ts'
import type { RuleFinding } from './rule-finding.ts'

/** A document with one of them is a rule, or a part of some. */
const bodies = ['detection', 'correlation', 'filter', 'behavior', 'action']
/** What a misspelled key may have been meant for: of Sigma 2.1, and our own. */
const meantInHead = [
  ...['title', 'id', 'name', 'related', 'taxonomy', 'status', 'description', 'license', 'author', 'references'],
  ...['modified', 'logsource', 'fields', 'falsepositives', 'level', 'tags', 'modelwarden'],
]
/** Known besides, and too near to what a rule may well have of its own, such as `score`, `data` and `actions`. */
const alsoInHead = ['scope', 'date', 'anomaly', ...bodies]
const meantInLogsource = ['product', 'category', 'service', 'definition']

export function checkKeys(parsed: ParsedYaml): RuleFinding[] {
  const head = mapOf(parsed.value)
  if (head === undefined || !bodies.some((key) => Object.hasOwn(head, key))) return []
  const { id, logsource } = head
  const slips = [
    ...slipsOf(head, [], meantInHead, alsoInHead),
    ...slipsOf(mapOf(logsource) ?? {}, ['logsource'], meantInLogsource),
  ]
  return slips.map(({ path, key, meant }) => ({
    severity: 'warning',
    code: 'KEY_MISSPELLED',
    message: `The key "${key.slice(0, 40)}" means nothing here: it is taken for one of the rule's own.`,
    place: parsed.keyPlace([...path, key]),
    hint: `Did you mean "${meant}"?`,
    ...(typeof id === 'string' ? { rule: id } : {}),
  }))
}

interface Slip {
  readonly path: readonly string[]
  readonly key: string
  readonly meant: string
}

function slipsOf(
  map: Readonly<Record<string, unknown>>,
  path: readonly string[],
  meantFor: readonly string[],
  known: readonly string[] = [],
): Slip[] {
  const missing = meantFor.filter((key) => !Object.hasOwn(map, key))
  return Object.keys(map).flatMap((key): Slip[] => {
    if (meantFor.includes(key) || known.includes(key)) return []
    const meant = nearest(key, missing, editsOfSlip)
    return meant === undefined ? [] : [{ path, key, meant }]
  })
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}
