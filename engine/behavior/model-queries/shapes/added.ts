/**
 * Whether equal changes add up: an input and an earlier one are unlike in a few values alone, three of which or more
 * were changed by the same, and ever other values are in the last ones. So a search tries one value after another by
 * one size and keeps what helps (Guo et al. 2019, SimBA).
 *
 * What flickers goes from shade to shade, and what is drawn from nothing to one ink: such values lie on one grid of
 * their changes. Who tries a value and puts it back has two that differ, and a designed experiment changes the same
 * few. Of less than twenty values three are not few. Pure.
 */
import { dimensionMax } from '../../input/input.ts'
import { gapAt, isFlag, isOffGridBy, near } from './even.ts'

/**
 * Fewest values that were changed by the same, most that were changed otherwise, as where the scale ends; and fewest
 * that were in all of the last ones.
 */
const equalMin = 3
const othersMax = 1
const triedMin = 5
/** Of the last ones those count for that which are unlike in no more values. */
const triedMost = 8

/** From each of the last inputs to the one at hand; how many values change on each. */
export interface FewSteps {
  readonly count: number
  readonly steps: readonly Float64Array[]
  readonly changes: ArrayLike<number>
}

const tried = new Uint8Array(dimensionMax)

/** By how much each was changed; 0: nothing adds up. `most`: values in which two inputs may be unlike. */
export function addedSize(x: Float64Array, few: FewSteps, most: number): number {
  const { count, steps, changes } = few
  for (let n = 0; n < count; n++) {
    if (changes[n]! < equalMin || changes[n]! > most) continue
    const size = commonSize(x, steps[n]!, changes[n]!)
    if (size > 0 && triedBy(x, few, Math.max(triedMost, most), size) >= triedMin) return size
  }
  return 0
}

/** By which all of the values that change do, but for one at most; 0: there is none, or they lie on a grid of such changes. */
function commonSize(x: Float64Array, step: Float64Array, changed: number): number {
  for (let a = 0; a < x.length; a++) {
    const size = Math.abs(step[a]!)
    if (!(size > 0) || size === Infinity) continue
    let [equal, isOffGrid] = [0, false]
    for (let b = 0; b < x.length; b++) {
      if (!isChangedBy(x, step, b, size)) continue
      equal++
      if (isOffGridBy(x[b]!, x[a]!, size, gapAt(Math.max(Math.abs(x[a]!), Math.abs(x[b]!))))) isOffGrid = true
    }
    if (isOffGrid && equal >= Math.max(equalMin, changed - othersMax)) return size
  }
  return 0
}

function isChangedBy(x: Float64Array, step: Float64Array, at: number, size: number): boolean {
  const by = Math.abs(step[at]!)
  return by > 0 && Math.abs(by - size) <= near * size + gapAt(x[at]!) && !isFlag(x[at]!, x[at]! + step[at]!)
}

/** In how many values the input is unlike some of those that it is unlike in few, by so much. */
function triedBy(x: Float64Array, { count, steps, changes }: FewSteps, most: number, size: number): number {
  tried.fill(0)
  for (let n = 0; n < count; n++) {
    if (changes[n]! > most) continue
    for (let i = 0; i < x.length; i++) if (isChangedBy(x, steps[n]!, i, size)) tried[i] = 1
  }
  return tried.reduce((sum, is) => sum + is, 0)
}
