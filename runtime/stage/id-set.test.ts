import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IdSet } from './id-set.ts'

describe('a set of 64-bit ids', () => {
  test('has what was added and not deleted since, whatever collides with what', () => {
    // Few numbers, so that ids meet in one run of slots; 0 among them.
    const half = fc.constantFrom(0, 1, 2, 255, 65_536, 0x8000_0000, 0xffff_ffff)
    const step = fc.record({ id: fc.tuple(half, half), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const ids = new IdSet()
        const expected = new Set<string>()
        for (const { id, remove } of steps) {
          if (remove) {
            ids.delete(...id)
            expected.delete(id.join())
          } else {
            expect(ids.add(...id)).toBe(!expected.has(id.join()))
            expected.add(id.join())
          }
        }
      }),
    )
  })

  test('grows past its first table, and forgets one after the other', () => {
    const ids = new IdSet()
    for (let n = 0; n < 10_000; n++) expect(ids.add(n, n * 7)).toBe(true)
    for (let n = 0; n < 10_000; n++) expect(ids.add(n, n * 7)).toBe(false)
    for (let n = 0; n < 10_000; n += 2) ids.delete(n, n * 7)
    for (let n = 0; n < 10_000; n++) expect(ids.add(n, n * 7)).toBe(n % 2 === 0)
  })
})
