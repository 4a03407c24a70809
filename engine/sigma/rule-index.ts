/**
 * The index over the rules of one log source: from an event's texts to the rules that may match it.
 *
 * Pure. Stands inside the matcher. Each rule is filed under its witnesses (witness.ts): texts that equal, begin with, end with
 * or contain a literal. What is found is a candidate: the rule itself decides.
 */
import { CidrTable } from './cidr.ts'
import { ContainsTable } from './contains-table.ts'
import type { Check } from './evaluate.ts'
import type { FieldReader } from './fields.ts'
import type { GramCounts } from './gram-counts.ts'
import { ThresholdTable, type ThresholdOp } from './threshold-table.ts'
import { Trie, type Filed } from './trie.ts'
import type { MatchedRule } from './types.ts'
import { WitnessFinder, type Witness, type WitnessKind } from './witness.ts'

/** Where a rule stands among those of the index. */
type Entry = number

/** What is filed under the texts of one field, or of the whole event. */
interface TextIndex {
  readonly equals: EqualTable | undefined
  readonly prefixes: Trie | undefined
  readonly suffixes: Trie | undefined
  readonly contains: ContainsTable | undefined
  readonly blocks: CidrTable<readonly Entry[]> | undefined
  readonly thresholds: ThresholdTable | undefined
  readonly present: readonly Entry[] | undefined
}

export class RuleIndex<Rule extends MatchedRule> {
  readonly #rules: readonly Rule[]
  /** Made when a rule first is a candidate: of thousands most never are. */
  readonly #checks: (Check | undefined)[]
  readonly #checkOf: (rule: Rule) => Check
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
  constructor(rules: readonly Rule[], reader: FieldReader, checkOf: (rule: Rule) => Check) {
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
  match(onMatch: (rule: Rule) => void, mask?: Uint32Array): void {
    const bits = this.#bits
    bits.set(this.#always)
    const { present, presentCount } = this.#reader
    for (let at = 0; at < presentCount; at++) {
      const slot = present[at]!
      const field = this.#fields[slot]
      if (field !== undefined) this.#lookUp(field, slot)
    }
    this.#keywords?.look(this.#reader.allText().joined, this.#markOn)
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
    field.equals?.look(text, this.#mark)
    field.prefixes?.look(text, this.#mark)
    field.suffixes?.look(text, this.#mark)
    field.contains?.look(text, this.#markOn)
    field.blocks?.look(text, this.#markOn)
    field.thresholds?.look(text, this.#mark)
  }
}

interface FiledRules {
  readonly fields: readonly (TextIndex | undefined)[]
  readonly keywords: ContainsTable | undefined
  readonly always: readonly Entry[]
}

/** What is filed for one field: by kind, by text. */
type FieldDraft = Partial<Record<WitnessKind, Map<string, Entry[]>>>

/** Files each rule under its cheapest witnesses. */
function fileRules(rules: readonly MatchedRule[], reader: FieldReader): FiledRules {
  const finder = new WitnessFinder(rules.map(({ condition }) => condition))
  const always: Entry[] = []
  const drafts = new Map<string | undefined, FieldDraft>()
  for (const [entry, { condition }] of rules.entries()) {
    const witnesses = finder.find(condition)
    if (witnesses === undefined) always.push(entry)
    else for (const witness of witnesses) fileWitness(drafts, witness, entry)
  }
  const fields: (TextIndex | undefined)[] = []
  let keywords: ContainsTable | undefined
  for (const [field, draft] of drafts) {
    const index = textIndex(draft, field === undefined ? eventChars : fieldChars, finder.grams)
    if (field === undefined) keywords = index.contains
    else fields[reader.slot(field)] = index
  }
  return { fields: Array.from(fields), keywords, always }
}

function fileWitness(drafts: Map<string | undefined, FieldDraft>, { field, kind, text }: Witness, entry: Entry): void {
  let draft = drafts.get(field)
  if (draft === undefined) drafts.set(field, (draft = {}))
  const byText = (draft[kind] ??= new Map<string, Entry[]>())
  const known = byText.get(text)
  if (known === undefined) byText.set(text, [entry])
  else known.push(entry)
}

/** How long texts are, about: of one field, and of all of an event. */
const fieldChars = 60
const eventChars = 800

function textIndex(draft: FieldDraft, chars: number, grams: GramCounts): TextIndex {
  const table = <T>(kind: WitnessKind, make: (literals: readonly Filed[]) => T): T | undefined => {
    const filed = draft[kind]
    return filed === undefined ? undefined : make(Array.from(filed, ([text, entries]) => ({ text, entries })))
  }
  return {
    equals: draft.equals === undefined ? undefined : new EqualTable(draft.equals),
    prefixes: table('prefix', (literals) => new Trie(literals, false)),
    suffixes: table('suffix', (literals) => new Trie(literals, true)),
    contains: table('contains', (literals) => new ContainsTable(literals, chars, grams)),
    blocks: draft.block === undefined ? undefined : new CidrTable(draft.block, (one, more) => [...one, ...more]),
    thresholds: thresholdTable(draft),
    present: draft.present?.get(''),
  }
}

const thresholdOps: readonly ThresholdOp[] = ['gt', 'gte', 'lt', 'lte']

function thresholdTable(draft: FieldDraft): ThresholdTable | undefined {
  const thresholds = thresholdOps.flatMap((op) =>
    Array.from(draft[op] ?? [], ([text, entries]) => ({ op, to: Number(text), entries })),
  )
  return thresholds.length === 0 ? undefined : new ThresholdTable(thresholds)
}

/** Longer texts count as of this length. */
const lengthMax = 255

/** What texts are equal to. Most have a length that no literal has: these are not even hashed. */
class EqualTable {
  readonly #byText: ReadonlyMap<string, readonly Entry[]>
  readonly #lengths = new Uint8Array(lengthMax + 1)

  constructor(byText: ReadonlyMap<string, readonly Entry[]>) {
    this.#byText = byText
    for (const text of byText.keys()) this.#lengths[Math.min(text.length, lengthMax)] = 1
  }

  look(text: string, found: (entries: readonly Entry[]) => void): void {
    if (this.#lengths[Math.min(text.length, lengthMax)] === 0) return
    const entries = this.#byText.get(text)
    if (entries !== undefined) found(entries)
  }
}
