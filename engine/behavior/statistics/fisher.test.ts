import { expect, test } from 'vitest'
import { fisher } from './fisher.ts'

test('Fisher’s exact test of the tea-tasting lady', () => {
  expect(fisher(3, 4, 1, 4)).toBeCloseTo(17 / 70, 10)
  expect(fisher(4, 4, 0, 4)).toBeCloseTo(1 / 70, 10)
})
