import { expect, test } from 'vitest'
import { AskingAccount } from '../../../../test/support/asking-account.ts'
import { learnedOf } from '../../../../test/support/learned.ts'
import { blobsOf, drawn } from '../../../../test/support/pictures.ts'
import { randomOf } from '../../../../test/support/random.ts'

const random = randomOf(53)
/** In seventeen shades, on black. */
const picture = (): Float64Array =>
  drawn(blobsOf(random), 8).map((value) => Math.min(16, Math.max(0, Math.round(16 * value - 2))) / 16)
const labelOf = (x: Float64Array): string => (x[27]! + x[28]! > x[35]! + x[36]! ? 'yes' : 'no')
const told = learnedOf(picture, labelOf, random)
const some = (x: Float64Array, count: number): readonly number[] =>
  [...x.keys()].sort(() => random() - 0.5).slice(0, count)

/** One pixel after another of a few pictures is changed by the same and put back; at which query it is named for a search. */
function changing(count: number, by: (n: number) => number): number {
  const account = new AskingAccount(told)
  for (let round = 0; round < 12; round++) {
    const x = picture()
    account.ask({ x, label: labelOf(x) })
    for (const i of some(x, count)) {
      for (const sign of [1, -1]) {
        const changed = x.with(i, Math.max(0, x[i]! + sign * by(i)))
        account.ask({ x: changed, label: labelOf(changed) })
      }
    }
  }
  return account.named['boundary-search'] ?? Infinity
}

const within = (most: number, named: readonly number[]): number => named.filter((at) => at <= most).length

test('slopes that are estimated by changes of a ten-thousandth, of pictures in shades and on black, are named for a search within 25 queries', () => {
  const named = (pixels: number): number[] => Array.from({ length: 8 }, () => changing(pixels, () => 1e-4))
  expect(within(25, named(14))).toBeGreaterThanOrEqual(7)
  // Of so few the next picture begins when it shows.
  expect(within(75, named(7))).toBeGreaterThanOrEqual(6)
})

test('pixels that flicker to the next shade, one at a time, are no slopes', () => {
  expect(changing(6, () => 1 / 16)).toBe(Infinity)
})
