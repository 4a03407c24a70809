import fc from 'fast-check'
import { expect, test } from 'vitest'
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

test('an input is not about the same place as others where their distance is no number', () => {
  const x = Float64Array.of(1, 2, 3, 4, 5, 6, Infinity)
  const ring = [0, 10, 20, 30].map((more) => x.map((value) => value + more))
  expect(surroundingsOf(x, ring, 100)).toMatchObject({ ball: false, about: 0, wide: false, close: false })
})
