import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAggregate } from './aggregates.ts'
import type { SigmaCorrelation } from './types.ts'
import { entriesOf } from './window-entries.ts'

const correlation = { type: 'value_sum', condition: [] } as unknown as SigmaCorrelation
const entry = (...values: readonly unknown[]): ReturnType<typeof entriesOf>[number] =>
  entriesOf({ eventId: 'e', timestampMs: 0, base: 0, values: values.map(String) }, 'e', 'number')[0]!

function sumOf(values: readonly number[], gone: readonly number[] = []): number {
  const sum = createAggregate(correlation)
  for (const value of [...gone, ...values]) sum.add(entry(value))
  for (const value of gone) sum.remove(entry(value))
  return sum.measure([], 0, 0)
}

const value = fc.oneof(
  fc.integer({ min: -30, max: 30 }).map((tenths) => tenths / 10),
  fc.double({ noNaN: true, min: -1e18, max: 1e18 }),
  fc.integer({ min: -1074, max: 60 }).map((power) => 2 ** power),
)
const values = fc.array(value, { maxLength: 30 })

test('a sum is the same in whatever order values came, and whatever else came and went', () => {
  fc.assert(
    fc.property(values, values, (of, gone) => {
      expect(sumOf(of, gone)).toBe(sumOf([...of].sort((a, b) => a - b)))
    }),
  )
})

test.each([
  [[1e16, 1, 1, -1e16], 2],
  [[1, 2 ** -53], 1],
  [[1, 2 ** -53, 2 ** -106], 1 + 2 ** -52],
  [[1 + 2 ** -52, 2 ** -53, -(2 ** -106)], 1 + 2 ** -52],
  [[-1, -(2 ** -53), -(2 ** -106)], -1 - 2 ** -52],
])('the sum of %j is the number next to it', (of, sum) => {
  expect(sumOf(of)).toBe(sum)
})

test('values too large to be added up do not make a sum infinite', () => {
  const sum = createAggregate(correlation)
  for (let n = 0; n < 100; n++) sum.add(entry(1.7e308, 1.7e308))
  sum.add(entry(1.7e308, -1.7e308))
  expect(sum.measure([], 0, 0)).toBeCloseTo(2e302, -297)
})
