import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { surroundingsOf } from '../shapes/geometry.ts'

/** An input of 64 values, of which some are changed by so much, each time anew from the one before; newest first. */
function changed(random: () => number, times: number, values: number, by: number): Float64Array[] {
  const all = [Float64Array.from({ length: 64 }, () => Math.round(16 * random()) / 16)]
  for (let n = 0; n < times; n++) {
    const next = Float64Array.from(all[0]!)
    for (let v = 0; v < values; v++) next[Math.floor(64 * random())]! += (random() < 0.5 ? -1 : 1) * by
    all.unshift(next)
  }
  return all
}

describe('a scene that stands still', () => {
  const scale = 2.5

  test('is one where the last digit of a few values changes, also right after another scene', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = randomOf(seed)
      const [x, ...ring] = changed(random, 5, 1 + (seed % 2), 1 / 16)
      const before = changed(random, 2, 1, 1 / 16)
      expect(surroundingsOf(x!, [...ring, ...before], scale).still).toBe(true)
    }
  })

  test('is none where few values change by much, where all change, and where no traffic tells what is close', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = randomOf(seed)
      const [patched, ...ring] = changed(random, 7, 4, 0.3)
      expect(surroundingsOf(patched!, ring, scale).still).toBe(false)
      const [noisy, ...others] = changed(random, 7, 200, 0.001)
      expect(surroundingsOf(noisy!, others, scale).still).toBe(false)
      const [x, ...earlier] = changed(random, 7, 1, 1 / 16)
      expect(surroundingsOf(x!, earlier, 0).still).toBe(false)
    }
  })
})
