/**
 * Tables of literals: which of many are at a text's beginning, at its end, anywhere within it.
 *
 * Pure. Promise: a lookup costs what the text is long (`ContainsTable`) or what it shares with a literal (`Trie`), and what is
 * found; not how many literals there are. Both are packed into typed arrays: millions of small maps would cost more to
 * build and to hold than all rules together.
 */

/** What is filed under a literal. */
export interface Filed {
  readonly text: string
  readonly entries: readonly number[]
}

const golden = 0x9e37_79b1

/** Numbers under numbers, by open addressing. Keys are not negative. */
class NumberTable {
  #keys: Float64Array
  #values: Int32Array
  #shift: number
  #count = 0

  constructor() {
    this.#keys = new Float64Array(16).fill(-1)
    this.#values = new Int32Array(16)
    this.#shift = 28
  }

  /** -1: there is none. */
  get(high: number, low: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    const key = high * 65_536 + low
    for (let at = hashOf(high, low) >>> this.#shift; ; at = (at + 1) & mask) {
      const here = keys[at]!
      if (here === key) return this.#values[at]!
      if (here < 0) return -1
    }
  }

  set(high: number, low: number, value: number): void {
    if (++this.#count * 2 > this.#keys.length) this.#grow()
    const mask = this.#keys.length - 1
    const key = high * 65_536 + low
    let at = hashOf(high, low) >>> this.#shift
    while (this.#keys[at]! >= 0 && this.#keys[at] !== key) at = (at + 1) & mask
    this.#keys[at] = key
    this.#values[at] = value
  }

  #grow(): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = new Float64Array(keys.length * 2).fill(-1)
    this.#values = new Int32Array(keys.length * 2)
    this.#shift--
    this.#count = 1
    for (const [at, key] of keys.entries()) {
      if (key < 0) continue
      const low = key % 65_536
      this.set((key - low) / 65_536, low, values[at]!)
    }
  }
}

function hashOf(high: number, low: number): number {
  return Math.imul(Math.imul(high, golden) ^ low, golden) >>> 0
}

/** Literals by their characters from the start, or from the end. */
export class Trie {
  readonly #edges = new NumberTable()
  /** By node: what ends there. */
  readonly #entries: (readonly number[] | undefined)[] = [undefined]
  readonly #fromEnd: boolean

  constructor(literals: readonly Filed[], fromEnd: boolean) {
    this.#fromEnd = fromEnd
    for (const { text, entries } of literals) {
      let node = 0
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(fromEnd ? text.length - 1 - at : at)
        let next = this.#edges.get(node, code)
        if (next < 0) {
          next = this.#entries.length
          this.#entries.push(undefined)
          this.#edges.set(node, code, next)
        }
        node = next
      }
      this.#entries[node] = entries
    }
  }

  look(text: string, found: (entries: readonly number[]) => void): void {
    const edges = this.#edges
    const last = text.length - 1
    const fromEnd = this.#fromEnd
    let node = 0
    for (let at = 0; at <= last; at++) {
      node = edges.get(node, text.charCodeAt(fromEnd ? last - at : at))
      if (node < 0) return
      const entries = this.#entries[node]
      if (entries !== undefined) found(entries)
    }
  }
}

const gramBits = 16

/** A literal and where its gram begins in it. */
interface Anchored extends Filed {
  readonly offset: number
}

/**
 * Literals of `length` characters or more (1 to 4), each filed under one run of `length` of its characters: a gram. A gram is
 * the low bytes of its characters in one 32-bit number; that other characters share them, comparing tells.
 */
class GramTable {
  readonly #length: number
  readonly #mask: number
  /** Whether any filed gram has this hash. */
  readonly #bitmap = new Uint8Array(1 << gramBits)
  readonly #byGram = new NumberTable()
  readonly #filed: Anchored[][] = []

  constructor(literals: readonly Filed[], length: number) {
    this.#length = length
    this.#mask = length === 4 ? -1 : 2 ** (8 * length) - 1
    const common = new Map<number, number>()
    for (const { text } of literals) {
      for (const gram of gramsOf(text, length)) common.set(gram, (common.get(gram) ?? 0) + 1)
    }
    for (const literal of literals) {
      const offset = rarest(literal.text, length, common)
      const gram = gramAt(literal.text, offset, length)
      const known = this.#byGram.get(gram >>> 16, gram & 0xffff)
      const anchored = { ...literal, offset }
      if (known >= 0) this.#filed[known]!.push(anchored)
      else {
        this.#byGram.set(gram >>> 16, gram & 0xffff, this.#filed.length)
        this.#filed.push([anchored])
      }
      this.#bitmap[Math.imul(gram, golden) >>> (32 - gramBits)] = 1
    }
  }

  /** Calls back for what is found, until told (by `true`) that it is enough. Something found twice may be told twice. */
  look(text: string, found: (entries: readonly number[]) => boolean): boolean {
    const bitmap = this.#bitmap
    const mask = this.#mask
    const before = this.#length - 1
    const end = text.length
    let gram = 0
    for (let at = 0; at < end; at++) {
      gram = ((gram << 8) | (text.charCodeAt(at) & 0xff)) & mask
      if (bitmap[Math.imul(gram, golden) >>> (32 - gramBits)] === 0 || at < before) continue
      if (this.#verify(text, gram, at - before, found)) return true
    }
    return false
  }

  #verify(text: string, gram: number, at: number, found: (entries: readonly number[]) => boolean): boolean {
    const index = this.#byGram.get(gram >>> 16, gram & 0xffff)
    if (index < 0) return false
    for (const literal of this.#filed[index]!) {
      if (text.startsWith(literal.text, at - literal.offset) && at >= literal.offset && found(literal.entries))
        return true
    }
    return false
  }
}

/** The gram that begins at `at`, as a 32-bit number. */
function gramAt(text: string, at: number, length: number): number {
  let gram = 0
  for (let index = at; index < at + length; index++) gram = (gram << 8) | (text.charCodeAt(index) & 0xff)
  return gram
}

function gramsOf(text: string, length: number): readonly number[] {
  return Array.from({ length: text.length - length + 1 }, (_, at) => gramAt(text, at, length))
}

/** Where the gram begins that few literals share, and that texts seldom have: letters are common, other characters less so. */
function rarest(text: string, length: number, common: ReadonlyMap<number, number>): number {
  let best = 0
  let least = Infinity
  for (let at = 0; at + length <= text.length; at++) {
    const letters = text.slice(at, at + length).replace(/[^a-z]/g, '').length
    const weight = (common.get(gramAt(text, at, length)) ?? 0) * (1 + letters)
    if (weight >= least) continue
    best = at
    least = weight
  }
  return best
}

/** Few literals are sought one by one: each search is a native, vectorized loop. */
const directMax = 4
const gramLengthMax = 4

/** Which literals a text contains. */
export class ContainsTable {
  readonly #direct: readonly Filed[]
  readonly #grams: readonly GramTable[]

  constructor(literals: readonly Filed[]) {
    const direct: Filed[] = []
    const grams: GramTable[] = []
    for (const [length, alike] of Map.groupBy(literals, ({ text }) => Math.min(gramLengthMax, text.length))) {
      if (alike.length > directMax && length > 0) grams.push(new GramTable(alike, length))
      else direct.push(...alike)
    }
    this.#direct = direct
    this.#grams = grams
  }

  /** Calls back for what is found, until told (by `true`) that it is enough. Something found twice may be told twice. */
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
