/**
 * Finds what an event must have for a rule to match: its witness, a short list of literals of which at least one is there.
 *
 * Pure. Stands between compiled rules and the index (rule-index.ts): rules none of whose witnesses an event has are not
 * evaluated. Promise: no rule matches an event that has none of its witnesses.
 */
import { shareOfBlock } from './cidr.ts'
import { GramCounts } from './gram-counts.ts'
import { needsText } from './needed-fields.ts'
import { foldPattern } from './pattern.ts'
import { requiredLiteral } from './regex-literal.ts'
import type { ThresholdOp } from './threshold-table.ts'
import type { Condition, DetectionItem, PatternPart, Test } from './types.ts'

/**
 * How the folded text must stand in the field; `present`: any text will do; `block`: the text is a CIDR block, which the field's
 * address lies in; else it is a number, to which the field's compares so.
 */
export type WitnessKind = 'equals' | 'prefix' | 'suffix' | 'contains' | 'present' | 'block' | ThresholdOp

export interface Witness {
  /** Undefined: all text of the event (and the kind is `contains`). */
  readonly field: string | undefined
  readonly kind: WitnessKind
  readonly text: string
}

/** One of these must be there. */
export type Witnesses = readonly Witness[]

/** Alternatives beyond which a rule is no longer filed by them. */
const witnessesMax = 4_096

/** A literal of some rules, and what is known of how common it is. */
class Literal implements Witness {
  readonly field: string | undefined
  readonly kind: WitnessKind
  readonly text: string
  readonly of: FieldLiterals
  /** Rules that name it. */
  named = 0
  lastNamedBy = -1
  #cost = -1

  constructor(of: FieldLiterals, kind: WitnessKind, text: string) {
    this.field = of.field
    this.of = of
    this.kind = kind
    this.text = text
  }

  /** Final once all rules are counted. */
  get cost(): number {
    if (this.#cost < 0) this.#cost = costOf(this)
    return this.#cost
  }
}

class FieldLiterals {
  readonly field: string | undefined
  /** How often rules name any literal of the field. */
  named = 0
  /** What could serve as witness of a pattern or a regular expression: any of these. One test may be of several fields. */
  readonly ofTest = new Map<Test, readonly Literal[]>()
  readonly #byKind: Record<WitnessKind, Map<string, Literal>> = {
    equals: new Map(),
    prefix: new Map(),
    suffix: new Map(),
    contains: new Map(),
    present: new Map(),
    block: new Map(),
    gt: new Map(),
    gte: new Map(),
    lt: new Map(),
    lte: new Map(),
  }
  /** Of the literals of all fields. */
  readonly grams: GramCounts

  constructor(field: string | undefined, grams: GramCounts) {
    this.field = field
    this.grams = grams
  }

  literal(kind: WitnessKind, text: string): Literal {
    const known = this.#byKind[kind].get(text)
    if (known !== undefined) return known
    if (isText(kind)) this.grams.add(text)
    const literal = new Literal(this, kind, text)
    this.#byKind[kind].set(text, literal)
    return literal
  }
}

function isText(kind: WitnessKind): boolean {
  return kind === 'equals' || kind === 'prefix' || kind === 'suffix' || kind === 'contains'
}

/** The share of events whose number is past a threshold: anything is likely. */
const thresholdCost = 0.5
/** What looking for one literal costs beside what it finds. */
const lookupCost = 0.0004
/** Of literals that nearly no text has: with characters that few have (sought only where one has), and digests. */
const rareCost = 0.00001
const rare = /[^\u0000-\u00ff]|[0-9a-f]{24}/
/** Mentions that every field has before it is counted. */
const mentionsMin = 20
/** How much more often events have a text than other literals have it within them: rules spell out what few events have. */
const withinFactor = 16

/**
 * The share of events that have a literal, guessed: of a field's values, those that many rules name are the common ones (a
 * field of which rules know six values has each of them more often than one of which they know six hundred); a text that
 * many other literals have within them (`user`) is common; and what is short is found anywhere.
 */
function costOf({ kind, text, named, of, field }: Literal): number {
  if (kind === 'present') return 1
  if (kind === 'block') return shareOfBlock(text) + lookupCost
  if (!isText(kind)) return thresholdCost + lookupCost
  const share = (named + 1) / (of.named + mentionsMin)
  const { length } = text
  if (rare.test(text)) return rareCost
  if (kind === 'equals') return share + lookupCost
  if (kind !== 'contains') return Math.max(share, length <= 4 ? 0.3 : length <= 6 ? 0.01 : 0.001) + lookupCost
  const byLength = length < chanceByLength.length ? chanceByLength[length]! * (oddity.test(text) ? 1 / 3 : 1) : 0.001
  const found = Math.min(1, Math.max(length < 8 ? 2 * share : share, byLength, withinFactor * of.grams.shareWith(text)))
  // Keywords are sought in all of the event.
  return (field === undefined ? Math.min(1, found * 8) : found) + lookupCost
}

