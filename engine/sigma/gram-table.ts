/**
 * Literals under the grams within them: two, four or eight characters (of each its low byte) in one number.
 *
 * Pure. Stands under contains-table.ts, which goes through a text and asks for what is filed under its grams. A literal is filed
 * under as many grams as a stride has places, so that going in strides meets one of them.
 */
import type { GramCounts } from './gram-counts.ts'
import { golden, NumberTable } from './number-table.ts'
import { Trie, type Filed } from './trie.ts'

export type GramLength = 2 | 4 | 8

/** A literal and where its gram begins in it; or very many, by their beginnings. */
export interface Anchored extends Filed {
  readonly offset: number
  readonly many?: Trie
}

/** Literals under one gram beyond which they are looked up by their beginnings: each that shares a gram has to be compared. */
export const sharedMax = 32

/** A bitmap has 64 bits for each gram, within these bounds: 32 bytes to 32 KiB. */
const gramBitsMin = 8
const gramBitsMax = 18

export class GramTable {
  /** One bit a hash: whether any filed gram has it. */
  readonly bitmap: Int32Array
  /** What is left of a hash is a bit's number. */
  readonly shift: number
  readonly length: GramLength
  readonly stride: number
  readonly #byGram = new NumberTable()
  readonly #filed: Anchored[][] = []

  /** Literals have at least `length + stride - 1` characters. `counts`: how common sequences are in texts like these. */
  constructor(literals: readonly Filed[], length: GramLength, stride: number, counts?: GramCounts) {
    const bits = Math.min(gramBitsMax, Math.max(gramBitsMin, 6 + Math.ceil(Math.log2(literals.length * stride))))
    this.bitmap = new Int32Array(1 << (bits - 5))
    this.shift = 32 - bits
    this.length = length
    this.stride = stride
    const shared = new Map<number, number>()
    for (const { text } of literals) {
      for (const gram of gramsOf(text, length)) shared.set(gram, (shared.get(gram) ?? 0) + 1)
    }
    for (const literal of literals) {
      const grams = gramsOf(literal.text, length)
      const from = rarest(literal.text, grams, { length, stride, shared, counts })
      for (let offset = from; offset < from + stride; offset++) this.#file(literal, grams[offset]!, offset)
    }
    if (stride === 1 && this.fullest > sharedMax) this.#thin()
  }

  /** Literals that are made alike, of two letters say, go under their first grams: there one walk finds those that fit. */
  #thin(): void {
    const byGram = new Map<number, Filed[]>()
    for (const [at, filed] of this.#filed.entries()) {
      if (filed.length <= sharedMax) continue
      this.#filed[at] = []
      for (const literal of filed) {
        const [first] = gramsOf(literal.text.slice(0, this.length), this.length)
        const same = byGram.get(first!)
        if (same === undefined) byGram.set(first!, [literal])
        else same.push(literal)
      }
    }
    for (const [gram, alike] of byGram) {
      this.#file({ text: '', entries: [] }, gram, 0, new Trie(alike, false))
    }
  }

  #file({ text, entries }: Filed, gram: number, offset: number, many?: Trie): void {
    const known = this.#byGram.get(gram >>> 16, gram & 0xffff)
    const anchored: Anchored = many === undefined ? { text, entries, offset } : { text, entries, offset, many }
    if (known >= 0) this.#filed[known]!.push(anchored)
    else {
      this.#byGram.set(gram >>> 16, gram & 0xffff, this.#filed.length)
      this.#filed.push([anchored])
      const hash = Math.imul(gram, golden) >>> this.shift
      this.bitmap[hash >>> 5]! |= 1 << (hash & 31)
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

/** Eight characters in one number: different ones may share it. */
export function gramOfEight(first: number, second: number): number {
  return Math.imul(first, golden) ^ second
}

/** The grams of a text, by where they begin. */
function gramsOf(text: string, length: GramLength): readonly number[] {
  if (length === 8) {
    const fours = gramsOf(text, 4)
    return Array.from({ length: Math.max(0, fours.length - 4) }, (_, at) => gramOfEight(fours[at]!, fours[at + 4]!))
  }
  const mask = length === 4 ? -1 : 0xffff
  const grams: number[] = []
  let gram = 0
  for (let at = 0; at < text.length; at++) {
    gram = ((gram << 8) | (text.charCodeAt(at) & 0xff)) & mask
    if (at >= length - 1) grams.push(gram)
  }
  return grams
}

interface Commonness {
  readonly length: GramLength
  readonly stride: number
  /** How many of the table's literals have a gram. */
  readonly shared: ReadonlyMap<number, number>
  readonly counts: GramCounts | undefined
}

/** Where those grams begin that few literals share, and that texts seldom have: letters are common, other characters less. */
function rarest(text: string, grams: readonly number[], { length, stride, shared, counts }: Commonness): number {
  const letters = (at: number): number => {
    const code = text.charCodeAt(at)
    return code >= 97 && code <= 122 ? 1 : 0
  }
  const seen = counts?.along(text)
  const weights: number[] = []
  let within = 0
  for (let at = 0; at < text.length; at++) {
    within += letters(at) - (at >= length ? letters(at - length) : 0)
    const begins = at - length + 1
    if (begins >= 0) weights.push(shared.get(grams[begins]!)! * (1 + within) * (1 + (seen?.[begins] ?? 0)))
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
