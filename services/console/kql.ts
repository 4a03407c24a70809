/**
 * Reads the Kibana Query Language (https://www.elastic.co/docs/explore-analyze/query-filter/languages/kql), as far as an
 * index can answer it alike on every adapter: docs/cli.md says what that is.
 *
 *   user.name: ana and event.action: (GetObject or "CopyObject") and not source.ip: 10.* and warden.bytes >= 1000000
 *
 * Pure. Promises: linear time; nesting, conditions and length have limits; a mistake says at which column it is.
 */
import { WardenError } from '../../core/errors.ts'

export const kqlCharsMax = 4_096
const depthMax = 12
const conditionsMax = 200

/** The query can't be read, or asks for what the index can't answer. */
export class KqlInvalidError extends WardenError {
  override readonly code = 'QUERY_INVALID'
  override readonly retryable = false
  /** From 1. */
  readonly column: number

  constructor(message: string, column: number, hint?: string) {
    super(message, hint === undefined ? {} : { hint })
    this.column = column
  }
}

export interface KqlValue {
  readonly text: string
  readonly quoted: boolean
  /** `*` alone: there is any value. `prefix`: text stands before a `*`. */
  readonly match: 'exact' | 'prefix' | 'any'
  readonly column: number
}

export type Comparison = 'gt' | 'gte' | 'lt' | 'lte'

export type Kql =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Kql[] }
  | { readonly kind: 'not'; readonly part: Kql }
  /** Words anywhere. */
  | { readonly kind: 'words'; readonly value: KqlValue }
  | { readonly kind: 'is'; readonly field: string; readonly column: number; readonly value: KqlValue }
  | {
      readonly kind: 'compare'
      readonly field: string
      readonly column: number
      readonly by: Comparison
      readonly value: KqlValue
    }

/** Throws KqlInvalidError. */
export function parseKql(text: string): Kql {
  if (text.length > kqlCharsMax) {
    throw new KqlInvalidError(`A query has at most ${kqlCharsMax} characters.`, kqlCharsMax + 1)
  }
  return new Reader(text).whole()
}

const comparisons: Readonly<Record<string, Comparison>> = { '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' }
const escapes: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' }

