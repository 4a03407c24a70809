/**
 * Turns a value of a detection and its modifiers into a test.
 *
 * Pure. What a value then asks of a field is value-test.ts's to say. Modifiers apply in the order written (Sigma
 * specification 2.1.0, appendix on modifiers; `ignorecase`, `multiline` and `dotall` as pySigma takes them). A modifier
 * that does not fit its value is a mistake, never ignored.
 *
 * Beyond the specification: a time part may be compared (`@timestamp|hour|gte: 20`).
 */
import ipaddr from 'ipaddr.js'
import { containing, endingWith, parsePattern, plainText, startingWith, withAnyDash } from './pattern.ts'
import { expand, expandRegex } from './placeholders.ts'
import type { Comparison, PatternPart, Test, TimePart } from './types.ts'
import { testOf } from './value-test.ts'
import type { Placeholders, Problem, Text, Value } from './values.ts'

export interface ModifierList {
  readonly names: readonly string[]
  /** Link the tests of a list by AND. */
  readonly all: boolean
  readonly negated: boolean
}

const listModifiers = new Set(['all', 'neq'])
const comparisons = new Set<string>(['lt', 'lte', 'gt', 'gte'])
const timeParts = new Set<string>(['minute', 'hour', 'day', 'week', 'month', 'year'])
const regexFlags: Readonly<Record<string, string>> = {
  i: 'i',
  ignorecase: 'i',
  m: 'm',
  multiline: 'm',
  s: 's',
  dotall: 's',
}
const textModifiers = new Set([
  'startswith',
  'endswith',
  'contains',
  'cased',
  'windash',
  'base64',
  'base64offset',
  'utf16le',
  'wide',
  'utf16be',
  'utf16',
  're',
  'cidr',
  'expand',
  'fieldref',
  'exists',
])

/** Reads the modifiers of a key, `field|first|second`. */
export function readModifiers(names: readonly string[]): ModifierList | Problem {
  for (const name of names) {
    if (listModifiers.has(name) || comparisons.has(name) || timeParts.has(name) || textModifiers.has(name)) continue
    if (Object.hasOwn(regexFlags, name)) continue
    return { problem: 'SIGMA_MODIFIER_UNKNOWN', message: `There is no modifier "${name.slice(0, 50)}".` }
  }
  return {
    names: names.filter((name) => !listModifiers.has(name)),
    all: names.includes('all'),
    negated: names.includes('neq'),
  }
}

/** A value once its modifiers have been applied, and what it asks of a field as it is. */
export interface ReadValue {
  readonly value: Value
  readonly test: Test
}

/** `written`: a number as the file spells it, where that differs from its usual spelling. */
export function readValue(
  raw: string | number | boolean | null,
  written: string | undefined,
  names: readonly string[],
  placeholders: Placeholders,
): ReadValue | Problem {
  let value: Value | Problem = valueOf(raw, written, names.includes('re') || names.includes('cidr'))
  let regexSeen = false
  for (const [index, name] of names.entries()) {
    if (
      (name === 're' || name === 'cidr' || name === 'exists') &&
      names.slice(0, index).some((before) => before !== 'expand')
    ) {
      return misused(name, 'must be the first modifier')
    }
    if (Object.hasOwn(regexFlags, name) && !regexSeen) return misused(name, 'belongs after re')
    regexSeen ||= name === 're'
    value = applyTo(value, name, placeholders)
    if ('problem' in value) return value
  }
  const test = testOf(value)
  return 'problem' in test ? test : { value, test }
}

function valueOf(raw: string | number | boolean | null, written: string | undefined, verbatim: boolean): Value {
  if (raw === null) return { type: 'null' }
  if (typeof raw === 'boolean') return { type: 'boolean', value: raw }
  if (typeof raw === 'number') return { type: 'number', value: raw, written: written ?? String(raw) }
  // A regular expression keeps its backslashes; so does an address block.
  if (verbatim) return { type: 'text', parts: [raw], cased: false, bytes: false }
  return { type: 'text', parts: parsePattern(raw), cased: false, bytes: false }
}

function misused(name: string, why: string): Problem {
  return { problem: 'SIGMA_MODIFIER_MISUSED', message: `The modifier ${name} ${why}.` }
}

/** Applies a modifier to a value, or to each that it expanded into. */
function applyTo(value: Value, name: string, placeholders: Placeholders): Value | Problem {
  if (value.type !== 'several') return apply(value, name, placeholders)
  const values: Value[] = []
  for (const each of value.values) {
    const applied = apply(each, name, placeholders)
    if ('problem' in applied) return applied
    values.push(applied)
  }
  return { type: 'several', values }
}

