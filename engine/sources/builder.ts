/**
 * Builds an event from a source's mappings: a tree of fields in the order they are written, evaluated without garbage.
 *
 * Pure. A group of which no field has a value does not appear.
 */
import { unreadable } from './convert.ts'
import { present, type Expression } from './expression.ts'
import type { MappingContext } from './mapping-context.ts'
import { entityId } from './text.ts'
import type { Target } from './targets.ts'

type Write = (record: unknown, context: MappingContext, into: Record<string, unknown>) => void

/** Fields noted as unreadable in one event. */
const unreadableMax = 20

export interface FieldMapping {
  readonly name: string
  readonly target: Target
  readonly expression: Expression
}

/** Evaluates one field: the value with its type, or `undefined`. */
function evaluate(mapping: FieldMapping, record: unknown, context: MappingContext): unknown {
  const found = present(mapping.expression(record, context))
  if (found === undefined) return undefined
  const value = found === unreadable ? unreadable : mapping.target.convert(found, context)
  if (value === unreadable) {
    if (context.unreadable.length < unreadableMax) context.unreadable.push(mapping.name)
    return undefined
  }
  return mapping.target.entity && typeof value === 'string' ? entityId(value) : value
}

/** Writes all fields of one map into a fresh or given event. */
export function compileBuilder(mappings: readonly FieldMapping[]): Write {
  return compileLevel(mappings, 0)
}

function compileLevel(mappings: readonly FieldMapping[], depth: number): Write {
  const groups = Map.groupBy(mappings, (mapping) => mapping.target.steps[depth]!)
  const writes: Write[] = []
  for (const [key, members] of groups) {
    const leaf = members.find((member) => member.target.steps.length === depth + 1)
    writes.push(leaf === undefined ? groupWrite(key, compileLevel(members, depth + 1)) : leafWrite(key, leaf))
  }
  return (record, context, into) => {
    for (const write of writes) write(record, context, into)
  }
}

function leafWrite(key: string, mapping: FieldMapping): Write {
  return (record, context, into) => {
    const value = evaluate(mapping, record, context)
    if (value !== undefined) into[key] = value
  }
}

function groupWrite(key: string, write: Write): Write {
  return (record, context, into) => {
    const before = into[key] as Record<string, unknown> | undefined
    const group = before ?? {}
    write(record, context, group)
    if (before === undefined && !isEmpty(group)) into[key] = group
  }
}

function isEmpty(group: object): boolean {
  for (const key in group) if (Object.hasOwn(group, key)) return false
  return true
}
