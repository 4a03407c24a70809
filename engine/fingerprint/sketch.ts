/** Sketches held against each other: where neither tensor has a zero, which pruning or quantizing may have put there. */
import { logBinomialTail } from '../behavior/statistics/evidence.ts'
import type { TensorPrint } from './fingerprint.ts'

/** Share of bits of a sketch that may differ. */
const nearShare = 0.2
/** So seldom do tensors with nothing in common agree in as many of the bits that can be compared. */
const nearSignificance = 1e-11
/** Of the tensor with the same name: so near a one need not be looked for among all others. */
const surelyNear = nearShare / 2

/** In words of 32 bits. */
interface Sketch {
  readonly bits: Uint32Array
  /** Which of them can be compared: those of no zero. */
  readonly known: Uint32Array
}

interface Sketched {
  readonly tensor: TensorPrint
  readonly sketch: Sketch
}

/** How two tensors of one length agree. */
export type Match =
  | { readonly how: 'same' | 'reordered'; readonly tensor: TensorPrint; readonly differs: 0 }
  | { readonly how: 'near'; readonly tensor: TensorPrint; readonly differs: number }

/** The tensors of a file, to be found by what is in them. */
export class TensorIndex {
  readonly #bySha = new Map<string, TensorPrint>()
  readonly #byNumbers = new Map<string, TensorPrint>()
  readonly #byLength = new Map<number, Sketched[]>()
  readonly #byName = new Map<string, Sketched>()

  constructor(tensors: readonly TensorPrint[]) {
    for (const tensor of tensors) {
      this.#bySha.set(tensor.sha256, tensor)
      const sketch = sketchOf(tensor)
      if (sketch === undefined) continue
      if (tensor.unordered !== undefined) this.#byNumbers.set(tensor.unordered, tensor)
      this.#byName.set(tensor.name, { tensor, sketch })
      const list = this.#byLength.get(tensor.elements)
      if (list === undefined) this.#byLength.set(tensor.elements, [{ tensor, sketch }])
      else list.push({ tensor, sketch })
    }
  }

  /** The same bytes; else the nearest that is near; else the same numbers in another order. */
  match(of: TensorPrint): Match | undefined {
    const same = this.#bySha.get(of.sha256)
    if (same !== undefined) return { how: 'same', tensor: same, differs: 0 }
    const sketch = sketchOf(of)
    if (sketch === undefined) return undefined
    const nearest = this.#nearest(of, sketch)
    if (nearest !== undefined || of.unordered === undefined) return nearest
    const reordered = this.#byNumbers.get(of.unordered)
    return reordered?.elements === of.elements ? { how: 'reordered', tensor: reordered, differs: 0 } : undefined
  }

  #nearest(of: TensorPrint, sketch: Sketch): Match | undefined {
    const namesake = this.#byName.get(of.name)
    const first = namesake?.tensor.elements === of.elements ? nearOf(sketch, namesake, surelyNear) : undefined
    if (first !== undefined) return first
    let nearest: Match | undefined
    for (const candidate of this.#byLength.get(of.elements) ?? []) {
      nearest = nearOf(sketch, candidate, nearest?.differs ?? nearShare) ?? nearest
    }
    return nearest
  }
}

/** Undefined: more than a share of the bits differ, or as many agree by chance. */
function nearOf(sketch: Sketch, { tensor, sketch: other }: Sketched, most: number): Match | undefined {
  let [comparable, differing] = [0, 0]
  for (let n = 0; n < sketch.bits.length; n++) {
    const known = sketch.known[n]! & other.known[n]!
    comparable += onesOf(known)
    differing += onesOf((sketch.bits[n]! ^ other.bits[n]!) & known)
  }
  // Also where nothing can be compared.
  if (!(differing <= most * comparable)) return undefined
  if (logBinomialTail(comparable - differing, comparable, 0.5) > Math.log(nearSignificance)) return undefined
  return { how: 'near', tensor, differs: differing / comparable }
}

/** Of the bits in which ours is not as the base: how many there are, and in how many of them the found one is as ours. */
export function ownBits(ours: TensorPrint, found: TensorPrint, base: TensorPrint): { own: number; taken: number } {
  const [a, b, c] = [sketchOf(ours), sketchOf(found), sketchOf(base)]
  let [own, taken] = [0, 0]
  if (a === undefined || b === undefined || c === undefined) return { own, taken }
  for (let n = 0; n < a.bits.length; n++) {
    const bits = (a.bits[n]! ^ c.bits[n]!) & a.known[n]! & b.known[n]! & c.known[n]!
    own += onesOf(bits)
    taken += onesOf(bits & ~(a.bits[n]! ^ b.bits[n]!))
  }
  return { own, taken }
}

function sketchOf({ sketch, zeros, elements }: TensorPrint): Sketch | undefined {
  if (sketch === undefined) return undefined
  const known = wordsOf(zeros ?? '', sketch.length / 2).map((word) => ~word)
  // What lies beyond the last number is no bit.
  for (let n = elements; n < 32 * known.length; n++) known[n >> 5]! &= ~(1 << (n & 31))
  return { bits: wordsOf(sketch, sketch.length / 2), known }
}

function wordsOf(hex: string, bytes: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  for (const [n, byte] of Buffer.from(hex, 'hex').entries()) words[n >> 2]! |= byte << (8 * (n & 3))
  return words
}

/** How many bits of a word are set (Warren, Hacker's Delight, 5-1). */
function onesOf(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
