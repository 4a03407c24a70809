/**
 * Reads YAML as nearly all content files are written: block maps and lists, scalars on one line, literal blocks.
 *
 * Pure. Stands before the full parser (yaml.ts), which costs several times as much because it keeps where everything stands:
 * thousands of rules are read at each start. Promise: what it returns is what the full parser would; whatever it does not know
 * for certain, mistakes above all, it leaves to that one by returning undefined.
 */

/** Tabs, carriage returns, control characters, directives, document ends. */
const unusual = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]|^(?:%|\.\.\.)/m
const quotedKey = /^'((?:[^']|'')*)':(?: +(.*))?$/
const keyCharsMax = 500
const depthMax = 30

export interface PlainYaml {
  readonly value: Readonly<Record<string, unknown>>
  /** Where the document begins, from 1. */
  readonly line: number
}

export function readPlainYaml(text: string): PlainYaml | undefined {
  if (unusual.test(text)) return undefined
  try {
    return new PlainReader(text.split('\n')).document()
  } catch (error) {
    if (error === notPlain) return undefined
    throw error
  }
}

const notPlain = new Error('Not in the plain form.')

function giveUp(): never {
  throw notPlain
}

function indentOf(line: string): number {
  let indent = 0
  while (line.charCodeAt(indent) === 32) indent++
  return indent
}

function isDash(line: string, indent: number): boolean {
  return line.charCodeAt(indent) === 45 && (line.length === indent + 1 || line.charCodeAt(indent + 1) === 32)
}

class PlainReader {
  readonly #lines: string[]
  /** Of the line that was looked at last. */
  #indent = 0
  #at = 0
  #depth = 0

  constructor(lines: string[]) {
    this.#lines = lines
  }

  document(): PlainYaml {
    if (this.#peek() === '---') this.#at++
    const first = this.#peek()
    if (first === undefined || indentOf(first) > 0 || isDash(first, 0)) giveUp()
    const line = this.#at + 1
    const value = this.#map(0)
    if (this.#peek() !== undefined) giveUp()
    return { value, line }
  }

  /** The next line with content. */
  #peek(): string | undefined {
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at]!
      const indent = indentOf(line)
      if (indent === line.length || line.charCodeAt(indent) === 35) continue
      this.#indent = indent
      return line
    }
    return undefined
  }

  #map(indent: number): Record<string, unknown> {
    if (++this.#depth > depthMax) giveUp()
    const map: Record<string, unknown> = {}
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      const own = this.#indent
      if (own < indent) break
      if (own > indent || isDash(line, indent)) giveUp()
      const found = keyOf(line.slice(indent)) ?? giveUp()
      if (Object.hasOwn(map, found.key) || found.key === '__proto__') giveUp()
      this.#at++
      map[found.key] = this.#value(found.rest, indent, true)
    }
    this.#depth--
    return map
  }

  #list(indent: number): unknown[] {
    if (++this.#depth > depthMax) giveUp()
    const list: unknown[] = []
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      const own = this.#indent
      if (own > indent) giveUp()
      if (own < indent || !isDash(line, indent)) break
      const rest = line.slice(indent + 1).trimStart()
      const column = line.length - rest.length
      if (isDash(rest, 0)) giveUp()
      if (keyOf(rest) === undefined) {
        this.#at++
        list.push(this.#value(rest, indent, false))
      } else {
        // A map that begins beside the dash: as if it stood on lines of its own.
        this.#lines[this.#at] = ' '.repeat(column) + rest
        list.push(this.#map(column))
      }
    }
    this.#depth--
    return list
  }

  /** What follows a key or a dash, on its line or on those below. */
  #value(rest: string, indent: number, ofKey: boolean): unknown {
    if (rest === '' || rest.startsWith('#')) {
      const next = this.#peek()
      const below = next === undefined ? -1 : this.#indent
      if (next !== undefined && below > indent)
        return isDash(next, below) ? this.#list(below) : this.#mapBelow(next, below)
      return ofKey && next !== undefined && below === indent && isDash(next, below) ? this.#list(below) : null
    }
    if (rest.startsWith('|')) return this.#literal(rest, indent)
    const value = scalarOf(rest)
    // A scalar that goes on, or something that should not be there.
    const next = this.#peek()
    if (next !== undefined && this.#indent > indent) giveUp()
    return value
  }

  #mapBelow(line: string, indent: number): Record<string, unknown> {
    if (keyOf(line.slice(indent)) === undefined) giveUp()
    return this.#map(indent)
  }

  #literal(header: string, parent: number): string {
    const kept = /^\|(-?) *(?: #.*)?$/.exec(header) ?? giveUp()
    const first = this.#lines[this.#at] ?? giveUp()
    const indent = indentOf(first)
    if (indent <= parent || indent === first.length) giveUp()
    const lines: string[] = []
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at]!
      const own = indentOf(line)
      if (own === line.length) {
        if (own > indent) giveUp()
        lines.push('')
      } else if (own >= indent) lines.push(line.slice(indent))
      else if (own > parent) giveUp()
      else break
    }
    while (lines.at(-1) === '') lines.pop()
    return lines.join('\n') + (kept[1] === '-' ? '' : '\n')
  }
}

