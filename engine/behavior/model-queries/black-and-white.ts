/** Pictures in black and white, at a model whose pictures have shades. Pure. */
import { learnReference, type Sample, type ToldReference } from './reference.ts'

/** Values between 0 and 1 are of pictures; so many of a hundred queries must be, and must have some between. */
const pictures = 0.9

/**
 * What honest pictures would be in black and white: customers who send them so ask about the same things. Undefined where they are no
 * pictures, where they are black and white themselves, and where they were reduced to fewer values.
 */
export function inBlackAndWhite(accounts: readonly (readonly Sample[])[]): ToldReference | undefined {
  const all = accounts.flat()
  const grey = all.filter(({ x }) => isGrey(x)).length
  if (grey < pictures * all.length) return undefined
  return learnReference(
    accounts.map((samples) => samples.map((each) => ({ ...each, x: each.x.map((value) => (value < 0.5 ? 0 : 1)) }))),
  )
}

function isGrey(x: ArrayLike<number>): boolean {
  let between = false
  for (let n = 0; n < x.length; n++) {
    if (!(x[n]! >= 0 && x[n]! <= 1)) return false
    if (x[n] !== 0 && x[n] !== 1) between = true
  }
  return between
}
