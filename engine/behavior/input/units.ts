/**
 * In what units the columns of a table are compared. Where one is counted in thousands and the others are not,
 * distances are that column's alone, and so is what is far from honest inputs.
 *
 * A unit is the power of two that is nearest to what the column varies by within an account, so that numbers lose
 * nothing by it and units hold when they are learned anew. A column that lies far from nought beside that, as times do,
 * is counted from a place near it, since what is kept of an input has 16 bits a value. Pure.
 */
import { dimensionMax, isPicture } from './input.ts'

/**
 * The widest column is so many times as wide as the one in the middle; of others, as of pictures and what is
 * standardized, all are as they are.
 */
const unevenMin = 8

/** In units: from where on a column is counted from elsewhere than nought, and how far apart such places lie. */
const farFromNought = 64
const placesApart = 32

/** Of each column: what it is counted from, and by. */
export interface Units {
  readonly from: readonly number[]
  readonly by: readonly number[]
}

interface Placed {
  readonly x: Float32Array | Float64Array
}

/** Undefined where they are as wide as each other. `accounts`: what each of them asked. */
export function unitsOf(accounts: readonly (readonly Placed[])[]): Units | undefined {
  const dimension = accounts.find(({ length }) => length > 0)?.[0]!.x.length ?? dimensionMax
  // What was reduced to fewer values has no columns.
  if (dimension >= dimensionMax || accounts.every((samples) => samples.every(({ x }) => isPicture(x)))) return undefined
  const asked = accounts.filter(({ length }) => length > 1)
  const widths = Array.from({ length: dimension }, (_, i) => middleOf(asked.map((samples) => deviationOf(samples, i))))
  const varying = widths.filter((width) => width > 0)
  if (varying.length < 2 || Math.max(...varying) < unevenMin * middleOf(varying)) return undefined
  const by = widths.map((width) => (width > 0 ? 2 ** Math.round(Math.log2(width)) : 1))
  const from = by.map((unit, i) => {
    const middle = middleOf(asked.map((samples) => meanOf(samples, i))) / unit
    return Math.abs(middle) < farFromNought ? 0 : placesApart * Math.round(middle / placesApart) * unit
  })
  return { from, by }
}

/** The same in these units. */
export function inUnits<A extends Float32Array | Float64Array>(x: A, units: Units | undefined): A {
  return units === undefined ? x : (x.map((value: number, i: number) => (value - units.from[i]!) / units.by[i]!) as A)
}

function middleOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}

function meanOf(samples: readonly Placed[], i: number): number {
  return samples.reduce((sum, { x }) => sum + x[i]!, 0) / samples.length
}

function deviationOf(samples: readonly Placed[], i: number): number {
  const mean = meanOf(samples, i)
  return Math.sqrt(samples.reduce((sum, { x }) => sum + (x[i]! - mean) ** 2, 0) / samples.length)
}
