/**
 * Which of many literals a text contains.
 *
 * Pure. Promise: a lookup costs what the text is long, and what is found; not how many literals there are. Literals are filed
 * under grams (gram-table.ts). A text is gone through gram by gram; where all literals are long, in strides, and where all are
 * very long (hashes), by grams of eight characters. What else shares a gram, comparing tells.
 */
import type { GramCounts } from './gram-counts.ts'
import { gramOfEight, GramTable, sharedMax, type Anchored } from './gram-table.ts'
import { golden } from './number-table.ts'
import type { Filed } from './trie.ts'

/** Few literals are sought one by one: each search is a native, vectorized loop. */
const directMax = 4
/** More, where the others then can be gone through in longer strides. */
const aloneMax = 8
/** What that takes, by how common what it goes by is, and a step of the scan, in nanoseconds, about. */
const directCost = (literal: string, chars: number): number =>
  12 + chars / (commonLetters.has(fromRarest(literal)[0]!) ? 8 : 80)
const stepCost = 1
const strideMax = 8
/** Strides from which grams of eight characters pay. */
const eightsStrideMin = 4
/** Grams of one table past which strides get shorter. */
const filedMax = 50_000

/** A piece of a text as bytes. Filled and gone through in one call, in which nothing else fills it. */
const pieceChars = 8 * 5 * 7 * 3 * 64
/** A gram may begin in one piece and end in the next. */
const overlap = 7
const bytes = Buffer.alloc(pieceChars + overlap)
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

const beyondLatin1 = /[^\u0000-\u00ff]/

/** A literal that is sought by itself. */
interface Direct extends Filed {
  /** What of it is sought first: from its rarest character on, which is what a search goes by. */
  readonly from: string
}

export class ContainsTable {
  readonly #direct: readonly Direct[]
  /** Where all that are not sought one by one are very long; then there are no others. */
  readonly #eights: GramTable | undefined
  /** Of literals of four characters or more, and of two or three. */
  readonly #fours: GramTable | undefined
  readonly #twos: GramTable | undefined
  /** Literals with characters beyond Latin-1: texts without such characters have none of them. */
  readonly #wide: ContainsTable | undefined

