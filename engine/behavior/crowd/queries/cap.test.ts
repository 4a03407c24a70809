import { expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import { logOfCap } from './cap.ts'

test.each([3, 4, 6, 10])('of %i coordinates, directions at random are even no more often than it says', (m) => {
  const normal = normalOf(randomOf(m))
  const asides = Array.from({ length: 40_000 }, () => {
    const sizes = Array.from({ length: m }, () => Math.abs(normal()))
    const sum = sizes.reduce((a, b) => a + b, 0)
    return 1 - sum ** 2 / (m * sizes.reduce((a, b) => a + b * b, 0))
  })
  for (const p of [0.3, 0.1, 0.01]) {
    const share = asides.filter((aside) => logOfCap(m, aside) <= Math.log(p)).length / asides.length
    expect(share).toBeLessThanOrEqual(p + 3 * Math.sqrt(p / asides.length))
    // Nor is it far from the truth where it matters.
    if (p <= 0.1) expect(share).toBeGreaterThan(p / 3)
  }
})
