/**
 * What a tensor's numbers are, without regard to their order: the digest of how often each occurs.
 *
 * Neurons that change places and matrices that are turned over leave it as it is. Numbers are rounded to bfloat16
 * first, to the nearest and even, as casts do, so that such a cast leaves it too. Of numbers spelled plainly alone, and
 * of so many different ones that two tensors with nothing in common hardly ever have each as often: of networks of 1
 * and -1 there are too few.
 */
import { createHash } from 'node:crypto'
import { halfOf } from './half.ts'
import type { NumberFormat } from './tensor.ts'

const minusZero = 0x8000

/** Of a tensor with fewer numbers nothing is told: looking through all that may occur costs as much. */
export const unorderedMin = 4_096

/** So seldom may two tensors with nothing in common have the same numbers. */
const alikeSignificance = 1e-11

export class Unordered {
  readonly #counts = new Float64Array(65_536)
  #halves: Uint16Array | undefined

  /** False: this spelling is not counted. The chunk begins and ends with whole numbers. */
  add(chunk: Uint8Array, format: NumberFormat): boolean {
    const counts = this.#counts
    // Typed arrays begin where their numbers may.
    const { buffer, byteOffset, length } = chunk.byteOffset % 8 === 0 ? chunk : Uint8Array.from(chunk)
    if (format === 'bf16') {
      const codes = new Uint16Array(buffer, byteOffset, length / 2)
      for (let n = 0; n < codes.length; n++) counts[codes[n]!]!++
    } else if (format === 'f16') {
      const table = (this.#halves ??= halfTable())
      const halves = new Uint16Array(buffer, byteOffset, length / 2)
      for (let n = 0; n < halves.length; n++) counts[table[halves[n]!]!]!++
    } else if (format === 'f32') {
      const singles = new Uint32Array(buffer, byteOffset, length / 4)
      for (let n = 0; n < singles.length; n++) counts[roundedOf(singles[n]!)]!++
    } else if (format === 'f64') {
      const singles = Float32Array.from(new Float64Array(buffer, byteOffset, length / 8))
      const bits = new Uint32Array(singles.buffer)
      for (let n = 0; n < bits.length; n++) counts[roundedOf(bits[n]!)]!++
    } else return false
    return true
  }

  /** The digest, SHA-256; undefined: others may have as many of each by chance. Begins anew. */
  take(): string | undefined {
    const counts = this.#counts
    counts[0]! += counts[minusZero]!
    counts[minusZero] = 0
    if (logChance(counts) > Math.log(alikeSignificance)) {
      counts.fill(0)
      return undefined
    }
    const digest = createHash('sha256').update(new Uint8Array(counts.buffer)).digest('hex')
    counts.fill(0)
    return digest
  }
}

/**
 * Of drawing numbers that occur as often as these once more with each as often: of independent Poisson counts two are
 * equal with a probability of about 1 / √(4πc), of their sum likewise.
 */
function logChance(counts: Float64Array): number {
  let [log, all] = [0, 0]
  for (let n = 0; n < counts.length; n++) {
    const count = counts[n]!
    if (count === 0) continue
    log -= Math.log(4 * Math.PI * count) / 2
    all += count
  }
  return log + Math.log(4 * Math.PI * all) / 2
}

/** The upper half of a float's bits, rounded to the nearest, ties to even. */
function roundedOf(bits: number): number {
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

function halfTable(): Uint16Array {
  const bits = new Uint32Array(Float32Array.from({ length: 65_536 }, (_, half) => halfOf(half)).buffer)
  return Uint16Array.from(bits, roundedOf)
}
