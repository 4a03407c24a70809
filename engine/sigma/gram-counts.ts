/**
 * How common a text is within others, by the sequences of four characters that it has in common with them.
 *
 * Pure. Stands under the choice of witnesses (witness.ts). About, and rather too much: sequences are counted by their hash, and a
 * text is taken to be wherever the rarest of its sequences is.
 */
import { golden } from './number-table.ts'

const gramBits = 16
const gramShift = 32 - gramBits
/** Texts that there are before any is counted: of a few, nothing can be said. */
const textsMin = 20

export class GramCounts {
  readonly #counts = new Uint32Array(1 << gramBits)
  #texts = 0

  add(text: string): void {
    this.#texts++
    let gram = 0
    for (let at = 0; at < text.length; at++) {
      gram = (gram << 8) | (text.charCodeAt(at) & 0xff)
      if (at >= 3) this.#counts[Math.imul(gram, golden) >>> gramShift]!++
    }
  }

  /** How often texts have each sequence of a text, by where it begins. */
  along(text: string): readonly number[] {
    const counts: number[] = []
    let gram = 0
    for (let at = 0; at < text.length; at++) {
      gram = (gram << 8) | (text.charCodeAt(at) & 0xff)
      if (at >= 3) counts.push(this.#counts[Math.imul(gram, golden) >>> gramShift]!)
    }
    return counts
  }

  /** The share of the other texts that have a text, which must have been added, within them; 0 for fewer than four characters. */
  shareWith(text: string): number {
    let least = Infinity
    let gram = 0
    for (let at = 0; at < text.length; at++) {
      gram = (gram << 8) | (text.charCodeAt(at) & 0xff)
      if (at >= 3) least = Math.min(least, this.#counts[Math.imul(gram, golden) >>> gramShift]!)
    }
    return least === Infinity ? 0 : (least - 1) / (this.#texts + textsMin)
  }
}
