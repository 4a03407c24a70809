import { expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { goesOnFromOne } from './goes-on.ts'

const random = randomOf(43)
const normal = normalOf(random)
const dimension = 16
const near = (x: Float64Array, by: number): Float64Array => x.map((value) => value + by * normal())
const classOf = (x: Float64Array): number => (x[0]! > 0 ? 1 : 2)

/** Of how many of the inputs, with the eight before each, it is so. */
function shareOf(inputs: readonly Float64Array[]): number {
  const newestFirst = inputs.toReversed()
  const at = inputs.slice(8).map((_, n) => newestFirst.slice(n, n + 9))
  return at.filter((nine) => goesOnFromOne(nine, nine.map(classOf))).length / at.length // prettier-ignore
}

test('a search asks again around what was answered as it wants', () => {
  let best = new Float64Array(dimension)
  const search = Array.from({ length: 300 }, () => {
    const next = near(best, 0.1)
    // As near to the line as it can.
    if (classOf(next) === 1) best = next.with(0, next[0]! / 4)
    return next
  })
  expect(shareOf(search)).toBeGreaterThan(0.3)
})

test('what moves, or has noise, beside the line between two classes hardly ever looks so', () => {
  let now = new Float64Array(dimension)
  const walk = Array.from({ length: 2_000 }, () => (now = near(now, 0.1).map((value) => 0.95 * value)))
  expect(shareOf(walk)).toBeLessThan(0.03)
  const noisy = walk.map((x) => near(x, 0.1))
  expect(shareOf(noisy)).toBeLessThan(0.06)
  const still = Array.from({ length: 2_000 }, () => near(new Float64Array(dimension), 0.1))
  expect(shareOf(still)).toBeLessThan(0.15)
  // One that crosses the line once.
  const across = Array.from({ length: 40 }, (_, n) => near(new Float64Array(dimension).fill((n - 20) / 20), 0.01))
  expect(shareOf(across)).toBe(0)
})
