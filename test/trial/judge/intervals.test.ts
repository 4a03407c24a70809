import { expect, test } from 'vitest'
import { binomialAtMost, exactInterval, median } from './intervals.ts'

test('binomial probabilities are those of the tables', () => {
  expect(binomialAtMost(2, 5, 0.5)).toBeCloseTo(0.5, 10)
  expect(binomialAtMost(0, 10, 0.1)).toBeCloseTo(0.9 ** 10, 10)
  expect(binomialAtMost(5, 5, 0.3)).toBe(1)
})

test('exact intervals are those that Clopper and Pearson give', () => {
  // 0 of n: the upper end is 1 - 0.025^(1/n).
  expect(exactInterval(0, 30)[1]).toBeCloseTo(1 - 0.025 ** (1 / 30), 8)
  expect(exactInterval(30, 30)[0]).toBeCloseTo(0.025 ** (1 / 30), 8)
  const [low, high] = exactInterval(4, 20)
  expect(low).toBeCloseTo(0.0573, 4)
  expect(high).toBeCloseTo(0.4366, 4)
  expect(exactInterval(0, 0)).toEqual([0, 1])
})

test('the ends keep their tails even at 400 accounts', () => {
  const [low, high] = exactInterval(3, 400)
  expect(1 - binomialAtMost(2, 400, low)).toBeCloseTo(0.025, 6)
  expect(binomialAtMost(3, 400, high)).toBeCloseTo(0.025, 6)
})

test('the median of an even number of values is the mean of the middle two', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, undefined])
})
