/** Pictures in black and white, at a model whose pictures have shades. Pure. */
import { isPicture, toBlackAndWhite } from '../../input/input.ts'
import { learnReference, type Sample, type ToldReference } from './reference.ts'

/** So many of a hundred queries must be pictures, and so many must have shades. */
const pictures = 0.9
const shaded = 0.5

/**
 * What honest pictures would be in black and white: customers who send them so ask about the same things. Undefined
 * where they are no pictures, and where most are black and white themselves.
 */
export function inBlackAndWhite(accounts: readonly (readonly Sample[])[]): ToldReference | undefined {
  const counts = { all: 0, pictures: 0, shaded: 0 }
  const turned = accounts.map((samples) =>
    samples.flatMap((sample, n): readonly Sample[] => {
      counts.all++
      const x = turn(sample, n)
      if (x === undefined) return []
      counts.pictures++
      if (isOther(x, sample.x)) counts.shaded++
      return [{ x, label: sample.label, margin: sample.margin }]
    }),
  )
  if (counts.pictures < pictures * counts.all || counts.shaded < shaded * counts.all) return undefined
  const told = learnReference(turned)
  return told && { ...told, reckoned: true }
}

/** Undefined where it is no picture. Where it was reduced to fewer values, it was turned before. */
function turn({ x, blackAndWhite }: Sample, n: number): Float32Array | undefined {
  return blackAndWhite ?? (isPicture(x) ? toBlackAndWhite(x, n) : undefined)
}

function isOther(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return true
  return false
}
