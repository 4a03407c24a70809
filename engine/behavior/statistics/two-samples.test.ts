import { expect, test } from 'vitest'
import { greatestGap, ksLine, shareUpTo, stabilityIndex } from './two-samples.ts'

test('equal samples are not apart', () => {
  expect(greatestGap([1, 2, 2, 3], [1, 2, 2, 3]).distance).toBe(0)
})

test('samples without overlap are one apart, and the side is told', () => {
  expect(greatestGap([5, 6], [1, 2])).toMatchObject({ distance: 1, side: 1 })
  expect(greatestGap([1, 2], [5, 6])).toMatchObject({ distance: 1, at: 2, side: -1 })
})

test('the distance is the greatest one over both samples, ties included', () => {
  expect(greatestGap([1, 1, 1, 4], [1, 4, 4, 4])).toMatchObject({ distance: 0.5, at: 1 })
})

test('the line falls with the size of the samples and rises with the certainty asked for', () => {
  expect(ksLine(100, 100, 0.05)).toBeCloseTo(0.192, 3)
  expect(ksLine(1_000, 1_000, 0.05)).toBeLessThan(ksLine(100, 100, 0.05))
  expect(ksLine(100, 100, 1e-6)).toBeGreaterThan(ksLine(100, 100, 0.05))
})

test('a share counts up to and with the value', () => {
  expect(shareUpTo([1, 2, 3, 4], 2)).toBe(0.5)
})

test('the stability index is small for equal samples and large for shifted ones', () => {
  const sample = Array.from({ length: 500 }, (_, n) => n / 500)
  expect(stabilityIndex(sample, sample)).toBeLessThan(0.01)
  expect(
    stabilityIndex(
      sample,
      sample.map((value) => value + 0.3),
    ),
  ).toBeGreaterThan(0.25)
})
