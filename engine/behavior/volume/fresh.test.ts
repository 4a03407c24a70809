import { expect, test } from 'vitest'
import { freshIn } from './fresh.ts'
import type { StoredReader } from './table.ts'

const reader = (fresh: StoredReader['fresh']): StoredReader =>
  ({ bytes: { 1: 600, 2: 400 }, fresh }) as unknown as StoredReader

test('how much is new is told by bytes, and by the number of objects in what older versions kept', () => {
  expect(freshIn(reader({ 1: [2, 4, 60], 2: [4, 4, 40] }), 1, 2)).toBe(0.1)
  expect(freshIn(reader({ 1: [2, 4], 2: [4, 4, 40] }), 1, 2)).toBeCloseTo(0.34)
})

test('all counts as new where more was read than is remembered, or nothing was kept', () => {
  expect(freshIn(reader({ 1: [2, 4, 60], 2: [-1, 4, 0] }), 1, 2)).toBe(1)
  expect(freshIn(reader(undefined), 1, 2)).toBe(1)
})
