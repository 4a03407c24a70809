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

const hashBits = 16
const hashMask = (1 << hashBits) - 1

/** Literals of `length` characters or more (1 to 3), each filed under one run of `length` of its characters: a gram. */
class GramTable {
  readonly #length: number
  /** So many bits a step push a character out of the hash once `length` others follow: it is that of the last gram alone. */
  readonly #shift: number
  /** Whether any filed gram has this hash. */
  readonly #bitmap = new Uint8Array(1 << hashBits)
  readonly #byGram = new Map<string, Filed[]>()

  constructor(literals: readonly Filed[], length: number) {
    this.#length = length
    this.#shift = Math.ceil(hashBits / length)
    const common = new Map<string, number>()
    for (const { text } of literals)
      for (const gram of gramsOf(text, length)) common.set(gram, (common.get(gram) ?? 0) + 1)
    for (const literal of literals) {
      const gram = rarest(gramsOf(literal.text, length), common)
      const filed = this.#byGram.get(gram)
      if (filed === undefined) this.#byGram.set(gram, [literal])
      else filed.push(literal)
      let hash = 0
      for (let at = 0; at < length; at++) hash = ((hash << this.#shift) ^ gram.charCodeAt(at)) & hashMask
      this.#bitmap[hash] = 1
    }
  }

  /** Calls back for what is found, until told (by `true`) that it is enough. */
  look(text: string, found: (entries: readonly number[]) => boolean): boolean {
    const bitmap = this.#bitmap
    const shift = this.#shift
    const before = this.#length - 1
    let hash = 0
    for (let at = 0; at < text.length; at++) {
      hash = ((hash << shift) ^ text.charCodeAt(at)) & hashMask
      if (bitmap[hash] === 0 || at < before) continue
      const filed = this.#byGram.get(text.slice(at - before, at + 1))
      if (filed === undefined) continue
      for (const literal of filed) if (text.includes(literal.text) && found(literal.entries)) return true
    }
    return false
  }
}

function gramsOf(text: string, length: number): readonly string[] {
  return Array.from({ length: text.length - length + 1 }, (_, at) => text.slice(at, at + length))
}

/** The gram that few literals share, and that texts seldom have: letters are common, other characters less so. */
function rarest(grams: readonly string[], common: ReadonlyMap<string, number>): string {
  let best = ''
  let least = Infinity
  for (const gram of grams) {
    const letters = gram.replace(/[^a-z]/g, '').length
    const weight = (common.get(gram) ?? 0) * (1 + letters)
    if (weight >= least) continue
    best = gram
    least = weight
  }
  return best
}

/** Few literals are sought one by one: each search is a native, vectorized loop. */
const directMax = 12
const gramLengthMax = 3

/** Which literals a text contains. */
export class ContainsTable {
  readonly #direct: readonly Filed[]
  readonly #grams: readonly GramTable[]

  constructor(literals: readonly Filed[]) {
    const direct: Filed[] = []
    const grams: GramTable[] = []
    for (const [length, alike] of Map.groupBy(literals, ({ text }) => Math.min(gramLengthMax, text.length))) {
      if (alike.length > directMax) grams.push(new GramTable(alike, length))
      else direct.push(...alike)
    }
    this.#direct = direct
    this.#grams = grams
  }

  /** Calls back for what is found, until told (by `true`) that it is enough. */
  look(text: string, found: (entries: readonly number[]) => boolean): boolean {
    for (const literal of this.#direct) if (text.includes(literal.text) && found(literal.entries)) return true
    for (const table of this.#grams) if (table.look(text, found)) return true
    return false
  }

  /** Whether the text contains any. */
  any(text: string): boolean {
    return this.look(text, enough)
  }
}

const enough = (): boolean => true
