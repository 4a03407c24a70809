/**
 * Conditions over rule names (`a and not (b or c)`): of temporal correlations whose condition is a text, as pySigma has them.
 *
 * Pure. Binding, loosest first: or, and, not, parentheses. What the names mean within windows, and what `not` means at all, is
 * docs/decisions/010-sigma-windows.md's.
 */
import type { BaseExpression } from './types.ts'

export interface ExpressionProblem {
  readonly message: string
  /** Where in the text, from 0. */
  readonly at: number
}

/** Rules that one expression may name: all their combinations are looked through once. */
export const namesMax = 12
const charsMax = 2_000
const depthMax = 20

interface Token {
  readonly text: string
  readonly at: number
}

export interface ReadExpression {
  readonly expression: BaseExpression
  /** The rules that it names, in the order of their first mention: what the expression's `base` counts. */
  readonly names: readonly string[]
}

/** `named`: the rules in the correlation's own order; names that are not among them are put behind. */
export function readExpression(text: string, named: readonly string[]): ReadExpression | ExpressionProblem {
  if (text.length > charsMax) return { message: `The condition is longer than ${charsMax} characters.`, at: 0 }
  const reader = new ExpressionReader(text, named)
  const expression = reader.whole()
  if (reader.problem !== undefined) return reader.problem
  return { expression, names: reader.names }
}

const nothing: BaseExpression = { kind: 'or', of: [] }

/** Reads on after a mistake, and keeps the first. */
class ExpressionReader {
  readonly names: string[]
  problem: ExpressionProblem | undefined
  readonly #tokens: readonly Token[]
  readonly #end: number
  #next = 0
  #depth = 0

  constructor(text: string, named: readonly string[]) {
    this.names = [...named]
    this.#end = text.length
    this.#tokens = [...text.matchAll(/[()]|[^\s()]+/g)].map((match) => ({ text: match[0], at: match.index }))
  }

  whole(): BaseExpression {
    const read = this.#or()
    const extra = this.#tokens[this.#next]
    if (extra !== undefined) this.#complain(`"${extra.text.slice(0, 60)}" is not expected here.`, extra.at)
    return read
  }

  #complain(message: string, at: number): BaseExpression {
    this.problem ??= { message, at }
    this.#next = this.#tokens.length
    return nothing
  }

  #word(): string | undefined {
    return this.#tokens[this.#next]?.text.toLowerCase()
  }

  #or(): BaseExpression {
    const of = [this.#and()]
    while (this.#word() === 'or') {
      this.#next++
      of.push(this.#and())
    }
    return of.length === 1 ? of[0]! : { kind: 'or', of }
  }

  #and(): BaseExpression {
    const of = [this.#operand()]
    while (this.#word() === 'and') {
      this.#next++
      of.push(this.#operand())
    }
    return of.length === 1 ? of[0]! : { kind: 'and', of }
  }

  #operand(): BaseExpression {
    const token = this.#tokens[this.#next]
    if (token === undefined) return this.#complain('The condition ends too early.', this.#end)
    const word = token.text.toLowerCase()
    if (++this.#depth > depthMax) {
      return this.#complain(`The condition nests deeper than ${depthMax} levels.`, token.at)
    }
    const read = this.#inner(token, word)
    this.#depth--
    return read
  }

  #inner(token: Token, word: string): BaseExpression {
    this.#next++
    if (word === 'not') return { kind: 'not', of: this.#operand() }
    if (word === '(') {
      const inner = this.#or()
      if (this.#word() !== ')') return this.#complain('A closing parenthesis is missing.', this.#end)
      this.#next++
      return inner
    }
    if (word === ')' || word === 'and' || word === 'or') {
      return this.#complain(`"${token.text}" is not expected here.`, token.at)
    }
    let base = this.names.indexOf(token.text)
    if (base < 0) base = this.names.push(token.text) - 1
    if (this.names.length > namesMax) return this.#complain(`At most ${namesMax} rules can be named.`, token.at)
    return { kind: 'base', base }
  }
}

/** Whether it holds, `base` telling of each rule whether it is there; `not` turns the question around, as it stands. */
export function expressionHolds(
  expression: BaseExpression,
  base: (base: number, negated: boolean) => boolean,
): boolean {
  const holds = (node: BaseExpression, negated: boolean): boolean => {
    switch (node.kind) {
      case 'base':
        return base(node.base, negated)
      case 'not':
        return !holds(node.of, !negated)
      case 'and':
        return node.of.every((each) => holds(each, negated))
      case 'or':
        return node.of.some((each) => holds(each, negated))
    }
  }
  return holds(expression, false)
}

/** The rules that must be there, and those that must stay away. */
export function polarities(expression: BaseExpression): {
  readonly wanted: ReadonlySet<number>
  readonly unwanted: ReadonlySet<number>
} {
  const wanted = new Set<number>()
  const unwanted = new Set<number>()
  const visit = (node: BaseExpression, negated: boolean): void => {
    if (node.kind === 'base') (negated ? unwanted : wanted).add(node.base)
    else if (node.kind === 'not') visit(node.of, !negated)
    else for (const each of node.of) visit(each, negated)
  }
  visit(expression, false)
  return { wanted, unwanted }
}

/** One step of a sequence: any of these rules happens, and until then none of `without`. */
export interface SequenceStep {
  readonly anyOf: ReadonlySet<number>
  readonly without: ReadonlySet<number>
}

export interface Sequence {
  readonly steps: readonly SequenceStep[]
  /** What must stay away after the last step. */
  readonly after: ReadonlySet<number>
}

/**
 * An expression with `not` as a sequence: `and` of names, of `or`s of names, and of such negated. Undefined: it is none.
 */
export function sequenceOf(expression: BaseExpression): Sequence | undefined {
  const steps: SequenceStep[] = []
  let without = new Set<number>()
  for (const operand of flattened(expression)) {
    const negated = operand.kind === 'not'
    const anyOf = alternatives(negated ? operand.of : operand)
    if (anyOf === undefined) return undefined
    if (negated) for (const base of anyOf) without.add(base)
    else {
      steps.push({ anyOf, without })
      without = new Set()
    }
  }
  return { steps, after: without }
}

function flattened(expression: BaseExpression): readonly BaseExpression[] {
  return expression.kind === 'and' ? expression.of.flatMap(flattened) : [expression]
}

function alternatives(node: BaseExpression): ReadonlySet<number> | undefined {
  if (node.kind === 'base') return new Set([node.base])
  if (node.kind !== 'or') return undefined
  const inner = node.of.map(alternatives)
  return inner.includes(undefined) ? undefined : new Set(inner.flatMap((each) => [...each!]))
}

/** Whether some set of rules being there satisfies it, and whether none being there does. */
export function satisfiable(expression: BaseExpression, bases: number): { some: boolean; empty: boolean } {
  const holdsFor = (there: number): boolean => expressionHolds(expression, (base) => (there & (1 << base)) !== 0)
  let some = false
  for (let there = 1; there < 2 ** bases && !some; there++) some = holdsFor(there)
  return { some, empty: holdsFor(0) }
}
