import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { Slopes } from './slopes.ts'

const dimension = 40
const random = randomOf(23)
const natural = (): Float64Array => Float64Array.from({ length: dimension }, () => 0.05 + 0.9 * random())
const step = (x: Float64Array, i: number, by: number): Float64Array => x.map((was, at) => (at === i ? was + by : was))

/**
 * How many values each input showed to be changed by the same, and whether it told that they are at no shades; all
 * begin a base.
 */
function told(inputs: readonly Float64Array[]): { readonly alone: number[]; readonly offGrid: boolean[] } {
  const slopes = new Slopes(dimension)
  const each = inputs.map((x) => slopes.take(x, true))
  return { alone: each.map(({ alone }) => alone), offGrid: each.map(({ isOffGrid }) => isOffGrid) }
}

describe('one value after another of one base', () => {
  const base = natural()

  test('changed by a ten-thousandth to both sides is counted, whether the base was asked or not', () => {
    const sides = Array.from({ length: 35 }, (_, i) => [step(base, i, 1e-4), step(base, i, -1e-4)]).flat()
    const asked = told([base, ...sides]).alone
    expect(asked.slice(0, 7)).toEqual([0, 1, 1, 2, 2, 3, 3])
    expect(asked.at(-1)).toBe(35)
    const unasked = told(sides).alone
    // Until it shows which base they share, what is twice as far looks like a change of its own.
    expect(unasked.slice(0, 8)).toEqual([0, 1, 2, 2, 3, 3, 4, 4])
    expect(unasked.at(-1)).toBe(35)
  })

  test('changed to one side alone is counted from the third on, and from where a change is kept', () => {
    const one = Array.from({ length: 6 }, (_, i) => step(base, 3 * i, 0.002))
    expect(told(one).alone).toEqual([0, 0, 2, 3, 4, 5])
    let kept = base
    const search = Array.from({ length: 8 }, (_, i) => {
      const next = step(kept, 2 * i, 0.1)
      if (i % 2 === 0) kept = next
      return next
    })
    expect(told([base, ...search]).alone).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('changed by a thousandth to both sides is counted while the search moves each value on by what it was told', () => {
    let now = base
    const search = Array.from({ length: 20 }, (_, i) => {
      const sides = [step(now, 2 * i, 1e-3), step(now, 2 * i, -1e-3)]
      now = step(now, 2 * i, i % 3 === 0 ? 0.05 : -0.04)
      return sides
    }).flat()
    expect(told([base, ...search]).alone.at(-1)).toBe(20)
    expect(told(search).alone.at(-1)).toBeGreaterThanOrEqual(18)
  })

  test('but for some that were cut off at the end of the scale, or changed by something else, is counted on', () => {
    const cut = step(base, 4, -base[4]!)
    const { alone } = told([base, step(base, 1, 0.1), step(base, 2, 0.1), cut, step(base, 3, 0.1), step(base, 5, 0.3), step(base, 6, 0.1)]) // prettier-ignore
    expect(alone).toEqual([0, 1, 2, 0, 3, 0, 4])
  })

  test('away from an end of the scale is counted where it is small, as on a black background; ink and words that come in are not', () => {
    const black = base.map((value, i) => (i < 20 ? 0 : value))
    const counted = (by: number): number => {
      const slopes = new Slopes(dimension)
      const sides = [0, 1, 2, 3, 25].flatMap((i) => [step(black, i, by), black])
      return [black, ...sides].map((x) => slopes.take(x, true, 0.02).alone).at(-2)!
    }
    expect(counted(0.01)).toBe(5)
    expect(counted(0.02)).toBe(1)
  })

  test('put to a few places each, or to what is usual, is changed by ever other sizes', () => {
    const places = Array.from({ length: 20 }, (_, i) => [0.1, 0.3, 0.5, 0.7, 0.9].map((to) => step(base, i, to - base[i]!))) // prettier-ignore
    const usual = Array.from({ length: dimension }, (_, i) => step(base, i, 0.5 - base[i]!))
    expect(Math.max(...told([base, ...places.flat()]).alone, ...told([base, ...usual]).alone)).toBeLessThanOrEqual(2)
  })

  test('tells shades, of which each flickers to the next, from values that lie anywhere', () => {
    const shades = base.map((value) => Math.round(value * 16) / 16)
    const flicker = Array.from({ length: 9 }, (_, i) => step(shades, i, i % 2 === 0 ? 1 / 16 : -1 / 16))
    expect(told([shades, ...flicker]).offGrid).not.toContain(true)
    const moved = Array.from({ length: 9 }, (_, i) => step(base, i, 1 / 16))
    expect(told([base, ...moved]).offGrid.at(-1)).toBe(true)
  })
})

test('a base begins with an input that is another one but for two values, and ends with one that is not', () => {
  const slopes = new Slopes(dimension)
  const [base, other] = [natural(), natural()]
  const has = ([x, isVariant]: readonly [Float64Array, boolean]): boolean => {
    slopes.take(x, isVariant)
    return slopes.hasBegun
  }
  // What differs in two values from the base is a variant of it, whatever else is still known.
  const asked = [[base, false], [step(base, 1, 0.1), true], [step(base, 2, 0.1), false], [other, false], [step(other, 1, 0.1), true]] as const // prettier-ignore
  expect(asked.map(has)).toEqual([false, true, true, false, true])
})

test('another input begins anew: what was counted of the one before is forgotten', () => {
  const [first, second] = [natural(), natural()]
  const { alone } = told([first, step(first, 1, 0.1), step(first, 2, 0.1), second, step(second, 3, 0.1), natural()])
  expect(alone).toEqual([0, 1, 2, 0, 1, 0])
})