class Reader {
  readonly #text: string
  #at = 0
  #conditions = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Kql {
    const query = this.#either(0, () => this.#condition(0))
    this.#skipSpace()
    if (this.#at < this.#text.length) {
      const sign = this.#text[this.#at]!
      if (sign === ')') throw this.#wrong('There is no ( for this ).')
      throw this.#wrong('Between two conditions stands and, or.', 'A value of several words goes into quotes.')
    }
    return query
  }

  /** `a and b or c`, each of them read by `one`: of conditions, and of values in parentheses. */
  #either(depth: number, one: () => Kql): Kql {
    if (depth > depthMax) throw this.#wrong(`Conditions are nested at most ${depthMax} deep.`)
    const all = (): Kql => {
      const parts = [this.#negated(one)]
      while (this.#keyword('and')) parts.push(this.#negated(one))
      return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
    }
    const parts = [all()]
    while (this.#keyword('or')) parts.push(all())
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  #negated(one: () => Kql): Kql {
    let turns = 0
    while (this.#keyword('not')) if (++turns > depthMax) throw this.#wrong('That is too many nots.')
    const part = one()
    return turns % 2 === 0 ? part : { kind: 'not', part }
  }

  #condition(depth: number): Kql {
    if (this.#take('(')) {
      const inner = this.#either(depth + 1, () => this.#condition(depth + 1))
      this.#close()
      return inner
    }
    this.#count()
    const column = this.#here()
    const first = this.#value('name')
    const operator = this.#operator()
    if (operator === undefined) return { kind: 'words', value: this.#more(first) }
    const field = this.#field(first, column)
    if (operator === ':') return this.#ofField(field, column, depth)
    const value = this.#value('value')
    if (value.match !== 'exact') throw this.#wrong('A bound has no *.', undefined, value.column)
    return { kind: 'compare', field, column, by: comparisons[operator]!, value }
  }

  /** What follows `field:`. */
  #ofField(field: string, column: number, depth: number): Kql {
    const is = (): Kql => {
      if (this.#take('(')) {
        const inner = this.#either(depth + 1, is)
        this.#close()
        return inner
      }
      this.#count()
      return { kind: 'is', field, column, value: this.#more(this.#value('value')) }
    }
    return is()
  }

  #field({ text, quoted, match, column: at }: KqlValue, column: number): string {
    if (match !== 'exact') throw this.#wrong('A field’s name has no *.', undefined, at)
    if (quoted || /^[A-Za-z@_][\w.@-]{0,511}$/.test(text)) return text
    throw this.#wrong('That is no name of a field.', 'A value with a colon goes into quotes.', column)
  }

  /** Words that follow one another without a keyword between are one value, as in `user.name: ana maria`. */
  #more(first: KqlValue): KqlValue {
    if (first.quoted || first.match !== 'exact') return first
    const words = [first.text]
    for (;;) {
      const before = this.#at
      this.#skipSpace()
      if (this.#ended() || this.#isKeyword() || this.#text[this.#at] === '"') return this.#back(before, first, words)
      const next = this.#value('name')
      if (next.match !== 'exact' || this.#operator() !== undefined) return this.#back(before, first, words)
      words.push(next.text)
    }
  }

  #back(to: number, first: KqlValue, words: readonly string[]): KqlValue {
    this.#at = to
    return { ...first, text: words.join(' ') }
  }

  /** A word or a quoted text. In a value a colon is a letter: times have them. */
  #value(what: 'name' | 'value'): KqlValue {
    this.#skipSpace()
    const column = this.#here()
    if (this.#text[this.#at] === '"') return { text: this.#quoted(), quoted: true, match: 'exact', column }
    if (this.#isKeyword())
      throw this.#wrong('Something is missing before this keyword.', 'As a value it goes into quotes.')
    let text = ''
    let star: number | undefined
    while (this.#at < this.#text.length) {
      const sign = this.#text[this.#at]!
      if (/[\s()"<>{}]/.test(sign) || (sign === ':' && what === 'name')) break
      if (star !== undefined) throw this.#wrong('A * can stand at the end only.', undefined, star)
      if (sign === '*') star = this.#here()
      else text += sign === '\\' ? this.#escaped() : sign
      this.#at++
    }
    if (/[{}]/.test(this.#text[this.#at] ?? '')) throw this.#wrong('Nested fields are written with dots, not braces.')
    if (text === '' && star === undefined)
      throw this.#wrong(`A ${what === 'name' ? 'condition' : 'value'} is missing here.`)
    return { text, quoted: false, match: star === undefined ? 'exact' : text === '' ? 'any' : 'prefix', column }
  }

  #quoted(): string {
    const opened = this.#here()
    let text = ''
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const sign = this.#text[this.#at]!
      if (sign === '"') {
        this.#at++
        return text
      }
      text += sign === '\\' ? this.#escaped() : sign
    }
    throw this.#wrong('The quote that opens here is not closed.', undefined, opened)
  }

  /** The sign that a backslash stands before; the reader stands on it afterwards. */
  #escaped(): string {
    const sign = this.#text[++this.#at]
    if (sign === undefined) throw this.#wrong('Nothing follows the backslash.')
    return escapes[sign] ?? sign
  }

  #operator(): string | undefined {
    this.#skipSpace()
    const [operator] = /^(?::|[<>]=?)/.exec(this.#text.slice(this.#at, this.#at + 2)) ?? []
    if (operator !== undefined) this.#at += operator.length
    return operator
  }

  #isKeyword(): boolean {
    return /^(?:and|or|not)(?=$|[\s()])/i.test(this.#text.slice(this.#at, this.#at + 4))
  }

  #keyword(word: string): boolean {
    this.#skipSpace()
    if (!this.#isKeyword() || this.#text.slice(this.#at, this.#at + word.length).toLowerCase() !== word) return false
    this.#at += word.length
    return true
  }

  #take(sign: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== sign) return false
    this.#at++
    return true
  }

  #close(): void {
    if (this.#take(')')) return
    if (this.#ended()) throw this.#wrong('A ) is missing.')
    throw this.#wrong('Between two conditions stands and, or.', 'A value of several words goes into quotes.')
  }

  #ended(): boolean {
    return this.#at >= this.#text.length || this.#text[this.#at] === ')' || this.#text[this.#at] === '('
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #count(): void {
    if (++this.#conditions > conditionsMax) throw this.#wrong(`A query has at most ${conditionsMax} conditions.`)
  }

  #here(): number {
    return this.#at + 1
  }

  #wrong(message: string, hint?: string, column = this.#here()): KqlInvalidError {
    return new KqlInvalidError(message, column, hint)
  }
}
