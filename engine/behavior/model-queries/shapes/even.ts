/**
 * Whether an input and the last ones are one base of which one value after another was changed by the same: so the
 * equations of a model are made (Tramèr et al. 2016), slopes are estimated (Chen et al. 2017, ZOO), and single values
 * are tried (Guo et al. 2019, SimBA).
 *
 * Who asks for advice tries a value at several places before the next, or two of them on a grid; what is corrected
 * changes by all kinds of steps; and of what flickers before a camera, or in the last digit of sensors, several values
 * do at a time. Pure.
 */

import { dimensionMax } from '../../input/input.ts'

/** Two such inputs differ in the value of either. */
const singleMax = 2
/** Those that differ in more, up to so many, have several values changed; so many of the last eight may be such. */
export const evenMax = 4
const mixedMax = 1
/** What of a change equal ones may differ by. */
export const near = 0.02
/** Changes below this share of the usual distance between two queries are those of a last digit. */
export const leastShare = 0.01
/** How far off a grid of such changes a value must lie, as a share of one: more than rounding explains. */
const offGrid = 0.15
/** Numbers of 16 bits have so many for their fraction. */
const fractionBits = 10

export interface EvenChanges {
  /** Values that were changed by the same, each in an input of its own. */
  readonly alone: number
  /** They are at no shades of a common scale. */
  readonly isOffGrid: boolean
}

export const notEven: EvenChanges = { alone: 0, isOffGrid: false }

/** In how many of those that differ in few values each value does. */
const differing = new Uint8Array(dimensionMax)
/** What was changed alone: which value, and by how much. */
const places = new Uint8Array(dimensionMax)
const sizes = new Float64Array(dimensionMax)

/**
 * `steps`: from each of the ring to the input; `changes`: how many values differ; `scale`: the usual distance between
 * two queries.
 */
export function evennessAmong(
  x: Float64Array,
  ring: readonly ArrayLike<number>[],
  steps: readonly Float64Array[],
  changes: Float64Array,
  scale: number,
): EvenChanges {
  const own = ownChange(x.length, ring.length, steps, changes)
  let [count, mixed, ownSize] = [0, 0, 0]
  for (let n = 0; n < ring.length; n++) {
    const [step, earlier] = [steps[n]!, ring[n]!]
    if (changes[n] === 0 || changes[n]! > evenMax) continue
    const others = changes[n]! - (own >= 0 && step[own] !== 0 ? 1 : 0)
    if (others > 1 || (others === 1 && own >= 0 && step[own] === 0)) {
      mixed++
      continue
    }
    for (let i = 0; i < x.length; i++) {
      const size = Math.abs(step[i]!)
      // Nor where it is no number, as between values that an older version kept as infinite: of such there may be any number.
      if (!(size >= leastShare * scale) || size === 0 || isFlag(x[i]!, earlier[i]!)) continue
      if (i !== own) {
        places[count] = i
        sizes[count++] = size
      } else if (others === 1) ownSize = size
    }
  }
  if (ownSize > 0) {
    places[count] = own
    sizes[count++] = ownSize
  }
  return mixed > mixedMax ? notEven : equalOf(x, count)
}

/** The value that most of those that differ in few differ in: it was changed in the input itself; -1: it is the base. */
function ownChange(length: number, count: number, steps: readonly Float64Array[], changes: Float64Array): number {
  differing.fill(0, 0, length)
  let all = 0
  for (let n = 0; n < count; n++) {
    if (changes[n] === 0 || changes[n]! > singleMax) continue
    all++
    for (let i = 0; i < length; i++) if (steps[n]![i] !== 0) differing[i]!++
  }
  let most = -1
  for (let i = 0; i < length; i++)
    if (2 * differing[i]! > all && (most < 0 || differing[i]! > differing[most]!)) most = i
  return most
}

/** How many values were changed by what most were. */
function equalOf(x: Float64Array, count: number): EvenChanges {
  let [size, most] = [0, 0]
  for (let a = 0; a < count; a++) {
    let equal = 0
    for (let b = 0; b < count; b++) if (isEqual(x, b, sizes[a]!)) equal++
    if (equal > most) [size, most] = [sizes[a]!, equal]
  }
  let [seen, alone, first, isOffGrid] = [0n, 0, NaN, false]
  for (let n = 0; n < count; n++) {
    const bit = 1n << BigInt(places[n]!)
    if (!isEqual(x, n, size) || (seen & bit) !== 0n) continue
    seen |= bit
    alone++
    const value = x[places[n]!]!
    if (Number.isNaN(first)) first = value
    if (isOffGridBy(value, first, size, gapAt(Math.max(Math.abs(value), Math.abs(first))))) isOffGrid = true
  }
  return { alone, isOffGrid }
}

/** Whether two values lie no whole number of such changes apart; `lost`: by how much what is kept may be off. */
export function isOffGridBy(value: number, first: number, size: number, lost: number): boolean {
  const parts = (value - first) / size
  // The size of the change is rounded as well, which counts once for each part.
  return Math.abs(parts - Math.round(parts)) > offGrid + ((1 + Math.abs(parts)) * lost) / size
}

function isEqual(x: Float64Array, n: number, size: number): boolean {
  return Math.abs(sizes[n]! - size) <= near * size + gapAt(x[places[n]!]!)
}

/** Between a number of 16 bits and the next. */
export function gapAt(value: number): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(value) + 2 ** -14)) - fractionBits)
}

/** Put the other way; scaled inputs are cut off at both. */
export function isFlag(value: number, before: number): boolean {
  return (value === 0 || value === 1) && (before === 0 || before === 1)
}