function apply(value: Value, name: string, placeholders: Placeholders): Value | Problem {
  if (comparisons.has(name)) return compare(value, name as Comparison)
  if (timeParts.has(name)) return timePart(value, name as TimePart)
  if (name === 'exists') return exists(value)
  if (name === 'startswith' || name === 'endswith' || name === 'contains') return placed(value, name)
  if (Object.hasOwn(regexFlags, name)) {
    if (value.type !== 'regex') return misused(name, 'belongs after re')
    return { ...value, flags: value.flags.includes(regexFlags[name]!) ? value.flags : value.flags + regexFlags[name]! }
  }
  if (name === 'cased' && value.type === 'test' && value.test.kind === 'fieldref') {
    return { type: 'test', test: { ...value.test, cased: true } }
  }
  if (name === 'expand' && value.type === 'regex') return expandRegex(value, placeholders)
  const text = asText(value)
  if (text === undefined) return misused(name, 'needs a text')
  switch (name) {
    case 'cased':
      return { ...text, cased: true }
    case 'windash':
      return { ...text, parts: withAnyDash(text.parts) }
    case 'expand':
      return expand(text, placeholders)
    case 're':
    case 'cidr': {
      const plain = plainText(text.parts)
      if (plain === undefined) return misused(name, 'takes no placeholder that stands for anything')
      return name === 'cidr' ? cidr(plain) : { type: 'regex', source: plain, flags: '' }
    }
    case 'fieldref': {
      const field = plainText(text.parts)
      if (field === undefined || field === '') return misused(name, 'needs the name of a field, without wildcards')
      return { type: 'test', test: { kind: 'fieldref', field, at: 'whole', cased: text.cased } }
    }
    case 'base64':
    case 'base64offset':
      return base64(text, name)
    default:
      return encode(text, name)
  }
}

function asText(value: Value): Text | undefined {
  if (value.type === 'text') return value
  if (value.type === 'number') return { type: 'text', parts: [value.written], cased: false, bytes: false }
  return undefined
}

function placed(value: Value, name: 'startswith' | 'endswith' | 'contains'): Value | Problem {
  if (value.type === 'regex') {
    // Regular expressions are searched for: `contains` is what they do anyway.
    if (name === 'startswith') return { ...value, source: `^(?:${value.source})` }
    return name === 'endswith' ? { ...value, source: `(?:${value.source})$` } : value
  }
  if (value.type === 'test' && value.test.kind === 'fieldref') {
    const at = name === 'startswith' ? 'start' : name === 'endswith' ? 'end' : 'within'
    return { type: 'test', test: { ...value.test, at } }
  }
  const text = asText(value)
  if (text === undefined) return misused(name, 'needs a text')
  const put = name === 'startswith' ? startingWith : name === 'endswith' ? endingWith : containing
  return { ...text, parts: put(text.parts) }
}

function numberOf(value: Value): number | undefined {
  if (value.type === 'number') return Number.isFinite(value.value) ? value.value : undefined
  const text = value.type === 'text' ? plainText(value.parts)?.trim() : undefined
  if (text === undefined || text === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

function compare(value: Value, op: Comparison): Value | Problem {
  if (value.type === 'time') {
    return { type: 'test', test: { kind: 'compare', op, to: value.value, part: value.part } }
  }
  const to = numberOf(value)
  if (to === undefined) return { problem: 'SIGMA_VALUE_TYPE', message: `The modifier ${op} needs a number.` }
  return { type: 'test', test: { kind: 'compare', op, to } }
}

function timePart(value: Value, part: TimePart): Value | Problem {
  if (value.type === 'test' && value.test.kind === 'compare' && value.test.part === undefined) {
    return { type: 'test', test: { ...value.test, part } }
  }
  const number = numberOf(value)
  if (number === undefined) return { problem: 'SIGMA_VALUE_TYPE', message: `The modifier ${part} needs a number.` }
  return { type: 'time', part, value: number }
}

function exists(value: Value): Value | Problem {
  const text = value.type === 'text' ? plainText(value.parts)?.toLowerCase() : undefined
  const present =
    value.type === 'boolean'
      ? value.value
      : text === 'true' || text === 'yes'
        ? true
        : text === 'false' || text === 'no'
          ? false
          : undefined
  if (present === undefined) return { problem: 'SIGMA_VALUE_TYPE', message: 'The modifier exists needs true or false.' }
  return { type: 'test', test: { kind: 'exists', present } }
}

function cidr(block: string): Value | Problem {
  const whole = block.includes('/') ? block : `${block}/${block.includes(':') ? 128 : 32}`
  if (!ipaddr.isValidCIDR(whole)) {
    return { problem: 'SIGMA_CIDR_INVALID', message: `"${block.slice(0, 60)}" is no CIDR block.` }
  }
  return { type: 'test', test: { kind: 'cidr', block: whole } }
}

/** The bytes of a text, one character each. */
function bytesOf(text: Text, plain: string): Buffer {
  return Buffer.from(plain, text.bytes ? 'latin1' : 'utf8')
}

function base64(text: Text, name: string): Value | Problem {
  const plain = plainText(text.parts)
  if (plain === undefined) return misused(name, 'takes no wildcards')
  const bytes = bytesOf(text, plain)
  const made = (encoded: string): Text => ({ type: 'text', parts: [encoded], cased: text.cased, bytes: false })
  if (name === 'base64') return made(bytes.toString('base64'))
  // The first characters hold bits of what comes before, the last of what comes after: both are cut off.
  const startCut = [0, 2, 3]
  const endCut = [0, 3, 2]
  const values = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset, ' '), bytes]).toString('base64')
    return made(encoded.slice(startCut[offset], encoded.length - endCut[(bytes.length + offset) % 3]!))
  })
  if (values.some((value) => value.parts[0] === '')) return misused(name, 'needs a longer text')
  return { type: 'several', values }
}

function encode(text: Text, name: string): Value {
  const big = name === 'utf16be'
  const parts: PatternPart[] = text.parts.map((part) => {
    if (typeof part !== 'string') return part
    const bytes = Buffer.from(part, 'utf16le')
    return (big ? bytes.swap16() : bytes).toString('latin1')
  })
  // The byte order mark FF FE.
  return { ...text, parts: name === 'utf16' ? ['\u00ff\u00fe', ...parts] : parts, bytes: true }
}
