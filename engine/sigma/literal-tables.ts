/**
 * Tables of literals: which of many are at a text's beginning, at its end, anywhere within it.
 *
 * Pure. Promise: a lookup costs what the text is long (`GramTable`) or what it shares with a literal (`Trie`), not how many
 * literals there are.
 */

/** What is filed under a literal. */
export interface Filed {
  readonly text: string
  readonly entries: readonly number[]
}

interface TrieNode {
  readonly next: Map<number, TrieNode>
  entries: readonly number[] | undefined
}

/** Literals by their characters from the start, or from the end. */
export class Trie {
  readonly #root: TrieNode = { next: new Map(), entries: undefined }
  readonly #fromEnd: boolean

  constructor(literals: readonly Filed[], fromEnd: boolean) {
    this.#fromEnd = fromEnd
    for (const { text, entries } of literals) {
      let node = this.#root
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(fromEnd ? text.length - 1 - at : at)
        let next = node.next.get(code)
        if (next === undefined) {
          next = { next: new Map(), entries: undefined }
          node.next.set(code, next)
        }
        node = next
      }
      node.entries = entries
    }
  }

  look(text: string, found: (entries: readonly number[]) => void): void {
    let node: TrieNode | undefined = this.#root
    const last = text.length - 1
    for (let at = 0; at <= last; at++) {
      node = node.next.get(text.charCodeAt(this.#fromEnd ? last - at : at))
      if (node === undefined) return
      if (node.entries !== undefined) found(node.entries)
    }
  }
}

const gramLength = 3
const hashBits = 16
const hashMask = (1 << hashBits) - 1
/** Three steps push a character out of the hash: it is that of the last three characters alone. */
const hashShift = 6

function step(hash: number, code: number): number {
  return ((hash << hashShift) ^ code) & hashMask
}

/** Literals of three characters or more, each filed under one of its trigrams. */
export class GramTable {
  /** Whether any filed trigram has this hash. */
  readonly #bitmap = new Uint8Array(1 << hashBits)
  readonly #byGram = new Map<string, Filed[]>()

  constructor(literals: readonly Filed[]) {
    const common = new Map<string, number>()
    for (const { text } of literals) for (const gram of gramsOf(text)) common.set(gram, (common.get(gram) ?? 0) + 1)
    for (const literal of literals) {
      const gram = rarestGram(literal.text, common)
      const filed = this.#byGram.get(gram)
      if (filed === undefined) this.#byGram.set(gram, [literal])
      else filed.push(literal)
      let hash = 0
      for (let at = 0; at < gramLength; at++) hash = step(hash, gram.charCodeAt(at))
      this.#bitmap[hash] = 1
    }
  }

  look(text: string, found: (entries: readonly number[]) => void): void {
    const bitmap = this.#bitmap
    let hash = 0
    for (let at = 0; at < text.length; at++) {
      hash = step(hash, text.charCodeAt(at))
      if (bitmap[hash] === 0 || at < gramLength - 1) continue
      const filed = this.#byGram.get(text.slice(at - gramLength + 1, at + 1))
      if (filed === undefined) continue
      for (const literal of filed) if (text.includes(literal.text)) found(literal.entries)
    }
  }
}

function* gramsOf(text: string): Generator<string> {
  for (let at = 0; at + gramLength <= text.length; at++) yield text.slice(at, at + gramLength)
}

/** Few literals share it, and texts seldom have it: letters are common, other characters less so. */
function rarestGram(text: string, common: ReadonlyMap<string, number>): string {
  let best = ''
  let least = Infinity
  for (const gram of gramsOf(text)) {
    const letters = gram.replace(/[^a-z]/g, '').length
    const weight = (common.get(gram) ?? 0) * (1 + letters)
    if (weight >= least) continue
    best = gram
    least = weight
  }
  return best
}

/** Few or short literals are sought one by one; a search is a native, vectorized loop. */
const directMax = 12

/** Which literals a text contains. */
export class ContainsTable {
  readonly #direct: readonly Filed[]
  readonly #grams: GramTable | undefined

  constructor(literals: readonly Filed[]) {
    const long = literals.filter(({ text }) => text.length >= gramLength)
    const gramsPay = long.length > directMax
    this.#grams = gramsPay ? new GramTable(long) : undefined
    this.#direct = gramsPay ? literals.filter(({ text }) => text.length < gramLength) : literals
  }

  look(text: string, found: (entries: readonly number[]) => void): void {
    for (const literal of this.#direct) if (text.includes(literal.text)) found(literal.entries)
    this.#grams?.look(text, found)
  }
}
