import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../test/support/random.ts'
import { isBetweenShades, isFewShades } from './shades.ts'

const random = randomOf(5)
const shades = (count: number): number[] => Array.from({ length: count }, () => Math.floor(256 * random()))
const [mean, std] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
]
const of = (shade: number, channel: number): number => (shade / 255 - mean[channel]!) / std[channel]!
const gap = 1 / 255 / std[0]!

describe('shades of grey', () => {
  test('that are normalized are shades still, and up to five gaps are few', () => {
    const grey = shades(64).map((shade) => (shade / 255 - 0.1307) / 0.3081)
    expect(isFewShades(grey, 1 / 255 / 0.3081, 5)).toBe(true)
    expect(isFewShades(grey, 5 / 255 / 0.3081, 5)).toBe(true)
    expect(isFewShades(grey, 6 / 255 / 0.3081, 5)).toBe(false)
  })

  test('of colors that are normalized each by its own, side by side or one after the other, are as well', () => {
    const colors = shades(3 * 400)
    expect(
      isFewShades(
        colors.map((shade, n) => of(shade, n % 3)),
        gap,
        5,
      ),
    ).toBe(true)
    expect(
      isFewShades(
        colors.map((shade, n) => of(shade, Math.floor(n / 400))),
        gap,
        5,
      ),
    ).toBe(true)
  })

  test('are no longer few gaps apart after a step of a tenth, nor is anything that has no gaps or hardly any levels', () => {
    const stepped = shades(400).map((shade) => shade / 255 + (random() < 0.5 ? 0.1 : -0.1))
    expect(isFewShades(stepped, 0.1, 5)).toBe(false)
    const numbers = Array.from({ length: 64 }, () => random())
    expect(isFewShades(numbers, 1e-3, 5)).toBe(false)
    expect(isFewShades(numbers.slice(0, 3), 1e-3, 5)).toBe(false)
    expect(isFewShades([0, 1, 2, 3, 2, 1, 0], 1, 5)).toBe(false)
  })
})

test('a value that is changed by less than half a gap lies between shades; one that flickers to the next shade, or lies among no shades, does not', () => {
  const grey = shades(64).map((shade) => shade / 255)
  const changed = (values: readonly number[], by: number): boolean =>
    isBetweenShades(values.with(7, values[7]! + by), 7, values[7]!)
  expect([0.0001, -0.4 / 255, 0.6 / 255, 1 / 255].map((by) => changed(grey, by))).toEqual([true, true, false, false])
  const any = Array.from({ length: 64 }, () => random())
  expect(changed(any, 0.0001)).toBe(false)
})
