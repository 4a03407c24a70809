/**
 * Tells of a regular expression that it is one, without compiling it.
 *
 * Pure and conservative: compiling takes a millisecond, and of thousands of rules few are ever tried. Promise: what is taken for
 * plain, RE2 takes too, and its program is small; whatever is not known for certain is left to RE2.
 */

const charsMax = 200
/** Repetitions that an expression may ask for, those within one another multiplied. */
const repeatsMax = 60

/** Letters that mean something behind a backslash, outside of brackets. */
const escapedLetters = 'dDsSwWbBntrfv'
const bracketLetters = 'dDsSwWntrfv'

const isAlphanumeric = (char: string): boolean => /[0-9A-Za-z]/.test(char)
const isPrintable = (char: string): boolean => char >= ' ' && char <= '~'

export function isPlainRegex(source: string): boolean {
  return source.length <= charsMax && new PlainRegex(source).whole()
}

class PlainRegex {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  whole(): boolean {
    if (this.#source.startsWith('(?i)')) this.#at = 4
    return this.#alternatives() > 0 && this.#at === this.#source.length
  }

  /** How often the most repeated part is repeated; 0: it is not plain. Ends at a closing parenthesis or at the end. */
  #alternatives(): number {
    let most = 1
    while (this.#at < this.#source.length) {
      const char = this.#source.charAt(this.#at)
      if (char === ')') break
      if (char === '|' || char === '^' || char === '$') {
        // What stands here is not repeated: a quantifier behind it is left to RE2.
        this.#at++
        continue
      }
      const inner = this.#atom(char)
      const repeats = inner === 0 ? 0 : inner * this.#quantifier()
      if (repeats === 0 || repeats > repeatsMax) return 0
      most = Math.max(most, repeats)
    }
    return most
  }

  /** Passes one atom; 0: it is not plain. */
  #atom(char: string): number {
    if (char === '(') return this.#group()
    if (char === '[') return this.#bracket() ? 1 : 0
    if (char === '\\') {
      const next = this.#source.charAt(this.#at + 1)
      const plain = isAlphanumeric(next) ? escapedLetters.includes(next) : isPrintable(next)
      if (next === '' || !plain) return 0
      this.#at += 2
      return 1
    }
    if ('*+?{}]'.includes(char) || !isPrintable(char)) return 0
    this.#at++
    return 1
  }

  #group(): number {
    if (++this.#depth > 20) return 0
    this.#at += this.#source.startsWith('(?:', this.#at) ? 3 : 1
    if (this.#source.charAt(this.#at) === '?') return 0
    const inner = this.#alternatives()
    if (inner === 0 || this.#source.charAt(this.#at) !== ')') return 0
    this.#at++
    this.#depth--
    return inner
  }

  /** Single characters, and ranges of digits or letters. */
  #bracket(): boolean {
    const source = this.#source
    let at = this.#at + 1
    if (source.charAt(at) === '^') at++
    const first = at
    for (; at < source.length; at++) {
      const char = source.charAt(at)
      if (char === ']' && at > first) {
        this.#at = at + 1
        return true
      }
      if (char === '[' || char === ']' || !isPrintable(char)) return false
      if (char === '\\') {
        const next = source.charAt(++at)
        if (next === '' || !(isAlphanumeric(next) ? bracketLetters.includes(next) : isPrintable(next))) return false
        if (source.charAt(at + 1) === '-' && source.charAt(at + 2) !== ']') return false
      } else if (source.charAt(at + 1) === '-' && source.charAt(at + 2) !== ']') {
        const last = source.charAt(at + 2)
        if (!isAlphanumeric(char) || !isAlphanumeric(last) || last < char) return false
        at += 2
        if (source.charAt(at + 1) === '-') return false
      }
    }
    return false
  }

  /** Passes a quantifier, if one is there. How often it repeats; 0: it is not plain. */
  #quantifier(): number {
    const char = this.#source.charAt(this.#at)
    let repeats = 1
    if (char === '{') {
      const count = /^\{(\d{1,2})(?:(,)(\d{0,2}))?\}/.exec(this.#source.slice(this.#at, this.#at + 8))
      if (count === null) return 0
      const least = Number(count[1])
      const most = count[3] === undefined || count[3] === '' ? least : Number(count[3])
      if (most < least) return 0
      repeats = Math.max(1, most)
      this.#at += count[0].length
    } else if (char === '*' || char === '+' || char === '?') this.#at++
    else return 1
    if (this.#source.charAt(this.#at) === '?') this.#at++
    return '*+?{'.includes(this.#source.charAt(this.#at)) && this.#at < this.#source.length ? 0 : repeats
  }
}
