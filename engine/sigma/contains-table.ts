/**
 * Which of many literals a text contains.
 *
 * Pure. Promise: a lookup costs what the text is long, and what is found; not how many literals there are. Literals are filed
 * under grams: the low bytes of four (or two) of their characters in one number. A text is gone through gram by gram; where
 * all literals are long, in strides, for each of them is then filed under as many grams as a stride has places. What else
 * shares a gram, comparing tells.
 */
import { golden, NumberTable } from './number-table.ts'
import type { Filed } from './trie.ts'

/** A literal and where its gram begins in it. */
interface Anchored extends Filed {
  readonly offset: number
}

/** A bitmap has 64 places for each gram, within these bounds: 256 bytes to 64 KiB. */
const gramBitsMin = 8
const gramBitsMax = 16

class GramTable {
  /** Whether any filed gram has this hash. */
  readonly bitmap: Uint8Array
  /** What is left of a hash is a place in the bitmap. */
  readonly shift: number
  readonly stride: number
  readonly #byGram = new NumberTable()
  readonly #filed: Anchored[][] = []

  /** `length`: characters of a gram. Literals have at least `length + stride - 1`. */
  constructor(literals: readonly Filed[], length: 2 | 4, stride: number) {
    const bits = Math.min(gramBitsMax, Math.max(gramBitsMin, 6 + Math.ceil(Math.log2(literals.length * stride))))
    this.bitmap = new Uint8Array(1 << bits)
    this.shift = 32 - bits
    this.stride = stride
    const common = new Map<number, number>()
    for (const { text } of literals) {
      for (const gram of gramsOf(text, length)) common.set(gram, (common.get(gram) ?? 0) + 1)
    }
    for (const literal of literals) {
      const grams = gramsOf(literal.text, length)
      const from = rarest(literal.text, grams, length, stride, common)
      for (let offset = from; offset < from + stride; offset++) this.#file(literal, grams[offset]!, offset)
    }
  }

  #file({ text, entries }: Filed, gram: number, offset: number): void {
    const known = this.#byGram.get(gram >>> 16, gram & 0xffff)
    const anchored = { text, entries, offset }
    if (known >= 0) this.#filed[known]!.push(anchored)
    else {
      this.#byGram.set(gram >>> 16, gram & 0xffff, this.#filed.length)
      this.#filed.push([anchored])
      this.bitmap[Math.imul(gram, golden) >>> this.shift] = 1
    }
  }

  /** The most literals under one gram. */
  get fullest(): number {
    return this.#filed.reduce((most, { length }) => Math.max(most, length), 0)
  }

  /** The literals whose gram this is. */
  filedUnder(gram: number): readonly Anchored[] | undefined {
    const index = this.#byGram.get(gram >>> 16, gram & 0xffff)
    return index < 0 ? undefined : this.#filed[index]
  }
}

/** The grams of a text, by where they begin. */
function gramsOf(text: string, length: number): readonly number[] {
  const mask = length === 4 ? -1 : 0xffff
  const grams: number[] = []
  let gram = 0
  for (let at = 0; at < text.length; at++) {
    gram = ((gram << 8) | (text.charCodeAt(at) & 0xff)) & mask
    if (at >= length - 1) grams.push(gram)
  }
  return grams
}

/** Where those grams begin that few literals share, and that texts seldom have: letters are common, other characters less. */
function rarest(
  text: string,
  grams: readonly number[],
  length: number,
  stride: number,
  common: ReadonlyMap<number, number>,
): number {
  const letters = (at: number): number => {
    const code = text.charCodeAt(at)
    return code >= 97 && code <= 122 ? 1 : 0
  }
  const weights: number[] = []
  let within = 0
  for (let at = 0; at < text.length; at++) {
    within += letters(at) - (at >= length ? letters(at - length) : 0)
    const begins = at - length + 1
    if (begins >= 0) weights.push(common.get(grams[begins]!)! * (1 + within))
  }
  let best = 0
  let least = Infinity
  let total = 0
  for (const [at, weight] of weights.entries()) {
    total += weight - (at >= stride ? weights[at - stride]! : 0)
    if (at < stride - 1 || total >= least) continue
    best = at - stride + 1
    least = total
  }
  return best
}

