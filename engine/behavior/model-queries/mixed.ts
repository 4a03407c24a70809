/**
 * Whether an input and the last ones are mixtures of two: in each column the value of the one or of the other, of the record that is explained or of
 * what is usual, by masks that nothing is learned from (Lundberg and Lee 2017, KernelSHAP, a mask and what it leaves in turn; Ribeiro et al. 2016, LIME). A search
 * that puts values to another input's keeps what it was answered well, so that columns change once and stay; one that estimates slopes by a step
 * there or back in each value steps by as much in all, or by little. Masks put columns there and back again. Pure.
 */
import { dimensionMax } from './input.ts'

/** Fewest inputs, the one at hand included, by which two are known. */
const mixedMin = 4
/** Columns that go back to the value they had: of all, a share at least; and of those, as a share, the ones that change once and stay. */
const backShare = 1 / 3
const staysShare = 1 / 4
/** So many at least before and after a change are of one value for it to stay. */
const stayMin = 2
/** How far the two are apart in a column that nine in ten are wider than, and in one that one in ten is: of steps that are all alike they are about the same. */
const unevenMin = 3
/** And in all, as a share of the usual distance between two queries. */
const wideShare = 0.3

/**
 * Those of `ring` (the last inputs, newest first) with which it is mixed, by a bit each; `changes`: in how many values each differs from `x`; `scale`: the
 * usual distance between two queries.
 */
export function mixedWith(
  x: Float64Array,
  ring: readonly Float64Array[],
  changes: ArrayLike<number>,
  scale: number,
): number {
  // What was reduced to fewer values has no columns.
  if (x.length >= dimensionMax || !(scale > 0)) return 0
  let alike = 0
  for (let n = 0; n < ring.length; n++) if (changes[n]! < x.length) alike++
  // Of what has no value in common with it there is one at most: its own opposite.
  if (alike < mixedMin - 2) return 0
  let most: readonly Float64Array[] = []
  for (let n = 0; n < ring.length && ring.length - n >= mixedMin - 1; n++) {
    const of = mixturesOf(x, ring.slice(n))
    if (of.length > most.length) most = of
  }
  if (most.length < mixedMin || !areMasks(most) || !areOfOthers(most, scale)) return 0
  return ring.reduce((bits, earlier, n) => (most.includes(earlier) ? bits | (1 << n) : bits), 0)
}

/** The input and, newest first, those with which it has one of two values in each column; the first that is asked for is always one. */
function mixturesOf(x: Float64Array, ring: readonly Float64Array[]): readonly Float64Array[] {
  const mixtures = [x]
  const others = x.slice()
  for (const earlier of ring) {
    if (!earlier.every((value, i) => value === x[i] || others[i] === x[i] || value === others[i])) continue
    for (let i = 0; i < x.length; i++) if (earlier[i] !== x[i]) others[i] = earlier[i]!
    mixtures.push(earlier)
  }
  return mixtures
}

/** Enough columns go back, and few stay. */
function areMasks(mixtures: readonly Float64Array[]): boolean {
  const { length } = mixtures[0]!
  let [back, stays] = [0, 0]
  for (let i = 0; i < length; i++) {
    let [changes, last] = [0, 0]
    for (let n = 1; n < mixtures.length; n++) {
      if (mixtures[n]![i] === mixtures[n - 1]![i]) continue
      changes++
      last = n
    }
    if (changes > 1) back++
    else if (changes === 1 && last >= stayMin && mixtures.length - last >= stayMin) stays++
  }
  return back >= backShare * length && stays <= staysShare * back
}

/** The two are as far from each other as inputs are that have nothing to do with one another. */
function areOfOthers(mixtures: readonly Float64Array[], scale: number): boolean {
  const [x, ...earlier] = mixtures
  const apart: number[] = []
  x!.forEach((value, i) => {
    const other = earlier.find((one) => one[i] !== value)
    if (other !== undefined) apart.push(Math.abs(value - other[i]!))
  })
  apart.sort((a, b) => a - b)
  const least = apart[Math.floor(0.1 * apart.length)]!
  const widest = apart[Math.floor(0.9 * apart.length)]!
  const square = apart.reduce((sum, step) => sum + step * step, 0) / apart.length
  return widest >= unevenMin * least && Math.sqrt(square * x!.length) >= wideShare * scale
}
