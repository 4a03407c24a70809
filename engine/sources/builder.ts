/**
 * Builds an event from a source's mappings.
 *
 * Pure. A group of which no field has a value does not appear. The fields of a source are written out as one function
 * (`new Function`), because this runs for every record there is: closures over field names took four times as long, each
 * write being a dictionary's. Only names that findTarget has checked (lower case letters, digits, `_`) and JSON-quoted
 * keys of paths get into that text; values and expressions are handed in as arguments.
 */
import { limits } from '../../core/limits.ts'
import { conversions, numberMax, unreadable, type Convert } from './convert.ts'
import type { Expression } from './expression.ts'
import type { MappingContext } from './mapping-context.ts'
import { compileGetter, isObject, type Step } from './path.ts'
import { entityId } from './text.ts'
import type { Target } from './targets.ts'

export type Write = (record: unknown, context: MappingContext, into: Record<string, unknown>) => void

/** Fields noted as unreadable in one event. */
const unreadableMax = 20

export interface FieldMapping {
  readonly name: string
  readonly target: Target
  readonly expression: Expression
  /** Where the expression is a plain path. */
  readonly steps: readonly Step[] | undefined
}

/** Writes all fields of one map into an event. */
export function compileBuilder(mappings: readonly FieldMapping[]): Write {
  const writer = new Writer()
  writer.level(mappings, 0, 'into')
  return writer.compile()
}

/** What a conversion leaves as it is, as an expression over the value `v`: most values are, and are not handed to it. */
const asTheyAre: ReadonlyMap<Convert, string> = new Map([
  [
    conversions['string']!,
    `typeof v === 'string' && v.length > 0 && v.length <= ${limits.fieldCharsMax} && v.isWellFormed()`,
  ],
  [conversions['number']!, `typeof v === 'number' && v <= ${numberMax} && v >= -${numberMax}`],
  [conversions['label']!, `typeof v === 'number' && v <= ${numberMax} && v >= -${numberMax}`],
  [conversions['integer']!, 'Number.isSafeInteger(v)'],
  [conversions['boolean']!, `typeof v === 'boolean'`],
])

function note(name: string, context: MappingContext): void {
  if (context.unreadable.length < unreadableMax) context.unreadable.push(name)
}

class Writer {
  readonly #values: unknown[] = []
  readonly #lines: string[] = []
  #groups = 0

  compile(): Write {
    const names = this.#values.map((_, index) => `k${index}`)
    const text = `'use strict'\nreturn function (record, context, into) {\nlet v\n${this.#lines.join('\n')}\n}`
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see the head of this file
    const make = new Function(...names, text) as (...values: unknown[]) => Write
    return make(...this.#values)
  }

  /** The fields that share the first `depth` steps; `holder` is the variable with their object. */
  level(mappings: readonly FieldMapping[], depth: number, holder: string, filled?: string): void {
    const groups = Map.groupBy(mappings, (mapping) => mapping.target.steps[depth]!)
    for (const [key, members] of groups) {
      const leaf = members.find((member) => member.target.steps.length === depth + 1)
      if (leaf !== undefined) {
        this.#leaf(leaf, `${holder}.${key}`, filled)
        continue
      }
      const group = `g${++this.#groups}`
      this.#lines.push(`const ${group} = ${holder}.${key} ?? {}; let ${group}f = false`)
      this.level(members, depth + 1, group, `${group}f`)
      const tell = filled === undefined ? '' : `; ${filled} = true`
      this.#lines.push(`if (${group}f) { ${holder}.${key} = ${group}${tell} }`)
    }
  }

  #leaf(mapping: FieldMapping, place: string, filled: string | undefined): void {
    const { target } = mapping
    const read = mapping.steps === undefined ? this.#call(mapping.expression) : this.#path(mapping.steps)
    const convert = this.#bind((value: unknown, context: MappingContext): unknown => {
      if (value === unreadable) {
        note(mapping.name, context)
        return undefined
      }
      const converted = target.convert(value, context)
      if (converted === unreadable) {
        note(mapping.name, context)
        return undefined
      }
      return target.entity && typeof converted === 'string' ? entityId(converted) : converted
    })
    const tell = filled === undefined ? '' : `; ${filled} = true`
    const isAsItIs = target.entity ? undefined : asTheyAre.get(target.convert)
    const write = `${place} = v${tell}`
    const otherwise = `if (v !== undefined && v !== null && v !== '') { v = ${convert}(v, context); if (v !== undefined) { ${write} } }`
    this.#lines.push(
      `v = ${read}`,
      isAsItIs === undefined ? otherwise : `if (${isAsItIs}) { ${write} } else ${otherwise}`,
    )
  }

  #call(expression: Expression): string {
    return `${this.#bind(expression)}(record, context)`
  }

  /** Reads own properties alone, as path.ts does. */
  #path(steps: readonly Step[]): string {
    if (steps.some((step) => typeof step === 'number' || step in Object.prototype)) {
      return this.#call(compileGetter(steps))
    }
    const [first, ...rest] = steps as readonly string[]
    const test = rest.length === 0 ? '' : this.#bind(isObject)
    // The record is an object: the mapper has seen to it.
    let read = `record[${JSON.stringify(first)}]`
    for (const step of rest) read = `(${test}(v = ${read}) ? v[${JSON.stringify(step)}] : undefined)`
    return read
  }

  #bind(value: unknown): string {
    this.#values.push(value)
    return `k${this.#values.length - 1}`
  }
}
