/**
 * Whether an input and the last ones are one that is changed in a few values at a time, each by the same: so the equations of a model are
 * made (Tramèr et al. 2016), slopes are estimated (Chen et al. 2017, ZOO), and single values are tried (Guo et al. 2019, SimBA).
 *
 * Who asks for advice tries a value at several places before the next, or two of them on a grid; what is corrected changes by all kinds of
 * steps; and what flickers before a camera moves from one shade to the next. Pure.
 */

import { dimensionMax } from './input.ts'

/** Most values that may be unlike between two of them, and how often the least change may have been made of one. */
export const evenMax = 4
const timesMax = 2
/** One is tried, the one before is put back. */
const aloneMax = 2
/** What of a change equal ones may differ by. */
const near = 0.02
/** Changes below this share of the usual distance between two queries are those of a last digit. */
const leastShare = 0.01
/** How far off a grid of such steps a value must lie, as a share of the step: more than rounding explains. */
const offGrid = 0.15

export interface EvenChanges {
  /** Values that were changed, here or there. */
  readonly values: number
  /** Of these, alone or while another was put back. */
  readonly alone: number
  /** They are at no shades of a common scale. */
  readonly isOffGrid: boolean
}

export const notEven: EvenChanges = { values: 0, alone: 0, isOffGrid: false }

/** Of each value: it was changed, and it was alone. */
const changed = new Uint8Array(dimensionMax)

/** `steps`: from each of the ring to the input; `changes`: how many values differ; `scale`: the usual distance between two queries. */
export function evennessAmong(
  x: Float64Array,
  ring: readonly Float64Array[],
  steps: readonly Float64Array[],
  changes: Float64Array,
  scale: number,
): EvenChanges {
  const least = leastChange(x, ring, steps, changes)
  if (least === Infinity || least < leastShare * scale) return notEven
  changed.fill(0, 0, x.length)
  for (let n = 0; n < ring.length; n++) {
    if (!isFew(changes[n]!) || !isEven(x, ring[n]!, steps[n]!, least)) continue
    const bits = changes[n]! <= aloneMax ? 3 : 1
    for (let i = 0; i < x.length; i++) if (steps[n]![i] !== 0) changed[i]! |= bits
  }
  let [values, alone, first, isOffGrid] = [0, 0, NaN, false]
  for (let i = 0; i < x.length; i++) {
    if (changed[i] === 0) continue
    values++
    if (changed[i] === 3) alone++
    if (Number.isNaN(first)) first = x[i]!
    const parts = (x[i]! - first) / least
    if (Math.abs(parts - Math.round(parts)) > offGrid) isOffGrid = true
  }
  return { values, alone, isOffGrid }
}

function isFew(changes: number): boolean {
  return changes >= 1 && changes <= evenMax
}

/** Of a value that is not at an end of the scale, where changes are cut off; if all are, of any. */
function leastChange(
  x: Float64Array,
  ring: readonly Float64Array[],
  steps: readonly Float64Array[],
  changes: Float64Array,
): number {
  let [least, leastOfAll] = [Infinity, Infinity]
  for (let n = 0; n < ring.length; n++) {
    if (!isFew(changes[n]!)) continue
    for (let i = 0; i < x.length; i++) {
      const size = Math.abs(steps[n]![i]!)
      if (size === 0) continue
      if (size < leastOfAll) leastOfAll = size
      if (size < least && !isEnd(x[i]!) && !isEnd(ring[n]![i]!)) least = size
    }
  }
  return least === Infinity ? leastOfAll : least
}

/** Whether each value that differs does so by the least change or twice that, or less where it was cut off. */
function isEven(x: Float64Array, earlier: Float64Array, step: Float64Array, least: number): boolean {
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(step[i]!)
    if (size === 0) continue
    const [end, before] = [isEnd(x[i]!), isEnd(earlier[i]!)]
    // A flag that is put the other way.
    if (end && before) return false
    const times = Math.round(size / least)
    const isTimes = times >= 1 && times <= timesMax && Math.abs(size - times * least) <= near * times * least
    if (!isTimes && !((end || before) && size < least)) return false
  }
  return true
}

/** Scaled inputs are cut off there. */
function isEnd(value: number): boolean {
  return value === 0 || value === 1
}
