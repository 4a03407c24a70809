import { describe, expect, test } from 'vitest'
import { normalOf, randomOf } from '../../../../test/support/random.ts'
import type { EvenChanges } from './even.ts'
import { surroundingsOf } from './geometry.ts'

const dimension = 16
const normal = normalOf(randomOf(51))
const base = Float64Array.from({ length: dimension }, () => Math.fround(3 * normal()))
/** Values of it put elsewhere: which, and by how much. */
const but = (changes: Readonly<Record<number, number>>, of = base): Float64Array =>
  of.map((value, i) => value + (changes[i] ?? 0))
const evenOf = (x: Float64Array, ring: readonly Float64Array[], scale = 10): EvenChanges =>
  surroundingsOf(x, ring, scale).even
const by = 0.5

describe('values that were changed by the same, each in an input of its own', () => {
  const [x, ring] = [but({ 0: by }), [1, 2, 3].map((at) => but({ [at]: by }))]

  test('are counted with that of the input itself, where it has one, and each once', () => {
    expect(evenOf(x, ring).alone).toBe(4)
    expect(evenOf(base, ring).alone).toBe(3)
    expect(evenOf(base, [...ring, but({ 3: -by }), but({ 2: by })]).alone).toBe(3)
  })

  test('count beside one input that differs in several, up to four, and not beside two', () => {
    const several = [but({ 5: 1, 6: 2 }), but({ 7: 1, 8: 3, 9: 2 })]
    expect(evenOf(x, [...ring, several[0]!]).alone).toBe(4)
    expect(evenOf(x, [...ring, ...several]).alone).toBe(0)
    const four = [1, 2].map((n) => but({ 5: n, 6: n, 7: n, 8: n }))
    expect(evenOf(base, [...ring, ...four]).alone).toBe(0)
    const five = [1, 2].map((n) => but({ 5: n, 6: n, 7: n, 8: n, 9: n }))
    expect(evenOf(base, [...ring, ...five]).alone).toBe(3)
  })

  test('are the same but for a fiftieth, at least a hundredth of the usual distance, and not from one end to the other', () => {
    const zero = new Float64Array(dimension)
    const sizes = (...of: readonly number[]): Float64Array[] => of.map((size, at) => but({ [at]: size }, zero))
    expect(evenOf(zero, sizes(2, 2.03, 1.97)).alone).toBe(3)
    expect(evenOf(zero, sizes(2, 2.1, 2)).alone).toBe(2)
    expect(evenOf(zero, sizes(0.5, 0.5, 0.5), 49).alone).toBe(3)
    expect(evenOf(zero, sizes(0.5, 0.5, 0.5), 51).alone).toBe(0)
    expect(evenOf(zero, sizes(1, 1, 1)).alone).toBe(0)
  })

  test('lie off a grid of such changes where one is a seventh off and more', () => {
    const at = (off: number): boolean => {
      const grid = Float64Array.from({ length: dimension }, (_, i) => 0.25 + i * by + (i === 1 ? off * by : 0))
      return evenOf(
        grid,
        [0, 1, 2].map((i) => but({ [i]: by }, grid)),
      ).isOffGrid
    }
    expect([0, 0.1, 0.13, 0.2, 0.5].map(at)).toEqual([false, false, false, true, true])
  })

  test('whose rounding is as large as what they are off by lie off none', () => {
    // Numbers of 16 bits about 1,000 are half a one apart.
    const about = Float64Array.from({ length: dimension }, (_, i) => 1_000 + 2 * i + (i === 1 ? 0.5 : 0))
    expect(
      evenOf(
        about,
        [0, 1, 2].map((i) => but({ [i]: 2 }, about)),
      ).isOffGrid,
    ).toBe(false)
  })
})
