import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../test/support/random.ts'
import { predictedLine, studentQuantile } from './spread.ts'

const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random())

test('quantiles of Student’s t are those of the tables within a thirtieth', () => {
  for (const [degrees, of] of [
    [4, 7.173],
    [8, 4.501],
    [20, 3.552],
    [1_000, 3.098],
  ] as const) {
    expect(Math.abs(studentQuantile(1_000, degrees) / of - 1)).toBeLessThan(1 / 30)
  }
})

describe('what one sum in a thousand passes', () => {
  test('is passed as often by honest amounts, of however few days it was told', () => {
    const random = randomOf(4)
    for (const days of [5, 20]) {
      let passed = 0
      for (let n = 0; n < 10_000; n++) {
        const sum = (): number => Math.exp(20 + 0.8 * normal(random))
        const own = Array.from({ length: days }, sum)
        const peers = Array.from({ length: 5 }, () => Array.from({ length: days }, sum))
        if (sum() > predictedLine(own, peers, 1_000)) passed++
      }
      expect(passed).toBeLessThan(25)
    }
  })

  test('is nothing where nothing is known, and stays above amounts that are all alike', () => {
    expect(predictedLine([], [[1, 2]], 1_000)).toBe(0)
    expect(predictedLine([5], [], 1_000)).toBe(0)
    expect(predictedLine([5, 5, 5, 5], [], 1_000)).toBeGreaterThan(5)
  })
})