  /** `chars`: how long texts are, about. `counts`: how common sequences are in them. */
  constructor(literals: readonly Filed[], chars = 60, counts?: GramCounts, parted = true) {
    const latin = parted ? literals.filter(({ text }) => !beyondLatin1.test(text)) : literals
    if (latin.length < literals.length) {
      this.#wide = new ContainsTable(
        literals.filter(({ text }) => beyondLatin1.test(text)),
        chars,
        counts,
        false,
      )
    }
    const direct = latin.filter(({ text }) => text.length < 2)
    const twos = latin.filter(({ text }) => text.length === 2 || text.length === 3)
    if (twos.length <= directMax) direct.push(...twos)
    else this.#twos = new GramTable(twos, 2, 1)
    const fours = latin.filter(({ text }) => text.length > 3).sort((a, b) => a.text.length - b.text.length)
    const alone = fours.length <= directMax ? fours.length : soughtAlone(fours, chars)
    direct.push(...fours.slice(0, alone))
    const scanned = fours.slice(alone)
    if (scanned.length > 0) {
      const table = gramTable(scanned, scanned[0]!.text.length, counts)
      if (table.length === 8) this.#eights = table
      else this.#fours = table
    }
    this.#direct = direct.map((literal) => ({ ...literal, from: fromRarest(literal.text) }))
  }

  /**
   * Calls back for what a folded text has, until told (by `true`) that it is enough. Something found twice may be told
   * twice.
   */
  look(text: string, found: (entries: readonly number[]) => boolean): boolean {
    if ((this.#eights ?? this.#fours ?? this.#twos) !== undefined && this.#scan(text, found)) return true
    for (const { text: literal, from, entries } of this.#direct) {
      if (text.includes(from) && (from === literal || text.includes(literal)) && found(entries)) return true
    }
    if (this.#wide === undefined) return false
    // As long in UTF-8 as in characters: plain ASCII, told faster than by going through it.
    return Buffer.byteLength(text) > text.length && beyondLatin1.test(text) && this.#wide.look(text, found)
  }

  /** Whether the text contains any. */
  any(text: string): boolean {
    return this.look(text, yes)
  }

  #scan(text: string, found: (entries: readonly number[]) => boolean): boolean {
    for (let from = 0; from < text.length; from += pieceChars) {
      const whole = from === 0 && text.length <= bytes.length
      const length = bytes.write(whole ? text : text.slice(from, from + bytes.length), 'latin1')
      if (this.#eights !== undefined && scanEights(this.#eights, text, from, length, found)) return true
      const { stride = 0 } = this.#fours ?? {}
      if (stride > 1 && scanStrides(this.#fours!, text, from, length, found)) return true
      const fours = stride === 1 ? this.#fours : undefined
      if (this.#twos !== undefined) {
        if (scanBoth(fours, this.#twos, text, from, length, found)) return true
      } else if (fours !== undefined && scanFours(fours, text, from, length, found)) return true
    }
    return false
  }
}

/** How many of the literals, which begin with the shortest, are sought alone so that strides get longer for the others. */
function soughtAlone(literals: readonly Filed[], chars: number): number {
  let best = 0
  let least = Infinity
  let direct = 0
  for (let alone = 0; alone <= Math.min(aloneMax, literals.length - 1); alone++) {
    if (alone > 0) direct += directCost(literals[alone - 1]!.text, chars)
    const stride = Math.min(strideMax, literals[alone]!.text.length - 3)
    const cost = direct + (chars / stride) * stepCost
    if (cost >= least) continue
    best = alone
    least = cost
  }
  return best
}

/** Letters from the commonest to the rarest of words, paths and commands; what is no letter, and not listed, is rarer. */
const byFrequency = 'eistnoarcldmpuh.\\ wfgbyvxkzqj'
const commonLetters: ReadonlySet<string> = new Set(byFrequency)

/** A literal from its rarest character on; two characters are left at least, where it has as many. */
function fromRarest(text: string): string {
  const rank = (at: number): number => {
    const place = byFrequency.indexOf(text.charAt(at))
    return place < 0 ? byFrequency.length : place
  }
  let best = 0
  for (let at = 1; at < text.length - 1; at++) if (rank(at) > rank(best)) best = at
  return text.slice(best)
}

/** In strides where that does not file many literals under one gram: literals made alike would make each step dear. */
function gramTable(literals: readonly Filed[], shortest: number, counts: GramCounts | undefined): GramTable {
  const strideMost = Math.min(strideMax, Math.max(1, Math.floor(filedMax / literals.length)))
  const eights = strideMost >= eightsStrideMin && shortest >= 7 + strideMost
  const stride = eights ? strideMost : Math.min(strideMost, shortest - 3)
  const strided = stride > 1 ? new GramTable(literals, eights ? 8 : 4, stride, counts) : undefined
  return strided !== undefined && strided.fullest <= sharedMax ? strided : new GramTable(literals, 4, 1, counts)
}

const yes = (): boolean => true

type Found = (entries: readonly number[]) => boolean

function scanStrides(table: GramTable, text: string, from: number, length: number, found: Found): boolean {
  const { bitmap, shift, stride } = table
  for (let at = 0; at + 3 < length; at += stride) {
    const gram = view.getInt32(at)
    const hash = Math.imul(gram, golden) >>> shift
    if (((bitmap[hash >>> 5]! >>> hash) & 1) === 0) continue
    const filed = table.filedUnder(gram)
    if (filed !== undefined && compare(filed, text, from + at, found)) return true
  }
  return false
}

/** By grams of eight characters: of four hexadecimal digits there are too few kinds to tell much. */
function scanEights(table: GramTable, text: string, from: number, length: number, found: Found): boolean {
  const { bitmap, shift, stride } = table
  for (let at = 0; at + 7 < length; at += stride) {
    const gram = gramOfEight(view.getInt32(at), view.getInt32(at + 4))
    const hash = Math.imul(gram, golden) >>> shift
    if (((bitmap[hash >>> 5]! >>> hash) & 1) === 0) continue
    const filed = table.filedUnder(gram)
    if (filed !== undefined && compare(filed, text, from + at, found)) return true
  }
  return false
}

function scanFours(table: GramTable, text: string, from: number, length: number, found: Found): boolean {
  const { bitmap, shift } = table
  let gram = 0
  for (let at = 0; at < length; at++) {
    gram = (gram << 8) | bytes[at]!
    const hash = Math.imul(gram, golden) >>> shift
    if (((bitmap[hash >>> 5]! >>> hash) & 1) === 0) continue
    const filed = table.filedUnder(gram)
    if (filed !== undefined && compare(filed, text, from + at - 3, found)) return true
  }
  return false
}

/** The same, with two tables in one go. */
function scanBoth(
  fours: GramTable | undefined,
  twos: GramTable,
  text: string,
  from: number,
  length: number,
  found: Found,
): boolean {
  const bitmap = fours?.bitmap ?? empty
  const shift = fours?.shift ?? 31
  const pairs = twos.bitmap
  const pairShift = twos.shift
  let gram = 0
  for (let at = 0; at < length; at++) {
    gram = (gram << 8) | bytes[at]!
    const fourHash = Math.imul(gram, golden) >>> shift
    const twoHash = Math.imul(gram & 0xffff, golden) >>> pairShift
    const four = (bitmap[fourHash >>> 5]! >>> fourHash) & 1
    const two = (pairs[twoHash >>> 5]! >>> twoHash) & 1
    if ((four | two) === 0) continue
    const long = four === 0 ? undefined : fours?.filedUnder(gram)
    if (long !== undefined && compare(long, text, from + at - 3, found)) return true
    const short = two === 0 ? undefined : twos.filedUnder(gram & 0xffff)
    if (short !== undefined && compare(short, text, from + at - 1, found)) return true
  }
  return false
}

const empty = new Int32Array(1)

function compare(filed: readonly Anchored[], text: string, gramAt: number, found: Found): boolean {
  for (const { text: literal, entries, offset, many } of filed) {
    const start = gramAt - offset
    if (start < 0) continue
    if (many !== undefined) {
      let enough = false
      many.look(text, (each) => (enough ||= found(each)), start)
      if (enough) return true
    } else if (text.startsWith(literal, start) && found(entries)) return true
  }
  return false
}