/** Few literals are sought one by one: each search is a native, vectorized loop. */
const directMax = 4
/** What that takes, and a step of the scan, in nanoseconds, about. */
const directCost = (chars: number): number => 20 + chars / 10
const stepCost = 2
const strideMax = 8
/** Literals that one gram may stand for in strides. */
const sharedMax = 32
/** Grams of one table past which strides get shorter. */
const filedMax = 50_000

/** A piece of a text as bytes. Filled and gone through in one call, in which nothing else fills it. */
const pieceChars = 8 * 5 * 7 * 3 * 64
const bytes = Buffer.alloc(pieceChars + 3)

const beyondLatin1 = /[^\u0000-\u00ff]/

/** A literal that is sought by itself. */
interface Direct extends Filed {
  /** What of it is sought first: from its rarest character on, which is what a search goes by. */
  readonly from: string
}

export class ContainsTable {
  readonly #direct: readonly Direct[]
  /** Of literals of four characters or more, and of two or three. */
  readonly #fours: GramTable | undefined
  readonly #twos: GramTable | undefined
  /** Literals with characters beyond Latin-1: texts without such characters have none of them. */
  readonly #wide: ContainsTable | undefined

  /** `chars`: how long texts are, about. */
  constructor(literals: readonly Filed[], chars = 60, parted = true) {
    const latin = parted ? literals.filter(({ text }) => !beyondLatin1.test(text)) : literals
    if (latin.length < literals.length) {
      this.#wide = new ContainsTable(
        literals.filter(({ text }) => beyondLatin1.test(text)),
        chars,
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
    if (alone < fours.length) this.#fours = gramTable(fours.slice(alone), fours[alone]!.text.length)
    this.#direct = direct.map((literal) => ({ ...literal, from: fromRarest(literal.text) }))
  }

  /**
   * Calls back for what a folded text has, until told (by `true`) that it is enough. Something found twice may be told
   * twice.
   */
  look(text: string, found: (entries: readonly number[]) => boolean): boolean {
    if ((this.#fours ?? this.#twos) !== undefined && this.#scan(text, found)) return true
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
  for (let alone = 0; alone <= directMax; alone++) {
    const stride = Math.min(strideMax, literals[alone]!.text.length - 3)
    const cost = alone * directCost(chars) + (chars / stride) * stepCost
    if (cost >= least) continue
    best = alone
    least = cost
  }
  return best
}

/** Letters from the commonest to the rarest of words, paths and commands; what is no letter, and not listed, is rarer. */
const byFrequency = 'eistnoarcldmpuh.\\ wfgbyvxkzqj'

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
function gramTable(literals: readonly Filed[], shortest: number): GramTable {
  const stride = Math.min(strideMax, shortest - 3, Math.floor(filedMax / literals.length))
  const strided = stride > 1 ? new GramTable(literals, 4, stride) : undefined
  return strided !== undefined && strided.fullest <= sharedMax ? strided : new GramTable(literals, 4, 1)
}

const yes = (): boolean => true

type Found = (entries: readonly number[]) => boolean

function scanStrides(table: GramTable, text: string, from: number, length: number, found: Found): boolean {
  const { bitmap, shift, stride } = table
  for (let at = 0; at + 3 < length; at += stride) {
    const gram = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (bitmap[Math.imul(gram, golden) >>> shift] === 0) continue
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
    if (bitmap[Math.imul(gram, golden) >>> shift] === 0) continue
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
    const four = bitmap[Math.imul(gram, golden) >>> shift]!
    const two = pairs[Math.imul(gram & 0xffff, golden) >>> pairShift]!
    if ((four | two) === 0) continue
    const long = four === 0 ? undefined : fours?.filedUnder(gram)
    if (long !== undefined && compare(long, text, from + at - 3, found)) return true
    const short = two === 0 ? undefined : twos.filedUnder(gram & 0xffff)
    if (short !== undefined && compare(short, text, from + at - 1, found)) return true
  }
  return false
}

const empty = new Uint8Array(2)

function compare(filed: readonly Anchored[], text: string, gramAt: number, found: Found): boolean {
  for (const { text: literal, entries, offset } of filed) {
    const start = gramAt - offset
    if (start >= 0 && text.startsWith(literal, start) && found(entries)) return true
  }
  return false
}
