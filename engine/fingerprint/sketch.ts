/** Sketches held against each other: where neither tensor has a zero, which pruning or quantizing may have put there. */
import { logBinomialTail } from '../behavior/statistics/evidence.ts'
import type { TensorPrint } from './fingerprint.ts'

/** Share of bits of a sketch that may differ. */
const nearShare = 0.2
/** So seldom do tensors with nothing in common agree in as many of the bits that can be compared. */
const nearSignificance = 1e-11

interface Sketch {
  readonly bits: Uint8Array
  readonly zeros: Uint8Array
}

/** How two tensors of one length agree. */
export type Match =
  | { readonly how: 'same' | 'reordered'; readonly tensor: TensorPrint; readonly differs: 0 }
  | { readonly how: 'near'; readonly tensor: TensorPrint; readonly differs: number }

/** The tensors of a file, to be found by what is in them. */
export class TensorIndex {
  readonly #bySha = new Map<string, TensorPrint>()
  readonly #byNumbers = new Map<string, TensorPrint>()
  readonly #byLength = new Map<number, { tensor: TensorPrint; sketch: Sketch }[]>()

  constructor(tensors: readonly TensorPrint[]) {
    for (const tensor of tensors) {
      this.#bySha.set(tensor.sha256, tensor)
      const sketch = sketchOf(tensor)
      if (sketch === undefined) continue
      if (tensor.unordered !== undefined) this.#byNumbers.set(tensor.unordered, tensor)
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
    let nearest: Match | undefined
    for (const candidate of this.#byLength.get(of.elements) ?? []) {
      const comparable = count(sketch, candidate.sketch, () => 0xff)
      const differing = count(sketch, candidate.sketch, (a, b) => a ^ b)
      const differs = differing / comparable
      // Also where nothing can be compared.
      if (!(differs <= (nearest?.differs ?? nearShare))) continue
      if (logBinomialTail(comparable - differing, comparable, 0.5) > Math.log(nearSignificance)) continue
      nearest = { how: 'near', tensor: candidate.tensor, differs }
    }
    if (nearest !== undefined || of.unordered === undefined) return nearest
    const reordered = this.#byNumbers.get(of.unordered)
    return reordered?.elements === of.elements ? { how: 'reordered', tensor: reordered, differs: 0 } : undefined
  }
}

/**
 * Of the bits in which ours is not as the base: how many there are, and in how many of them the found one is as ours.
 * Undefined: the three can't be compared.
 */
export function ownBits(ours: TensorPrint, found: TensorPrint, base: TensorPrint): { own: number; taken: number } {
  const [a, b, c] = [sketchOf(ours), sketchOf(found), sketchOf(base)]
  if (a === undefined || b === undefined || c === undefined) return { own: 0, taken: 0 }
  const zeros = a.zeros.map((byte, n) => byte | b.zeros[n]! | c.zeros[n]!)
  const [ourBits, others] = [
    { bits: a.bits, zeros },
    { bits: c.bits, zeros },
  ]
  return {
    own: count(ourBits, others, (x, y) => x ^ y),
    taken: count(ourBits, others, (x, y, n) => (x ^ y) & ~(x ^ b.bits[n]!)),
  }
}

function sketchOf({ sketch, zeros, elements }: TensorPrint): Sketch | undefined {
  if (sketch === undefined) return undefined
  const bits = Buffer.from(sketch, 'hex')
  const none = zeros === undefined ? Buffer.alloc(bits.length) : Buffer.from(zeros, 'hex')
  // What lies beyond the last number is no bit.
  if (elements < 8 * bits.length) {
    for (let n = elements; n < 8 * bits.length; n++) none[n >> 3]! |= 1 << (n & 7)
  }
  return { bits, zeros: none }
}

/** Ones of what is made of the bits of two sketches, byte by byte, where neither has a zero. */
function count(a: Sketch, b: Sketch, of: (a: number, b: number, n: number) => number): number {
  let ones = 0
  for (let n = 0; n < a.bits.length; n++) {
    let byte = of(a.bits[n]!, b.bits[n] ?? 0, n) & ~a.zeros[n]! & ~(b.zeros[n] ?? 0) & 0xff
    for (; byte !== 0; byte &= byte - 1) ones++
  }
  return ones
}
