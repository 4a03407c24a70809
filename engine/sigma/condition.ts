/**
 * Reads a rule's condition: `selection and not 1 of filter_*`.
 *
 * Pure. Binding, loosest first: or, and, not, `x of`, parentheses. `them` and patterns leave out selections whose names begin
 * with `_`, unless the pattern itself does.
 */
import type { Condition } from './types.ts'
import type { SigmaMistakeCode } from './mistakes.ts'

export interface ConditionProblem {
  readonly problem: SigmaMistakeCode
  readonly message: string
  readonly hint?: string
  /** Where in the text, from 0. */
  readonly at: number
}

interface Token {
  readonly text: string
  readonly at: number
}

/** Open parentheses and nots at one time. */
const conditionDepthMax = 50
const conditionCharsMax = 10_000

class ConditionError extends Error {
  readonly problem: ConditionProblem
  constructor(problem: SigmaMistakeCode, message: string, at: number, hint?: string) {
    super(message)
    this.problem = { problem, message, at, ...(hint === undefined ? {} : { hint }) }
  }
}

export function parseCondition(text: string, selections: ReadonlyMap<string, Condition>): Condition | ConditionProblem {
  try {
    return new ConditionParser(tokensOf(text), selections, text.length).parse()
  } catch (error) {
    if (error instanceof ConditionError) return error.problem
    throw error
  }
}

function tokensOf(text: string): readonly Token[] {
  if (text.length > conditionCharsMax) {
    throw new ConditionError('SIGMA_TOO_LARGE', `The condition is longer than ${conditionCharsMax} characters.`, 0)
  }
  const tokens: Token[] = []
  const token = /\s*(?:([()])|([^\s()|]+)|(\|))/gy
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const found = match[1] ?? match[2] ?? match[3]!
    const at = token.lastIndex - found.length
    if (found === '|') {
      throw new ConditionError(
        'SIGMA_CONDITION_AGGREGATION',
        'Aggregations in conditions are no part of Sigma 2.',
        at,
        'Write a correlation.',
      )
    }
    tokens.push({ text: found, at })
  }
  return tokens
}

class ConditionParser {
  readonly #tokens: readonly Token[]
  readonly #selections: ReadonlyMap<string, Condition>
  readonly #end: number
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[], selections: ReadonlyMap<string, Condition>, end: number) {
    this.#tokens = tokens
    this.#selections = selections
    this.#end = end
  }

  parse(): Condition {
    if (this.#tokens.length === 0) throw new ConditionError('SIGMA_CONDITION_MISSING', 'The condition is empty.', 0)
    const condition = this.#or()
    const extra = this.#tokens[this.#next]
    if (extra !== undefined) {
      throw new ConditionError('SIGMA_CONDITION_SYNTAX', `"${extra.text.slice(0, 60)}" is not expected here.`, extra.at)
    }
    return condition
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.text.toLowerCase()
  }

  #at(): number {
    return this.#tokens[this.#next]?.at ?? this.#end
  }

  #or(): Condition {
    const of = [this.#and()]
    while (this.#peek() === 'or') {
      this.#next++
      of.push(this.#and())
    }
    return of.length === 1 ? of[0]! : { kind: 'or', of }
  }

  #and(): Condition {
    const of = [this.#not()]
    while (this.#peek() === 'and') {
      this.#next++
      of.push(this.#not())
    }
    return of.length === 1 ? of[0]! : { kind: 'and', of }
  }

  #not(): Condition {
    if (this.#peek() !== 'not') return this.#operand()
    return this.#deeper(() => {
      this.#next++
      return { kind: 'not', of: this.#not() }
    })
  }

  #deeper(read: () => Condition): Condition {
    if (this.#depth === conditionDepthMax) {
      throw new ConditionError(
        'SIGMA_TOO_LARGE',
        `The condition nests deeper than ${conditionDepthMax} levels.`,
        this.#at(),
      )
    }
    this.#depth++
    const condition = read()
    this.#depth--
    return condition
  }

  #operand(): Condition {
    const token = this.#tokens[this.#next]
    if (token === undefined)
      throw new ConditionError('SIGMA_CONDITION_SYNTAX', 'The condition ends too early.', this.#end)
    if (token.text === '(') {
      return this.#deeper(() => {
        this.#next++
        const inner = this.#or()
        if (this.#peek() !== ')') {
          throw new ConditionError('SIGMA_CONDITION_SYNTAX', 'A closing parenthesis is missing.', this.#at())
        }
        this.#next++
        return inner
      })
    }
    const word = token.text.toLowerCase()
    const follows = this.#tokens[this.#next + 1]?.text.toLowerCase()
    if (follows === 'of') return this.#quantified(word, token.at)
    if (word === ')' || word === 'and' || word === 'or' || word === 'of') {
      throw new ConditionError('SIGMA_CONDITION_SYNTAX', `"${token.text}" is not expected here.`, token.at)
    }
    this.#next++
    const selection = this.#selections.get(token.text)
    if (selection === undefined) {
      throw new ConditionError(
        'SIGMA_SELECTION_UNKNOWN',
        `There is no selection "${token.text.slice(0, 100)}".`,
        token.at,
      )
    }
    return selection
  }

  #quantified(word: string, at: number): Condition {
    if (word !== '1' && word !== 'any' && word !== 'all') {
      throw new ConditionError(
        'SIGMA_CONDITION_SYNTAX',
        `"${word.slice(0, 60)} of" is not to be had: 1, any or all.`,
        at,
      )
    }
    this.#next += 2
    const target = this.#tokens[this.#next]
    if (target === undefined || target.text === '(' || target.text === ')') {
      throw new ConditionError(
        'SIGMA_CONDITION_SYNTAX',
        'After "of" comes them, or a pattern of selection names.',
        this.#at(),
      )
    }
    this.#next++
    const of = this.#matching(target.text)
    if (of.length === 0) {
      throw new ConditionError(
        'SIGMA_SELECTION_UNKNOWN',
        `No selection matches "${target.text.slice(0, 100)}".`,
        target.at,
      )
    }
    if (of.length === 1) return of[0]!
    return { kind: word === 'all' ? 'and' : 'or', of }
  }

  #matching(pattern: string): readonly Condition[] {
    const names = [...this.#selections.keys()].filter((name) => pattern.startsWith('_') || !name.startsWith('_'))
    const pieces = pattern.split('*')
    const matching = pattern.toLowerCase() === 'them' ? names : names.filter((name) => matchesPieces(name, pieces))
    return matching.map((name) => this.#selections.get(name)!)
  }
}

/** Whether a name is the pieces in their order, with anything between them. */
function matchesPieces(name: string, pieces: readonly string[]): boolean {
  const first = pieces[0]!
  if (pieces.length === 1) return name === first
  const last = pieces.at(-1)!
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false
  let from = first.length
  for (const piece of pieces.slice(1, -1)) {
    const at = name.indexOf(piece, from)
    if (at < 0) return false
    from = at + piece.length
  }
  return from <= name.length - last.length
}
