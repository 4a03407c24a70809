import { describe, expect, test } from 'vitest'
import { gather, logBinomialTail } from './evidence.ts'

/** A fixed sequence of numbers from 0 to 1 (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

describe('gathered evidence', () => {
  test('at the usual rate the line of 1,000 is crossed less than once in 1,000 outcomes on average', () => {
    const next = numbersFrom(7)
    let [evidence, crossed] = [0, 0]
    for (let n = 0; n < 200_000; n++) {
      evidence = gather(evidence, next() < 0.02, 0.02)
      if (evidence < Math.log(1_000)) continue
      crossed++
      evidence = 0
    }
    expect(crossed).toBeLessThan(200)
  })

  test('at five times the usual rate the line is crossed within a few hundred outcomes', () => {
    const next = numbersFrom(8)
    let [evidence, n] = [0, 0]
    for (; evidence < Math.log(1_000); n++) evidence = gather(evidence, next() < 0.1, 0.02)
    expect(n).toBeLessThan(300)
  })

  test('a long honest past does not shield what comes after it', () => {
    let evidence = 0
    for (let n = 0; n < 10_000; n++) evidence = gather(evidence, false, 0.02)
    for (let n = 0; n < 5; n++) evidence = gather(evidence, true, 0.02)
    expect(evidence).toBeGreaterThan(Math.log(1_000))
  })
})

describe('the exact binomial tail', () => {
  test.each([
    [3, 3, 0.5, 0.125],
    [1, 3, 0.5, 0.875],
    [13, 40, 1 / 12, 1.2959907867585902e-5],
    [0, 40, 0.1, 1],
    [40, 40, 1, 1],
  ])('of at least %d of %d at %d is %d', (hits, trials, rate, tail) => {
    expect(Math.exp(logBinomialTail(hits, trials, rate)) / tail).toBeCloseTo(1, 5)
  })

  test('more hits than trials are impossible', () => {
    expect(logBinomialTail(4, 3, 0.5)).toBe(-Infinity)
  })

  test('far out in the tail it stays exact where a probability would be zero', () => {
    expect(logBinomialTail(2_000, 2_000, 0.001)).toBeCloseTo(2_000 * Math.log(0.001), 6)
  })
})
