import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count, emptyCounts, type Passed } from './counts.ts'
import type { Caps } from './params.ts'

const startMs = Date.parse('2026-03-02T09:00:00.000Z')
const none: Caps = {
  second: undefined,
  minute: undefined,
  day: undefined,
  tokensDay: undefined,
  concurrent: undefined,
}
const use = (timeMs: number, tokens = 0, latencyMs = 0) => ({ timeMs, tokens, latencyMs })

/** The most calls within any 60 whole seconds. */
function fullest(times: readonly number[]): number {
  const seconds = times.map((t) => Math.floor(t / 1_000))
  return Math.max(0, ...seconds.map((from) => seconds.filter((s) => s >= from && s < from + 60).length))
}

describe('what is counted of a license', () => {
  const offsets = fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 1, maxLength: 60 })

  test('a minute that is said to be too full was, and each such minute is said, whatever the order of events', () => {
    fc.assert(
      fc.property(offsets, fc.integer({ min: 1, max: 20 }), (given, cap) => {
        const counts = emptyCounts()
        const times = given.map((offset) => startMs + offset)
        let worst = 0
        for (const timeMs of times)
          for (const { count: n } of count(counts, { ...none, minute: cap }, use(timeMs))) worst = Math.max(worst, n)
        const most = fullest(times)
        expect(worst).toBe(most > cap ? most : 0)
      }),
    )
  })

  test('days are counted apart, and a call from long ago is counted nowhere', () => {
    const counts = emptyCounts()
    const passed: Passed[] = []
    for (const day of [0, 1, 1, 5]) passed.push(...count(counts, { ...none, day: 1 }, use(startMs + day * 86_400_000)))
    expect(passed).toEqual([{ kind: 'requests-day', count: 2, cap: 1 }])
    expect(count(counts, { ...none, day: 0 }, use(startMs))).toEqual([])
    expect(Object.keys(counts.days)).toHaveLength(1)
  })

  test('calls that have ended are not under way, and are forgotten', () => {
    const counts = emptyCounts()
    const caps = { ...none, concurrent: 1 }
    expect(count(counts, caps, use(startMs, 0, 1_000))).toEqual([])
    expect(count(counts, caps, use(startMs + 999, 0, 1_000))).toMatchObject([{ kind: 'concurrency', count: 2 }])
    expect(count(counts, caps, use(startMs + 1_999, 0, 10))).toEqual([])
    expect(counts.calls).toHaveLength(1)
  })

  test('as many calls are said to be under way as were at some time, at most, whatever the order in which they are told', () => {
    const calls = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 60 })), {
      minLength: 1,
      maxLength: 30,
    })
    const told = (given: readonly [number, number][]): number => {
      const counts = emptyCounts()
      const caps = { ...none, concurrent: 0 }
      const counted = given.flatMap(([at, latency]) => count(counts, caps, use(startMs + at, 0, latency)))
      return Math.max(...counted.map(({ count: n }) => n))
    }
    fc.assert(
      fc.property(calls, (given) => {
        const most = Math.max(...given.map(([t]) => given.filter(([at, lasts]) => at <= t && at + lasts > t).length))
        expect(told(given)).toBeLessThanOrEqual(most)
        expect(told([...given].sort(([a], [b]) => a - b))).toBe(most)
      }),
    )
  })

  test('a call that is told after one that began when it had ended was not under way with it', () => {
    const counts = emptyCounts()
    const caps = { ...none, concurrent: 1 }
    expect(count(counts, caps, use(startMs + 20_000, 0, 10_000))).toEqual([])
    expect(count(counts, caps, use(startMs, 0, 10_000))).toEqual([])
    // One that took longer, and is told when it ends, was under way with both.
    expect(count(counts, caps, use(startMs + 5_000, 0, 20_000))).toMatchObject([{ count: 2 }])
  })

  test('a call among a thousand that are under way costs no more than looking at each a few times', () => {
    const counts = emptyCounts()
    const caps = { ...none, concurrent: 1_000 }
    const began = process.cpuUsage()
    for (let n = 0; n < 1_300; n++) count(counts, caps, use(startMs - n, 0, 3_600_000))
    expect(process.cpuUsage(began).user / 1_300).toBeLessThan(5_000)
    expect(count(counts, caps, use(startMs, 0, 10))).toMatchObject([{ count: 1_025 }])
  })

  test('a year of calls leaves no more behind than the last minutes', () => {
    const counts = emptyCounts()
    for (let n = 0; n < 5_000; n++) count(counts, { ...none, minute: 10, day: 10 }, use(startMs + n * 6_307_000))
    expect(counts.seconds.length).toBeLessThan(181)
    expect(Object.keys(counts.days).length).toBeLessThanOrEqual(3)
  })
})
