/**
 * A short vector in place of an input: what is close in one is close in the other.
 *
 * A count sketch with fixed signs (Charikar, Chen and Farach-Colton 2002) of sixteen values: squared distances come out right
 * in the mean, with a spread of about a third. Inputs of sixteen values and fewer are their own sketch. Who has been found
 * close by its sketch is then compared in full. Pure.
 */
import { dimensionMax } from '../../input/input.ts'
import type { Few } from './few.ts'

export const sketchLength = 16

const signs = Int8Array.from({ length: dimensionMax }, (_, n) => (mixed(n + 1) & 0x10000 ? 1 : -1))

/** Writes the sketch of an input to `into`, from `at` on. */
export function sketch(x: Float64Array, into: Float64Array, at: number): void {
  const { length } = x
  for (let n = 0; n < sketchLength; n++) into[at + n] = n < length ? x[n]! * signs[n]! : 0
  for (let n = sketchLength; n < length; n++) into[at + (n & (sketchLength - 1))]! += x[n]! * signs[n]!
}

/** The squared distance of a sketch to the one that begins at `b`. */
export function sketchedDistance(a: Float64Array, sketches: Float64Array, b: number): number {
  let s0 = 0
  let s1 = 0
  for (let k = 0; k < sketchLength; k += 8) {
    s0 += fourth(a, k, sketches, b + k)
    s1 += fourth(a, k + 4, sketches, b + k + 4)
  }
  return s0 + s1
}

/** What four values add to it. */
function fourth(a: Float64Array, k: number, sketches: Float64Array, at: number): number {
  const d0 = a[k]! - sketches[at]!
  const d1 = a[k + 1]! - sketches[at + 1]!
  const d2 = a[k + 2]! - sketches[at + 2]!
  const d3 = a[k + 3]! - sketches[at + 3]!
  return d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3)
}

/**
 * Puts the slots of inputs of this length that are closest by their sketches. Written as one loop: for each query it looks at
 * all that are remembered, and a number that is handed out of a function costs more than four differences.
 */
export function putClosest(
  few: Few,
  a: Float64Array,
  sketches: Float64Array,
  lengths: Uint8Array,
  length: number,
): void {
  few.count = 0
  let most = Infinity
  for (let slot = 0; slot < lengths.length; slot++) {
    if (lengths[slot] !== length) continue
    const b = slot * sketchLength
    let s0 = 0
    let s1 = 0
    for (let k = 0; k < sketchLength; k += 8) {
      s0 += fourth(a, k, sketches, b + k)
      if (s0 >= most) break
      s1 += fourth(a, k + 4, sketches, b + k + 4)
      if (s0 + s1 >= most) break
    }
    if (!(s0 + s1 < most)) continue
    few.put(slot, s0 + s1)
    most = few.most
  }
}

function mixed(seed: number): number {
  let h = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
