/**
 * Ways between pairs of inputs. Who fools one input halves ways that all end at it; who copies a model by its boundary
 * halves the way between two inputs of different classes, and then between another two (Lowd and Meek 2005; Tramèr et
 * al. 2016). Pure.
 */
import { packed, unpacked } from '../../input/packed.ts'

/** The two inputs that a way was seen to run between. */
export type Way = readonly [Float64Array, Float64Array]

/** So many of the last are kept, to know one that runs elsewhere from them. */
const keptMax = 3
/**
 * How far past each other two ways run, as a share of the longer, if they have no end in common: such meet but for what
 * is kept of inputs.
 */
const apartShare = 0.2

/**
 * What is kept of the last ways with the newest added; undefined: it has an end in common with one of them, or is one
 * of them.
 */
export function withWay(kept: readonly string[], [from, to]: Way): string[] | undefined {
  const ends = Float32Array.from([...from, ...to])
  if (kept.some((other) => meet(ends, unpacked(other)))) return undefined
  return [...kept, packed(ends)].slice(-keptMax)
}

/** Whether the straight lines that two ways are part of meet somewhere, as they do at an end that both have. */
function meet(one: Float32Array, other: Float32Array): boolean {
  const length = one.length / 2
  if (other.length !== one.length) return false
  let [aa, ab, bb, ac, bc, cc] = [0, 0, 0, 0, 0, 0]
  for (let i = 0; i < length; i++) {
    const a = one[length + i]! - one[i]!
    const b = other[length + i]! - other[i]!
    const c = other[i]! - one[i]!
    aa += a * a
    ab += a * b
    bb += b * b
    ac += a * c
    bc += b * c
    cc += c * c
  }
  // What of `c` lies across the one, and of that across what of the other does.
  const [across, acrossBoth] = [bb - (ab * ab) / aa, bc - (ab * ac) / aa]
  const left = cc - (ac * ac) / aa
  const gap = across > 1e-9 * bb ? left - (acrossBoth * acrossBoth) / across : left
  return gap <= apartShare ** 2 * Math.max(aa, bb)
}
