/**
 * Reads YAML as nearly all content files are written: block maps and lists, scalars on one line, literal blocks.
 *
 * Pure. Stands before the full parser (yaml.ts), which costs several times as much because it keeps where everything stands:
 * thousands of rules are read at each start. Promise: what it returns is what the full parser would; whatever it does not know
 * for certain, mistakes above all, it leaves to that one by returning undefined.
 */

/** Tabs, carriage returns, control characters, directives, document ends. */
const unusual = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]|^(?:%|\.\.\.)/m
/** A key and what follows it on its line. */
const plainKey = /^([A-Za-z0-9_@$][\w.|@$/ -]*?) *:(?: +(.*))?$/
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
      if (indent < line.length && line.charCodeAt(indent) !== 35) return line
    }
    return undefined
  }

  #map(indent: number): Record<string, unknown> {
    if (++this.#depth > depthMax) giveUp()
    const map: Record<string, unknown> = {}
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      const own = indentOf(line)
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
      const own = indentOf(line)
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
      const below = next === undefined ? -1 : indentOf(next)
      if (next !== undefined && below > indent)
        return isDash(next, below) ? this.#list(below) : this.#mapBelow(next, below)
      return ofKey && next !== undefined && below === indent && isDash(next, below) ? this.#list(below) : null
    }
    if (rest.startsWith('|')) return this.#literal(rest, indent)
    const value = scalarOf(rest)
    // A scalar that goes on, or something that should not be there.
    const next = this.#peek()
    if (next !== undefined && indentOf(next) > indent) giveUp()
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

function keyOf(text: string): { readonly key: string; readonly rest: string } | undefined {
  const plain = plainKey.exec(text)
  const found = plain ?? quotedKey.exec(text)
  if (found === null) return undefined
  const key = plain === null ? found[1]!.replaceAll("''", "'") : found[1]!
  if (key.length > keyCharsMax) giveUp()
  return { key, rest: found[2] ?? '' }
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

function plainScalar(text: string): unknown {
  const comment = text.indexOf(' #')
  const plain = (comment < 0 ? text : text.slice(0, comment)).trimEnd()
  if (plain === '' || (indicators.has(plain.charAt(0)) && !colonAlone.test(plain)) || isDash(plain, 0)) giveUp()
  if (plain.includes(': ') || plain.endsWith(':')) giveUp()
  const word = words.get(plain)
  if (word !== undefined) return word
  if (integer.test(plain)) return plain === '-0' ? giveUp() : Number(plain)
  return number.test(plain) ? giveUp() : plain
}
