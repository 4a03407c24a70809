import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from './window-entries.ts'
import { median, percentile } from './whole-window.ts'

const entry = (v: number, n = 1): Entry => ({ t: 0, id: '', b: 0, v, n })

describe('the values of a window by rank', () => {
  test('are those of its events, however many an entry stands for', () => {
    const counted = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 1, max: 5 })), {
      minLength: 1,
    })
    fc.assert(
      fc.property(counted, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const all = values.flatMap(([v, n]) => Array<number>(n).fill(v)).sort((a, b) => a - b)
        const window = values.map(([v, n]) => entry(v, n))
        const [low, high] = [all[(all.length - 1) >> 1]!, all[all.length >> 1]!]
        expect(median(window)).toBe((low + high) / 2)
        const least = all.find((value) => 100 * all.filter((each) => each <= value).length >= percent * all.length)
        expect(percentile(window, percent)).toBe(least)
      }),
    )
  })

  test('are found among billions of events that few entries stand for', () => {
    expect(median([entry(3, 5e9), entry(1, 4e9), entry(2, 1e9)])).toBe(2.5)
    expect(percentile([entry(3, 5e9), entry(1, 4e9), entry(2, 1e9)], 50)).toBe(2)
  })

  test.each([55, 56, 57, 58, 7, 14, 28, 29])('the %i-th percentile of the numbers to 100 is that number', (percent) => {
    const window = Array.from({ length: 100 }, (_, n) => entry(n + 1))
    expect(percentile(window, percent)).toBe(percent)
  })

  test('are the least that so many do not exceed, also where percents have decimals', () => {
    for (let tenths = 1; tenths <= 1_000; tenths++) {
      for (const total of [1, 7, 10, 250, 375, 1_000]) {
        const window = Array.from({ length: total }, (_, n) => entry(n + 1))
        expect([tenths, total, percentile(window, tenths / 10)]).toEqual([
          tenths,
          total,
          Math.ceil((tenths * total) / 1_000),
        ])
      }
    }
  })

  test('of no events are 0', () => {
    expect([median([]), percentile([], 50)]).toEqual([0, 0])
  })
})
