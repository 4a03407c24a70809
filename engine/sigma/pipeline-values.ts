/**
 * What pipelines do to the values of a detection: replace, map, set, convert.
 *
 * Pure. As pySigma does it, on values whose modifiers have been applied. Values of another type than a transformation is about
 * pass unchanged.
 */
import { RE2JS } from 're2js'
import { compileRegex } from './regex.ts'
import { parsePattern, plainText, writtenPattern } from './pattern.ts'
import type { SimpleTransformation } from './pipeline-transformations.ts'
import type { PatternPart } from './types.ts'
import type { Problem, Text, Value } from './values.ts'

const valueTypes = ['replace_string', 'map_string', 'regex', 'set_value', 'convert_type', 'case'] as const
export type ValueTransformation = Extract<SimpleTransformation, { type: (typeof valueTypes)[number] }>

export function isValueTransformation(item: SimpleTransformation): item is ValueTransformation {
  return (valueTypes as readonly string[]).includes(item.type)
}

/** The values that take a value's place; undefined: it stays. */
export function transformValue(item: ValueTransformation, value: Value): readonly Value[] | Problem | undefined {
  if (value.type === 'several' && item.type !== 'set_value') return transformSeveral(item, value.values)
  switch (item.type) {
    case 'set_value':
      return setValue(item)
    case 'convert_type':
      return convert(item, value)
    case 'replace_string':
      if (value.type === 'number') return [replaceString(item, textOf(value.written))]
      return value.type === 'text' ? [replaceString(item, value)] : undefined
    case 'map_string': {
      if (value.type !== 'text') return undefined
      const written = writtenPattern(value.parts)
      if (!Object.hasOwn(item.mapping, written)) return undefined
      return item.mapping[written]!.map((to) => ({ ...value, parts: parsePattern(to) }))
    }
    case 'regex':
      return value.type === 'text' && value.parts.length > 0 ? [toRegex(item.method, value.parts)] : undefined
    case 'case':
      return value.type === 'text'
        ? [{ ...value, parts: mapTexts(value.parts, (text) => inCase(item.method, text)) }]
        : undefined
  }
}

function transformSeveral(item: ValueTransformation, values: readonly Value[]): readonly Value[] | Problem {
  const all: Value[] = []
  for (const value of values) {
    const changed = transformValue(item, value)
    if (changed !== undefined && 'problem' in changed) return changed
    all.push(...(changed ?? [value]))
  }
  return [{ type: 'several', values: all }]
}

function textOf(written: string): Text {
  return { type: 'text', parts: [written], cased: false, bytes: false }
}

function mapTexts(parts: readonly PatternPart[], map: (text: string) => string): readonly PatternPart[] {
  return parts.map((part) => (typeof part === 'string' ? map(part) : part))
}

function inCase(method: 'lower' | 'upper' | 'snake_case', text: string): string {
  if (method === 'lower') return text.toLowerCase()
  if (method === 'upper') return text.toUpperCase()
  return text.replace(/(?<!^)(?=[A-Z])/g, '_').toLowerCase()
}

function setValue(item: Extract<ValueTransformation, { type: 'set_value' }>): readonly Value[] | Problem {
  const { value, force_type: force } = item
  if (force === 'str') return [{ type: 'text', parts: parsePattern(String(value)), cased: false, bytes: false }]
  if (force === 'num') return number(String(value))
  if (value === null) return [{ type: 'null' }]
  if (typeof value === 'boolean') return [{ type: 'boolean', value }]
  if (typeof value === 'number') return [{ type: 'number', value, written: String(value) }]
  return [{ type: 'text', parts: parsePattern(value), cased: false, bytes: false }]
}

function number(text: string): readonly Value[] | Problem {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return [{ type: 'number', value, written: text }]
  return { problem: 'SIGMA_VALUE_TYPE', message: `"${text.slice(0, 60)}" can't be converted to a number.` }
}

function convert(
  item: Extract<ValueTransformation, { type: 'convert_type' }>,
  value: Value,
): readonly Value[] | Problem | undefined {
  if (item.target_type === 'str') return value.type === 'number' ? [textOf(value.written)] : undefined
  return value.type === 'text' ? number(writtenPattern(value.parts)) : undefined
}

function replaceString(item: Extract<ValueTransformation, { type: 'replace_string' }>, value: Text): Text {
  const expression = compileRegex(item.regex, '')
  const replace = (text: string): string =>
    expression.matcher(text).replaceAll((...found: unknown[]) => expandReplacement(item.replacement, found))
  if (item.skip_special) {
    const parts = value.parts.flatMap((part): readonly PatternPart[] => {
      if (typeof part !== 'string') return [part]
      const replaced = replace(part)
      return item.interpret_special ? parsePattern(replaced) : replaced === '' ? [] : [replaced]
    })
    return { ...value, parts }
  }
  return { ...value, parts: parsePattern(replace(writtenPattern(value.parts)).replace(/\\(?![*?])/g, '\\\\')) }
}

/** Python's replacements: `\1`, `\g<1>`, `\g<name>`, `\\`. `found`: the match, its groups, its offset, the text, named groups. */
function expandReplacement(replacement: string, found: readonly unknown[]): string {
  const last = found.at(-1)
  const named = typeof last === 'object' && last !== null ? (last as Record<string, unknown>) : {}
  const groups = found.slice(
    0,
    found.findIndex((each, index) => index > 0 && typeof each === 'number'),
  )
  const group = (name: string): string => {
    const value = /^\d+$/.test(name) ? groups[Number(name)] : Object.hasOwn(named, name) ? named[name] : undefined
    return typeof value === 'string' ? value : ''
  }
  return replacement.replace(/\\(?:g<([^>]+)>|(\d{1,2})|(\\))/g, (_whole, name?: string, digits?: string) =>
    name !== undefined ? group(name) : digits !== undefined ? group(digits) : '\\',
  )
}

function toRegex(method: 'plain' | 'ignore_case_flag' | 'ignore_case_brackets', parts: readonly PatternPart[]): Value {
  let source = ''
  for (const part of parts) {
    if (typeof part !== 'string') source += { any: '.*', one: '.', dash: '[-/\u2013\u2014\u2015]' }[part.wild]
    else if (method === 'ignore_case_brackets') source += Array.from(part, bothCases).join('')
    else source += RE2JS.quote(part)
  }
  // A text is the whole of a field, with `*` for what else may stand there.
  return { type: 'regex', source: `^(?:${source})$`, flags: method === 'ignore_case_flag' ? 'si' : 's' }
}

function bothCases(char: string): string {
  const lower = char.toLowerCase()
  const upper = char.toUpperCase()
  return lower === upper || lower.length !== upper.length ? RE2JS.quote(char) : `[${lower}${upper}]`
}

/** What `extract_fields` finds in a text: named groups that took part, by name; undefined where it doesn't match. */
export function extractGroups(regex: string, value: Text): readonly (readonly [string, Value])[] | undefined {
  const matcher = compileRegex(regex, '').matcher(plainText(value.parts) ?? writtenPattern(value.parts))
  if (!matcher.lookingAt()) return undefined
  return Object.entries(matcher.getNamedGroups()).flatMap(([name, text]) =>
    text === null || text === '' ? [] : [[name, extracted(text)] as const],
  )
}

function extracted(text: string): Value {
  if (/^(?:null|none)$/i.test(text)) return { type: 'null' }
  const plain = /^(?:0|-?[1-9]\d*(?:\.\d+)?)$/.test(text)
  if (plain) return { type: 'number', value: Number(text), written: text }
  return { type: 'text', parts: parsePattern(text), cased: false, bytes: false }
}
