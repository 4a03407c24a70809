/**
 * Tables of literals: which of many are at a text's beginning, at its end, anywhere within it.
 *
 * Pure. Promise: a lookup costs what the text is long (`ContainsTable`) or what it shares with a literal (`Trie`), and what is
 * found; not how many literals there are. Both are packed into typed arrays: millions of small maps would cost more to
 * build and to hold than all rules together.
 */
import { fold } from './pattern.ts'

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

/** A bitmap has 32 places for each literal, within these bounds: 256 bytes to 64 KiB. */
const gramBitsMin = 8
const gramBitsMax = 16

/** A literal and where its gram begins in it. */
interface Anchored extends Filed {
  readonly offset: number
}

/**
 * Literals of `length` characters or more (2 or 4), each filed under one run of `length` of its characters: a gram. A gram is
 * the low bytes of its characters in one 32-bit number, with the bit set that parts capital ASCII letters from small ones, so
 * that texts need not be folded to be looked through; what else shares a gram, comparing tells.
 */
class GramTable {
  /** Whether any filed gram has this hash. */
  readonly bitmap: Uint8Array
  /** What is left of a hash is a place in the bitmap. */
  readonly shift: number
  readonly #byGram = new NumberTable()
  readonly #filed: Anchored[][] = []

  constructor(literals: readonly Filed[], length: number) {
    const bits = Math.min(gramBitsMax, Math.max(gramBitsMin, 5 + Math.ceil(Math.log2(literals.length))))
    this.bitmap = new Uint8Array(1 << bits)
    this.shift = 32 - bits
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
      this.bitmap[Math.imul(gram, golden) >>> this.shift] = 1
    }
  }

  /** The literals whose gram this is. */
  filedUnder(gram: number): readonly Anchored[] | undefined {
    const index = this.#byGram.get(gram >>> 16, gram & 0xffff)
    return index < 0 ? undefined : this.#filed[index]
  }
}

/** The gram that begins at `at`, as a 32-bit number. */
function gramAt(text: string, at: number, length: number): number {
  let gram = 0
  for (let index = at; index < at + length; index++) gram = (gram << 8) | ((text.charCodeAt(index) | 0x20) & 0xff)
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
    let letters = 0
    for (let index = at; index < at + length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 97 && code <= 122) letters++
    }
    const weight = (common.get(gramAt(text, at, length)) ?? 0) * (1 + letters)
    if (weight >= least) continue
    best = at
    least = weight
  }
  return best
}

/** Few literals are sought one by one: each search is a native, vectorized loop. */
const directMax = 4
/** Told at once, on texts that V8 holds in one byte a character: most are. */
const beyondLatin1 = /[^\u0000-\u00ff]/

/** Which literals a text contains. */
export class ContainsTable {
  readonly #direct: readonly Filed[]
  /** Of literals of four characters or more, and of two or three. */
  readonly #fours: GramTable | undefined
  readonly #twos: GramTable | undefined
  /** Literals with characters beyond Latin-1: texts without such characters have none of them. */
  readonly #wide: ContainsTable | undefined

  constructor(literals: readonly Filed[], parted = true) {
    const latin = parted ? literals.filter(({ text }) => !beyondLatin1.test(text)) : literals
    if (latin.length < literals.length) {
      const wide = literals.filter(({ text }) => beyondLatin1.test(text))
      this.#wide = new ContainsTable(wide, false)
    }
    const few = latin.length <= directMax
    const long = latin.filter(({ text }) => text.length >= 4)
    const short = latin.filter(({ text }) => text.length >= 2 && text.length < 4)
    this.#direct = few ? latin : latin.filter(({ text }) => text.length < 2)
    this.#fours = few || long.length === 0 ? undefined : new GramTable(long, 4)
    this.#twos = few || short.length === 0 ? undefined : new GramTable(short, 2)
  }

  /**
   * Calls back for what a folded text has, until told (by `true`) that it is enough. Something found twice may be told
   * twice.
   */
  look(text: string, found: (entries: readonly number[]) => boolean): boolean {
    return this.#scan(text, text, found) || this.#lookElsewhere(text, found)
  }

  /** The same for a text as it came, which is folded only where it may have something. */
  lookRaw(text: string, found: (entries: readonly number[]) => boolean): boolean {
    if (this.#direct.length > 0 || !isAscii(text)) return this.look(fold(text), found)
    return this.#scan(text, undefined, found)
  }

  /** Whether the text contains any. */
  any(text: string): boolean {
    return this.look(text, yes)
  }

  #lookElsewhere(text: string, found: (entries: readonly number[]) => boolean): boolean {
    for (const literal of this.#direct) if (text.includes(literal.text) && found(literal.entries)) return true
    return this.#wide !== undefined && beyondLatin1.test(text) && this.#wide.look(text, found)
  }

  #scan(text: string, folded: string | undefined, found: (entries: readonly number[]) => boolean): boolean {
    if (this.#twos === undefined) return this.#fours !== undefined && scanFours(this.#fours, text, folded, found)
    return scanBoth(this.#fours, this.#twos, text, folded, found)
  }
}

const yes = (): boolean => true

const beyondAscii = /[^\u0000-\u007f]/

function isAscii(text: string): boolean {
  return !beyondAscii.test(text)
}

/** Goes through a text character by character. `folded`: the same text folded, of the same length, if it is known. */
function scanFours(
  table: GramTable,
  text: string,
  folded: string | undefined,
  found: (entries: readonly number[]) => boolean,
): boolean {
  const { bitmap, shift } = table
  const end = text.length
  let gram = 0
  for (let at = 0; at < end; at++) {
    gram = (gram << 8) | ((text.charCodeAt(at) | 0x20) & 0xff)
    if (bitmap[Math.imul(gram, golden) >>> shift] === 0) continue
    const filed = table.filedUnder(gram)
    if (filed === undefined) continue
    folded ??= fold(text)
    if (compare(filed, folded, at - 3, found)) return true
  }
  return false
}

/** The same, with two tables in one go. */
function scanBoth(
  fours: GramTable | undefined,
  twos: GramTable,
  text: string,
  folded: string | undefined,
  found: (entries: readonly number[]) => boolean,
): boolean {
  const bitmap = fours?.bitmap ?? empty
  const shift = fours?.shift ?? 31
  const pairs = twos.bitmap
  const pairShift = twos.shift
  const end = text.length
  let gram = 0
  for (let at = 0; at < end; at++) {
    gram = (gram << 8) | ((text.charCodeAt(at) | 0x20) & 0xff)
    const four = bitmap[Math.imul(gram, golden) >>> shift]!
    const two = pairs[Math.imul(gram & 0xffff, golden) >>> pairShift]!
    if ((four | two) === 0) continue
    const long = four === 0 ? undefined : fours?.filedUnder(gram)
    const short = two === 0 ? undefined : twos.filedUnder(gram & 0xffff)
    if (long === undefined && short === undefined) continue
    folded ??= fold(text)
    if (long !== undefined && compare(long, folded, at - 3, found)) return true
    if (short !== undefined && compare(short, folded, at - 1, found)) return true
  }
  return false
}

const empty = new Uint8Array(2)

function compare(
  filed: readonly Anchored[],
  text: string,
  gramAt: number,
  found: (entries: readonly number[]) => boolean,
): boolean {
  for (const literal of filed) {
    const start = gramAt - literal.offset
    if (start >= 0 && text.startsWith(literal.text, start) && found(literal.entries)) return true
  }
  return false
}
