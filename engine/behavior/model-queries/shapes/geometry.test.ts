import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { surroundingsOf } from './geometry.ts'

test('an input is unlike the last ones in as many values as differ, whatever numbers they are', () => {
  const value = fc.constantFrom(0, -0, 1, 0.5, -0.25, 2 ** -24, 65_504, Infinity, -Infinity)
  const input = fc.array(value, { minLength: 20, maxLength: 20 }).map((values) => Float64Array.from(values))
  const change = fc.array(fc.tuple(fc.nat({ max: 19 }), value), { maxLength: 9 })
  fc.assert(
    fc.property(input, fc.array(change, { minLength: 1, maxLength: 8 }), (x, changes) => {
      const ring = changes.map((change) => {
        const earlier = x.slice()
        for (const [at, to] of change) earlier[at] = to
        return earlier
      })
      const fewest = Math.min(...ring.map((earlier) => earlier.filter((value, i) => value !== x[i]).length))
      // Of twenty values three are few.
      const { sparse, kin } = surroundingsOf(x, ring, 0)
      expect({ sparse, kin }).toEqual({ sparse: fewest <= 3, kin: fewest <= 6 })
    }),
    { numRuns: 2_000 },
  )
})

test('of inputs with many infinite values none is told to be changed evenly', () => {
  const x = Float64Array.from({ length: 20 }, (_, i) => (i < 5 ? 0 : Infinity))
  const ring = Array.from({ length: 8 }, (_, n) => x.with(0, n + 1))
  expect(surroundingsOf(x, ring, 0).even.alone).toBeLessThanOrEqual(1)
})

test('an input is not about the same place as others where their distance is no number', () => {
  const x = Float64Array.of(1, 2, 3, 4, 5, 6, Infinity)
  const ring = [0, 10, 20, 30].map((more) => x.map((value) => value + more))
  expect(surroundingsOf(x, ring, 100)).toMatchObject({ ball: false, about: 0, wide: false, close: false })
})

describe('records of a table with one value in thousands', () => {
  const random = randomOf(4)
  const record = (): Float64Array => Float64Array.from({ length: 8 }, (_, i) => (i === 7 ? 3_000 : 1) * (1 + random()))
  const line = (x: Float64Array, ...ring: Float64Array[]): boolean =>
    surroundingsOf(x, ring, 1_000, false, () => true).line

  test('lie on no line with one another', () => {
    const found = Array.from({ length: 500 }, () => line(record(), ...Array.from({ length: 8 }, record)))
    expect(found.filter((is) => is).length).toBeLessThan(5)
  })

  test('do where one is looked for between two of them, also where each value is off by some hundredths', () => {
    const found = Array.from({ length: 100 }, () => {
      const [a, b] = [record(), record()]
      const between = a.map((value, i) => value + (b[i]! - value) * (0.4 + 0.01 * random()))
      return line(between, a, b)
    })
    expect(found.filter((is) => is).length).toBeGreaterThan(95)
  })

  test('do where it is told of few values, for the others change by less than they are rounded, and not where it is of one', () => {
    const at = (part: number, ways: number): Float64Array =>
      Float64Array.from({ length: 8 }, (_, i) => 1e3 + (i < ways ? part * (i + 1) : Math.sin(part * i) / 2))
    const found = [4, 1].map((ways) => line(at(0, ways), at(300, ways), at(900, ways)))
    expect(found).toEqual([true, false])
  })
})