interface Keyed {
  readonly key: string
  readonly rest: string
}

/** A key and what follows it on its line. */
function keyOf(text: string): Keyed | undefined {
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  if (text.charCodeAt(0) === apostrophe) return quotedKeyOf(text)
  if (colon + 1 < text.length && text.charCodeAt(colon + 1) !== space) return undefined
  let end = colon
  while (end > 0 && text.charCodeAt(end - 1) === space) end--
  if (end === 0 || !isOf(keyStart, text, 0)) return undefined
  for (let at = 1; at < end; at++) if (!isOf(keyPart, text, at)) return undefined
  if (end > keyCharsMax) giveUp()
  let from = colon + 1
  while (text.charCodeAt(from) === space) from++
  return { key: text.slice(0, end), rest: text.slice(from) }
}

function quotedKeyOf(text: string): Keyed | undefined {
  const found = quotedKey.exec(text)
  if (found === null) return undefined
  const key = found[1]!.replaceAll("''", "'")
  if (key.length > keyCharsMax) giveUp()
  return { key, rest: found[2] ?? '' }
}

const space = 0x20
const apostrophe = 0x27
const quote = 0x22
const keyStart = charsOf(/[A-Za-z0-9_@$]/)
const keyPart = charsOf(/[\w.|@$/ -]/)

/** Which of the first characters an expression takes. */
function charsOf(expression: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (expression.test(String.fromCharCode(code)) ? 1 : 0))
}

function isOf(chars: Uint8Array, text: string, at: number): boolean {
  return chars[text.charCodeAt(at)] === 1
}

const singleQuoted = /^'((?:[^']|'')*)' *(?: #.*)?$/
const doubleQuoted = /^"((?:[^"\\]|\\(?:[\\"nt/]|u[\dA-Fa-f]{4}))*)" *(?: #.*)?$/
const escaped = /\\(?:u.{4}|.)/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', n: '\n', t: '\t', '/': '/' }

function unescaped(escape: string): string {
  return escape.length > 2 ? String.fromCharCode(Number.parseInt(escape.slice(2), 16)) : escapes[escape.charAt(1)]!
}

const flowList = /^\[([^[\]{}"'#&*!|>%@`:?]*)\] *(?: #.*)?$/

function scalarOf(text: string): unknown {
  const last = text.length - 1
  const first = text.charCodeAt(0)
  // Nothing is doubled or escaped, and nothing follows: what most quoted values are.
  if (first === apostrophe && last > 0 && text.indexOf("'", 1) === last) return text.slice(1, -1)
  if (first === quote && last > 0 && text.indexOf('"', 1) === last && !text.includes('\\')) return text.slice(1, -1)
  switch (text.charAt(0)) {
    case "'":
      return (singleQuoted.exec(text) ?? giveUp())[1]!.replaceAll("''", "'")
    case '"':
      return (doubleQuoted.exec(text) ?? giveUp())[1]!.replace(escaped, (escape) => unescaped(escape))
    case '[': {
      const inside = (flowList.exec(text) ?? giveUp())[1]!.trim()
      return inside === '' ? [] : inside.split(',').map((each) => plainScalar(each.trim()))
    }
    default:
      return plainScalar(text)
  }
}

/** What a plain scalar may not begin with; a dash may where no space follows. */
const indicators = new Set('?:,[]{}#&*!|>\'"%@`')
/** A colon that something follows at once. */
const colonAlone = /^:[^\s:]/
const integer = /^-?(?:0|[1-9]\d{0,14})$/
/** Numbers that are spelled otherwise. */
const number = /^[-+]?(?:0o[0-7]+|0x[\da-f]+|(?:\.\d+|\d+(?:\.\d*)?)(?:e[-+]?\d+)?|\.inf)$|^\.nan$/i
const words = new Map<string, unknown>([
  ['null', null],
  ['Null', null],
  ['NULL', null],
  ['~', null],
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
])

/** What a word or a number of these begins with. */
const wordOrNumber = charsOf(/[nNtTfF~\d+.-]/)

function plainScalar(text: string): unknown {
  const comment = text.indexOf(' #')
  const plain = (comment < 0 ? text : text.slice(0, comment)).trimEnd()
  if (plain === '' || (indicators.has(plain.charAt(0)) && !colonAlone.test(plain)) || isDash(plain, 0)) giveUp()
  if (plain.includes(': ') || plain.endsWith(':')) giveUp()
  if (!isOf(wordOrNumber, plain, 0)) return plain
  const word = words.get(plain)
  if (word !== undefined) return word
  if (integer.test(plain)) return plain === '-0' ? giveUp() : Number(plain)
  return number.test(plain) ? giveUp() : plain
}
