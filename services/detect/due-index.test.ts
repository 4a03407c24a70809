import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueIndex } from './due-index.ts'

const dues = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 400_000 }),
    fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.constant(0), fc.constant(Infinity)),
  ),
  { maxLength: 60 },
)

test('the keys that are due first are those of all keys in order, however late they were filed, and stay filed', () => {
  fc.assert(
    fc.property(dues, fc.nat({ max: 70 }), (given, count) => {
      const real = new Map(given.map(([filedMs, more], at) => [`k${at}`, filedMs + more]))
      const index = new DueIndex((key) => real.get(key)!)
      for (const [at, [filedMs]] of given.entries()) index.set(`k${at}`, filedMs)
      const inOrder = [...real].sort(([x, a], [y, b]) => a - b || (x < y ? -1 : 1)).map(([key]) => key)
      expect(index.earliest(count)).toEqual(inOrder.slice(0, count))
      expect(index.size).toBe(given.length)
      const finite = inOrder.filter((key) => real.get(key) !== Infinity)
      expect(index.take(1e9)).toEqual(finite)
    }),
  )
})
