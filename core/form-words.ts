/**
 * What is wrong with the form of a value, in our own words: said wherever a schema refuses something, to callers and writers.
 *
 * Importing this makes them zod's words as well, for all schemas whose own complaint says nothing. Promises: never the value,
 * which may be hostile or a secret; one clause without a full stop, which a place may follow.
 */
import { z } from 'zod'

type Raw = z.core.$ZodRawIssue
type Issue = z.core.$ZodIssue

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a mapping of names to values',
  record: 'a mapping of names to values',
  null: 'null',
  undefined: 'nothing',
  never: 'nothing',
}
const formats: Readonly<Record<string, string>> = {
  datetime: 'a time such as 2026-03-01T12:00:00Z',
  date: 'a date such as 2026-03-01',
  url: 'an address such as https://example.org/',
  email: 'an e-mail address',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  base64: 'base64',
}
const toldMax = 20
const nameCharsMax = 100

/** What a schema's complaint says of a value; undefined where it has words of its own. */
function formWords(issue: Raw): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wrongKind(issue)
    case 'too_big':
      return amount(issue.origin, issue.inclusive === false ? 'less than' : 'at most', Number(issue.maximum))
    case 'too_small': {
      const [least, isSized] = [Number(issue.minimum), units[issue.origin] !== undefined]
      if (isSized && least === 1) return 'It is empty'
      return amount(issue.origin, issue.inclusive === false ? 'more than' : 'at least', least)
    }
    case 'invalid_format':
      return wrongFormat(issue)
    case 'not_multiple_of':
      return `A multiple of ${issue.divisor} is expected`
    case 'invalid_value':
      return oneOf(issue.values)
    case 'invalid_union':
      return issue['options'] === undefined ? 'It has none of the possible forms' : oneOf(issue['options'] as unknown[])
    case 'unrecognized_keys':
      return `There is no ${issue.keys.slice(0, toldMax).map(quoted).join(', ')}`
    default:
      return 'It does not have the expected form'
  }
}

z.config({ localeError: formWords })

function wrongKind({ expected, input }: Extract<Raw, { code: 'invalid_type' }>): string {
  const wanted = kinds[expected] ?? `something of the kind ${expected}`
  if (input === undefined) return `It is missing: ${wanted} is expected`
  const given = kinds[input === null ? 'null' : Array.isArray(input) ? 'array' : typeof input]
  const isSaid = given !== undefined && given !== wanted && !Number.isNaN(input) && expected !== 'int'
  return `${wanted[0]!.toUpperCase()}${wanted.slice(1)} is expected${isSaid ? `, not ${given}` : ''}`
}

const units: Readonly<Record<string, string>> = {
  string: 'character',
  array: 'item',
  tuple: 'item',
  set: 'item',
  map: 'item',
  file: 'byte',
}

function amount(origin: string, bound: string, size: number): string {
  const unit = units[origin]
  const sized = unit === undefined ? String(size) : `${size} ${unit}${size === 1 ? '' : 's'}`
  return `It has to be ${unit === undefined ? '' : 'of '}${bound} ${sized}`
}

function wrongFormat({ format, pattern }: Extract<Raw, { code: 'invalid_format' }>): string {
  const known = formats[format]
  if (known !== undefined) return `${known[0]!.toUpperCase()}${known.slice(1)} is expected`
  return pattern === undefined ? 'It does not have the expected form' : `It has to match ${pattern}`
}

function oneOf(values: readonly unknown[]): string {
  const told = values.slice(0, toldMax).map((value) => (typeof value === 'string' ? quoted(value) : String(value)))
  if (values.length > toldMax) told.push('…')
  return values.length === 1 ? `${told[0]!} is expected` : `One of ${told.join(', ')} is expected`
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, nameCharsMax))
}

/** Of a union's variants the one that got furthest: its complaint is what the writer needs to read. */
export function nearestVariant(variants: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const reach = (issues: readonly Issue[]): number => {
    const complaints = issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0))
    return complaints.length === 0 ? 0 : Math.min(...complaints)
  }
  const [best] = [...variants].sort((a, b) => reach(b) - reach(a) || a.length - b.length)
  return best === undefined || reach(best) === 0 ? undefined : best
}

/** Where and what: the first complaint about a value, in a union that of the variant that got furthest. */
export function firstComplaint(error: { readonly issues: readonly Issue[] }): Complaint | undefined {
  const [issue] = error.issues
  return issue === undefined ? undefined : innermost(issue, [])
}

/** A schema's complaint, with its whole path. */
export interface Complaint {
  readonly issue: Issue
  readonly path: readonly PropertyKey[]
}

function innermost(issue: Issue, under: readonly PropertyKey[]): Complaint {
  const path = [...under, ...issue.path]
  const inner = issue.code === 'invalid_union' ? nearestVariant(issue.errors)?.[0] : undefined
  return inner === undefined ? { issue, path } : innermost(inner, path)
}

/** The first complaint as `path: words`. */
export function complaintText(error: { readonly issues: readonly Issue[] }): string {
  const found = firstComplaint(error)
  if (found === undefined) return 'It does not have the expected form.'
  const { issue, path } = found
  const words = /[.!?]$/.test(issue.message) ? issue.message : `${issue.message}.`
  return path.length === 0 ? words : `${path.map(String).join('.')}: ${words}`
}
