/**
 * Checks the fields that a rule reads against what the sources fill.
 *
 * Pure. Used by rule-check.ts. A rule asks for fields after the pipelines have mapped them; where such a name stands in the file
 * only in another spelling, the finding points at the detection as a whole.
 */
import type { FilePlace } from '../../../core/errors.ts'
import { nearest } from '../../../core/near-miss.ts'
import { covers } from '../../../engine/sigma/rule-meta.ts'
import type { Condition, LogSource, SigmaRule, Test } from '../../../engine/sigma/types.ts'
import { fills, type FilledFields } from '../../../engine/sources/filled-fields.ts'
import type { RuleFinding, WrittenRule } from './rule-finding.ts'

/** What the sources supply, and to which rules. */
export class FieldSupply {
  readonly #all: readonly FilledFields[]

  constructor(all: readonly FilledFields[]) {
    this.#all = all
  }

  /** Whether anything is known of sources. */
  get known(): boolean {
    return this.#all.length > 0
  }

  /** The sources whose events a rule of this log source sees. */
  feeding(logsource: LogSource): readonly FilledFields[] {
    return this.#all.filter((source) => covers(logsource, definedOnly(source.logsource)))
  }

  /** The sources that fill a field. */
  filling(field: string, among: readonly FilledFields[] = this.#all): readonly FilledFields[] {
    return among.filter((source) => fills(source, field))
  }

  nearest(field: string): string | undefined {
    return nearest(
      field,
      this.#all.flatMap(({ fields }) => [...fields]),
    )
  }

  logsources(): string {
    return [...new Set(this.#all.map(({ logsource }) => spell(definedOnly(logsource))))].sort().join('; ')
  }
}

function definedOnly(logsource: FilledFields['logsource']): LogSource {
  return Object.fromEntries(Object.entries(logsource).filter(([, value]) => value !== undefined))
}

export function spell(logsource: LogSource): string {
  const parts = Object.entries(logsource).map(([key, value]) => `${key} ${value as string}`)
  return parts.length === 0 ? 'any' : parts.join(', ')
}

export function checkFields(rule: SigmaRule, written: WrittenRule, supply: FieldSupply): RuleFinding[] {
  const { id, logsource } = rule.meta
  const feeding = supply.feeding(logsource)
  if (feeding.length === 0) {
    return [
      {
        severity: 'warning',
        code: 'LOGSOURCE_UNFED',
        message: `No source has the log source ${spell(logsource)}: the rule sees no event.`,
        place: written.place(['logsource']),
        hint: `Sources have: ${supply.logsources()}. A pipeline can map one onto another.`,
        rule: id,
      },
    ]
  }
  return fieldsOf(rule.condition)
    .filter((field) => supply.filling(field, feeding).length === 0)
    .map((field) => unfilled(field, rule, written, supply))
}

function unfilled(field: string, rule: SigmaRule, written: WrittenRule, supply: FieldSupply): RuleFinding {
  const place = placeOfField(field, written)
  const elsewhere = supply.filling(field).map(({ source }) => source)
  const common = { severity: 'warning', place, rule: rule.meta.id } as const
  if (elsewhere.length > 0) {
    const message = `No source with the log source ${spell(rule.meta.logsource)} fills "${field}".`
    return { ...common, code: 'FIELD_UNFED', message, hint: `It is filled by: ${elsewhere.join(', ')}.` }
  }
  const near = supply.nearest(field)
  const hint = near === undefined ? 'docs/sources.md says how a source fills a field.' : `Did you mean "${near}"?`
  return { ...common, code: 'FIELD_UNKNOWN', message: `No source fills the field "${field.slice(0, 200)}".`, hint }
}

/** The fields that a condition reads, each once, references to other fields included. */
export function fieldsOf(condition: Condition): readonly string[] {
  const fields = new Set<string>()
  const visitTest = (test: Test): void => {
    if (test.kind === 'fieldref') fields.add(test.field)
    else if (test.kind === 'oneOf') test.tests.forEach(visitTest)
  }
  const visit = (node: Condition): void => {
    if (node.kind === 'item') {
      if (node.field !== undefined) fields.add(node.field)
      node.tests.forEach(visitTest)
    } else if (node.kind === 'and' || node.kind === 'or') node.of.forEach(visit)
    else visit(node.of)
  }
  visit(condition)
  return [...fields]
}

/** Where a field's name stands as a key of the detection. */
function placeOfField(field: string, written: WrittenRule): FilePlace {
  const { parsed } = written
  const value = parsed?.value
  if (parsed === undefined || typeof value !== 'object' || value === null) return written.meta.place
  const root = Object.hasOwn(value, 'behavior') ? ['behavior', 'select'] : ['detection']
  const found = keyPath(valueAt(value, root), field)
  return found === undefined ? parsed.place(root) : parsed.keyPlace([...root, ...found])
}

function valueAt(value: object, path: readonly string[]): unknown {
  let node: unknown = value
  for (const step of path) node = (node as Record<string, unknown> | undefined)?.[step]
  return node
}

function keyPath(node: unknown, field: string): (string | number)[] | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  for (const [key, value] of Object.entries(node)) {
    const step = Array.isArray(node) ? Number(key) : key
    if (!Array.isArray(node) && (key === field || key.startsWith(`${field}|`))) return [step]
    const inner = keyPath(value, field)
    if (inner !== undefined) return [step, ...inner]
  }
  return undefined
}
