/** A table whose columns hang together, and an account that asks a model of it: for tests of what its queries show. */
import { learnReference } from '../../engine/behavior/model-queries/honest/reference.ts'
import { AskingAccount } from './asking-account.ts'
import { normalOf, randomOf } from './random.ts'

export const dimension = 24
export const labelOf = (x: Float64Array): string => (x[0]! > 3 ? 'yes' : 'no')
export const moved = (x: Float64Array, by: (i: number) => number): Float64Array => x.map((value, i) => value + by(i))
export const between = (a: Float64Array, b: Float64Array, t: number): Float64Array =>
  moved(a, (i) => t * (b[i]! - a[i]!))

/** Records of a model, what is learned of them, and an account that asks it. */
export function worldOf(seed: number) {
  const random = randomOf(seed)
  const normal = normalOf(random)
  const causes = Array.from({ length: 5 }, () => Array.from({ length: dimension }, () => normal()))
  /** Values that hang together, as those of honest inputs do. */
  const natural = (): Float64Array => {
    const weights = causes.map(() => normal())
    return Float64Array.from({ length: dimension }, (_, i) =>
      causes.reduce((sum, cause, n) => sum + weights[n]! * cause[i]!, 3 + 0.1 * normal()),
    )
  }
  const told = learnReference(
    Array.from({ length: 10 }, () =>
      Array.from({ length: 150 }, () => {
        const x = natural()
        return { x, label: labelOf(x), margin: 0.1 + random() }
      }),
    ),
  )!
  /** At which query each threat was named, of at most so many. */
  const namedBy = (next: () => readonly Float64Array[], most = 240): Readonly<Record<string, number>> => {
    const account = new AskingAccount(told)
    for (let n = 0; n < most;) for (const x of next()) if (n++ < most) account.ask({ x, label: labelOf(x) })
    return account.named
  }
  return { random, normal, natural, namedBy, told }
}
