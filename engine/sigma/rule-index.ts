/**
 * The index over the rules of one log source: from an event's texts to the rules that may match it.
 *
 * Pure. Stands inside the matcher. Each rule is filed under its witnesses (witness.ts): texts that equal, begin with, end with
 * or contain a literal. What is found is a candidate: the rule itself decides.
 */
import { compileCondition, type Check } from './evaluate.ts'
import type { FieldReader } from './fields.ts'
import { ContainsTable, Trie, type Filed } from './literal-tables.ts'
import type { SigmaRule } from './types.ts'
import { literalsOf, witnessesOf, witnessKey, type Cost, type Witness } from './witness.ts'

/** Where a rule stands among those of the index. */
type Entry = number

interface FieldIndex {
  readonly slot: number
  readonly equals: ReadonlyMap<string, readonly Entry[]> | undefined
  readonly prefixes: Trie | undefined
  readonly suffixes: Trie | undefined
  readonly contains: ContainsTable | undefined
  readonly present: readonly Entry[] | undefined
}

export class RuleIndex {
  readonly #rules: readonly { readonly rule: SigmaRule; readonly check: Check }[]
  readonly #fields: readonly FieldIndex[]
  /** Rules without a witness: tried on every event. */
  readonly #always: readonly Entry[]
  readonly #reader: FieldReader
  /** The turn at which a rule last became a candidate. */
  readonly #marks: Uint32Array
  readonly #candidates: Entry[] = []
  #turn = 0

  /** `rules` in the order in which matches are told. */
  constructor(rules: readonly SigmaRule[], reader: FieldReader) {
    this.#reader = reader
    this.#rules = rules.map((rule) => ({ rule, check: compileCondition(rule.condition, reader) }))
    this.#marks = new Uint32Array(rules.length)
    const { fields, always } = fileRules(rules, reader)
    this.#fields = fields
    this.#always = always
  }

  /** How many rules were candidates at the last `match`: for measuring. */
  get candidates(): number {
    return this.#candidates.length
  }

  /** Tells the rules that match the event that the reader holds. */
  match(onMatch: (rule: SigmaRule) => void): void {
    const candidates = this.#candidates
    candidates.length = 0
    if (++this.#turn === 0xffff_ffff) {
      this.#marks.fill(0)
      this.#turn = 1
    }
    this.#mark(this.#always)
    for (const field of this.#fields) this.#lookUp(field)
    if (candidates.length > 1) candidates.sort((a, b) => a - b)
    for (const entry of candidates) {
      const { rule, check } = this.#rules[entry]!
      if (check()) onMatch(rule)
    }
  }

  readonly #mark = (entries: readonly Entry[]): void => {
    const marks = this.#marks
    for (const entry of entries) {
      if (marks[entry] === this.#turn) continue
      marks[entry] = this.#turn
      this.#candidates.push(entry)
    }
  }

  readonly #markOn = (entries: readonly Entry[]): boolean => {
    this.#mark(entries)
    return false
  }

  #lookUp(field: FieldIndex): void {
    const texts = this.#reader.folded(field.slot)
    if (texts === undefined) return
    if (field.present !== undefined) this.#mark(field.present)
    if (typeof texts === 'string') this.#lookUpText(field, texts)
    else for (const text of texts) this.#lookUpText(field, text)
  }

  #lookUpText(field: FieldIndex, text: string): void {
    const equal = field.equals?.get(text)
    if (equal !== undefined) this.#mark(equal)
    field.prefixes?.look(text, this.#mark)
    field.suffixes?.look(text, this.#mark)
    field.contains?.look(text, this.#markOn)
  }
}

/** Files each rule under its cheapest witnesses. */
function fileRules(
  rules: readonly SigmaRule[],
  reader: FieldReader,
): { readonly fields: readonly FieldIndex[]; readonly always: readonly Entry[] } {
  const cost = costAmong(rules)
  const always: Entry[] = []
  const filed = new Map<string, { readonly witness: Witness; readonly entries: Entry[] }>()
  for (const [entry, rule] of rules.entries()) {
    const witnesses = witnessesOf(rule.condition, cost)
    if (witnesses === undefined) always.push(entry)
    for (const witness of witnesses ?? []) {
      const key = witnessKey(witness)
      const known = filed.get(key)
      if (known === undefined) filed.set(key, { witness, entries: [entry] })
      else known.entries.push(entry)
    }
  }
  const byField = Map.groupBy(filed.values(), ({ witness }) => witness.field)
  const fields = [...byField].map(([field, all]): FieldIndex => {
    const of = (kind: Witness['kind']): readonly Filed[] =>
      all
        .filter(({ witness }) => witness.kind === kind)
        .map(({ witness, entries }) => ({ text: witness.text, entries }))
    const table = <T>(kind: Witness['kind'], make: (literals: readonly Filed[]) => T): T | undefined => {
      const literals = of(kind)
      return literals.length === 0 ? undefined : make(literals)
    }
    return {
      slot: reader.slot(field),
      equals: table('equals', (literals) => new Map(literals.map(({ text, entries }) => [text, entries]))),
      prefixes: table('prefix', (literals) => new Trie(literals, false)),
      suffixes: table('suffix', (literals) => new Trie(literals, true)),
      contains: table('contains', (literals) => new ContainsTable(literals)),
      present: of('present')[0]?.entries,
    }
  })
  return { fields, always }
}

/** A literal that many rules name is one that many events have (`eventSource: s3.amazonaws.com`). */
function costAmong(rules: readonly SigmaRule[]): Cost {
  const named = new Map<string, number>()
  for (const { condition } of rules) {
    const own = new Set<string>()
    literalsOf(condition, (witness) => own.add(witnessKey(witness)))
    for (const key of own) named.set(key, (named.get(key) ?? 0) + 1)
  }
  return (witness) => {
    if (witness.kind === 'present') return 10_000
    const rarity = named.get(witnessKey(witness)) ?? 1
    // An equality costs one lookup; what may stand anywhere is found the oftener the shorter it is.
    if (witness.kind === 'equals') return rarity
    return rarity * (witness.kind === 'contains' ? 4 : 2) * (1 + 20 / (1 + witness.text.length ** 2))
  }
}
