/**
 * The index over the rules of one log source: from an event's texts to the rules that may match it.
 *
 * Pure. Stands inside the matcher. Each rule is filed under its witnesses (witness.ts): texts that equal, begin with, end with
 * or contain a literal. What is found is a candidate: the rule itself decides.
 */
import type { Check } from './evaluate.ts'
import type { FieldReader } from './fields.ts'
import { ContainsTable, Trie, type Filed } from './literal-tables.ts'
import type { SigmaRule } from './types.ts'
import { literalsOf, witnessesOf, witnessKey, type Cost, type Witness } from './witness.ts'

/** Where a rule stands among those of the index. */
type Entry = number

/** What is filed under the texts of one field, or of the whole event. */
interface TextIndex {
  readonly equals: ReadonlyMap<string, readonly Entry[]> | undefined
  readonly prefixes: Trie | undefined
  readonly suffixes: Trie | undefined
  readonly contains: ContainsTable | undefined
  readonly present: readonly Entry[] | undefined
}

export class RuleIndex {
  readonly #rules: readonly SigmaRule[]
  /** Made when a rule first is a candidate: of thousands most never are. */
  readonly #checks: (Check | undefined)[]
  readonly #checkOf: (rule: SigmaRule) => Check
  /** By slot. */
  readonly #fields: readonly (TextIndex | undefined)[]
  readonly #keywords: ContainsTable | undefined
  readonly #reader: FieldReader
  /** One bit a rule: those without a witness, tried on every event. */
  readonly #always: Uint32Array
  /** One bit a rule: the candidates of the event at hand. Walked from the lowest, they come in the rules' order. */
  readonly #bits: Uint32Array
  #candidates = 0

  /** `rules` in the order in which matches are told. `checkOf` compiles a rule, and remembers it. */
  constructor(rules: readonly SigmaRule[], reader: FieldReader, checkOf: (rule: SigmaRule) => Check) {
    this.#reader = reader
    this.#rules = rules
    this.#checks = Array<Check | undefined>(rules.length).fill(undefined)
    this.#checkOf = checkOf
    this.#bits = new Uint32Array(Math.ceil(rules.length / 32))
    this.#always = new Uint32Array(this.#bits.length)
    const { fields, keywords, always } = fileRules(rules, reader)
    this.#fields = fields
    this.#keywords = keywords
    for (const entry of always) this.#always[entry >>> 5]! |= 1 << (entry & 31)
  }

  /** How many rules were candidates at the last `match`: for measuring. */
  get candidates(): number {
    return this.#candidates
  }

  /** Tells the rules that match the event that the reader holds. `mask`: one bit a rule, set for those that may. */
  match(onMatch: (rule: SigmaRule) => void, mask?: Uint32Array): void {
    const bits = this.#bits
    bits.set(this.#always)
    const { present } = this.#reader
    for (let at = 0; at < present.length; at++) {
      const slot = present[at]!
      const field = this.#fields[slot]
      if (field !== undefined) this.#lookUp(field, slot)
    }
    if (this.#keywords !== undefined)
      for (const text of this.#reader.allText().values) this.#keywords.lookRaw(text, this.#markOn)
    let candidates = 0
    for (let word = 0; word < bits.length; word++) {
      // What stays set after an error in a check would only be tried again.
      for (let left = mask === undefined ? bits[word]! : bits[word]! & mask[word]!; left !== 0; left &= left - 1) {
        const entry = (word << 5) + 31 - Math.clz32(left & -left)
        candidates++
        const check = (this.#checks[entry] ??= this.#checkOf(this.#rules[entry]!))
        if (check()) onMatch(this.#rules[entry]!)
      }
    }
    this.#candidates = candidates
  }

  readonly #mark = (entries: readonly Entry[]): void => {
    const bits = this.#bits
    for (const entry of entries) bits[entry >>> 5]! |= 1 << (entry & 31)
  }

  readonly #markOn = (entries: readonly Entry[]): boolean => {
    this.#mark(entries)
    return false
  }

  #lookUp(field: TextIndex, slot: number): void {
    const texts = this.#reader.folded(slot)
    if (texts === undefined) return
    if (field.present !== undefined) this.#mark(field.present)
    if (typeof texts === 'string') this.#lookUpText(field, texts)
    else for (const text of texts) this.#lookUpText(field, text)
  }

  #lookUpText(field: TextIndex, text: string): void {
    const equal = field.equals?.get(text)
    if (equal !== undefined) this.#mark(equal)
    field.prefixes?.look(text, this.#mark)
    field.suffixes?.look(text, this.#mark)
    field.contains?.look(text, this.#markOn)
  }
}

interface FiledRules {
  readonly fields: readonly (TextIndex | undefined)[]
  readonly keywords: ContainsTable | undefined
  readonly always: readonly Entry[]
}

/** Files each rule under its cheapest witnesses. */
function fileRules(rules: readonly SigmaRule[], reader: FieldReader): FiledRules {
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
  const fields: (TextIndex | undefined)[] = []
  let keywords: ContainsTable | undefined
  for (const [field, all] of Map.groupBy(filed.values(), ({ witness }) => witness.field)) {
    const index = textIndex(all)
    if (field === undefined) keywords = index.contains
    else fields[reader.slot(field)] = index
  }
  return { fields: Array.from(fields), keywords, always }
}

function textIndex(all: readonly { readonly witness: Witness; readonly entries: readonly Entry[] }[]): TextIndex {
  const table = <T>(kind: Witness['kind'], make: (literals: readonly Filed[]) => T): T | undefined => {
    const literals = all
      .filter(({ witness }) => witness.kind === kind)
      .map(({ witness, entries }) => ({ text: witness.text, entries }))
    return literals.length === 0 ? undefined : make(literals)
  }
  return {
    equals: table('equals', (literals) => new Map(literals.map(({ text, entries }) => [text, entries]))),
    prefixes: table('prefix', (literals) => new Trie(literals, false)),
    suffixes: table('suffix', (literals) => new Trie(literals, true)),
    contains: table('contains', (literals) => new ContainsTable(literals)),
    present: table('present', (literals) => literals[0]!.entries),
  }
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
    // Keywords are sought in all of the event.
    const reach = witness.field === undefined ? 8 : witness.kind === 'contains' ? 4 : 2
    return rarity * reach * (1 + 20 / (1 + witness.text.length ** 2))
  }
}