/** How likely it is that a text of a hundred characters has a literal of so many somewhere. */
const chanceByLength = [1, 0.9, 0.2, 0.1, 0.03, 0.01, 0.005]
/** Characters that few texts have. */
const oddity = /[`^~${}|<>;!@#&*[\]]/

type Chosen = readonly Literal[] | undefined

/** Finds the witnesses of rules, among all of them: how common a literal is, the other rules tell. */
export class WitnessFinder {
  readonly #fields = new Map<string | undefined, FieldLiterals>()
  /** Of all literals of the rules. */
  readonly grams = new GramCounts()

  constructor(conditions: readonly Condition[]) {
    for (const [owner, condition] of conditions.entries()) this.#count(condition, owner)
  }

  /** The cheapest witnesses of one of the conditions; undefined: an event without anything in particular may match. */
  find(condition: Condition): Witnesses | undefined {
    return this.#find(condition)
  }

  #count(condition: Condition, owner: number): void {
    switch (condition.kind) {
      case 'and':
      case 'or':
        for (const each of condition.of) this.#count(each, owner)
        return
      case 'selection':
        this.#count(condition.of, owner)
        return
      case 'not':
        return
      case 'item':
        for (const test of condition.tests) this.#countTest(condition.field, test, owner)
    }
  }

  #countTest(field: string | undefined, test: Test, owner: number): void {
    if (test.kind === 'oneOf') {
      for (const each of test.tests) this.#countTest(field, each, owner)
      return
    }
    if (test.kind !== 'pattern' && test.kind !== 'regex') return
    const of = this.#fieldOf(field)
    let literals = of.ofTest.get(test)
    if (literals === undefined) of.ofTest.set(test, (literals = literalsOf(of, test)))
    for (const literal of literals) {
      if (literal.lastNamedBy === owner) continue
      literal.lastNamedBy = owner
      literal.named++
      literal.of.named++
    }
  }

  #fieldOf(field: string | undefined): FieldLiterals {
    let known = this.#fields.get(field)
    if (known === undefined) this.#fields.set(field, (known = new FieldLiterals(field, this.grams)))
    return known
  }

  #present(field: string): readonly Literal[] {
    return [this.#fieldOf(field).literal('present', '')]
  }

  #find(condition: Condition): Chosen {
    switch (condition.kind) {
      case 'selection':
        return this.#find(condition.of)
      case 'not':
        return undefined
      case 'and':
        return cheapest(condition.of.map((each) => this.#find(each)))
      case 'or':
        return union(condition.of.map((each) => this.#find(each)))
      case 'item':
        return this.#ofItem(condition)
    }
  }

  #ofItem({ field, tests, link }: DetectionItem): Chosen {
    const each = tests.map((test) => this.#ofOne(field, test))
    if (link === 'all') return cheapest(each)
    const any = union(each)
    // Too many literals, or none: that the field has any text may still be required.
    if (field === undefined || !tests.every(needsText)) return any
    return cheapest([any, this.#present(field)])
  }

  #ofOne(field: string | undefined, test: Test): Chosen {
    switch (test.kind) {
      case 'pattern':
      case 'regex': {
        // Of a condition that was not counted, there is none.
        const literals = this.#fieldOf(field).ofTest.get(test) ?? []
        const best = literals.reduce<Literal | undefined>(
          (least, literal) => (least === undefined || literal.cost < least.cost ? literal : least),
          undefined,
        )
        if (best !== undefined) return [best]
        return field === undefined ? undefined : this.#present(field)
      }
      case 'oneOf':
        return union(test.tests.map((one) => this.#ofOne(field, one)))
      case 'cidr':
        return field === undefined ? undefined : [this.#fieldOf(field).literal('block', test.block)]
      case 'compare': {
        if (field === undefined) return undefined
        const { op, to, part } = test
        const isThreshold = part === undefined && op !== 'eq' && op !== 'neq'
        return isThreshold ? [this.#fieldOf(field).literal(op, String(to))] : this.#present(field)
      }
      case 'fieldref':
        return field === undefined ? undefined : this.#present(field)
      case 'null':
      case 'exists':
        return undefined
    }
  }
}

function literalsOf(of: FieldLiterals, test: Extract<Test, { kind: 'pattern' | 'regex' }>): readonly Literal[] {
  if (test.kind === 'regex') {
    const literal = requiredLiteral(test.source)
    return literal === undefined ? [] : [of.literal('contains', literal)]
  }
  const parts = foldPattern(test.parts)
  // A keyword is sought in the texts of all values in one: a literal with a NUL might lie across two.
  if (of.field === undefined) {
    const fit = parts.filter((part) => typeof part === 'string' && part !== '' && !part.includes('\u0000'))
    return fit.map((text) => of.literal('contains', text as string))
  }
  if (parts.every((part) => typeof part === 'string')) return [of.literal('equals', parts.join(''))]
  return parts.flatMap((part, index) => (typeof part === 'string' ? [of.literal(kindAt(parts, index), part)] : []))
}

/** How a literal stands in a pattern that has others beside it. */
function kindAt(parts: readonly PatternPart[], index: number): WitnessKind {
  return index === 0 ? 'prefix' : index === parts.length - 1 ? 'suffix' : 'contains'
}

function cheapest(candidates: readonly Chosen[]): Chosen {
  let best: Chosen
  let least = Infinity
  for (const candidate of candidates) {
    if (candidate === undefined) continue
    let total = 0
    for (const literal of candidate) total += literal.cost
    if (total >= least) continue
    best = candidate
    least = total
  }
  return best
}

function union(parts: readonly Chosen[]): Chosen {
  if (parts.length === 1) return parts[0]
  const all = new Set<Literal>()
  for (const part of parts) {
    if (part === undefined) return undefined
    for (const literal of part) all.add(literal)
    if (all.size > witnessesMax) return undefined
  }
  return [...all]
}
