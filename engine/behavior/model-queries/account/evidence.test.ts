import { expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import {
  betCount,
  Evidence,
  kindsShown,
  lineOf,
  queryThreats,
  restartWeight,
  roomFor,
  shows,
  usualToAll,
} from './evidence.ts'
import { levelCount } from '../honest/reference.ts'

const share = [0.05, 0.01, 0.002, 0.0005]
const every = (1 << 26) - 1

/** An account whose queries show everything just as often as the null hypothesis allows, in bursts as real ones come. */
function worstHonest(seed: number, queries: number): number {
  const evidence = new Evidence(share, 0.5)
  const values = new Float32Array(betCount)
  const totals = new Float64Array(queryThreats.length)
  const random = randomOf(seed)
  let most = 0
  for (let n = 0; n < queries; n++) {
    // One number decides all: the kinds of evidence come together, as dependent as they can be.
    const u = random()
    let shown = 0
    for (let level = 0; level < levelCount; level++) {
      if (u < share[level]! ** 0.5) shown |= shows.novelty(level) | shows.margin(level) | shows.sure(level)
    }
    if (u < 0.03) shown |= shows.line | shows.farLine
    if (u < 0.05) shown |= shows.drift
    if (u < 0.1) shown |= shows.ball | shows.flip | shows.turn | shows.around | shows.probe
    if (u < 0.3) shown |= shows.sparse
    if (u < 0.05) shown |= shows.even
    if (u < 0.02) shown |= shows.member
    if (u < 0.0005) shown |= shows.step
    if (u < 0.001) shown |= shows.stepAbout
    evidence.take(values, shown, every, totals, restartWeight(n + 1, queries))
    most = Math.max(most, ...totals)
  }
  return most
}

test('an account as odd as an honest one may be crosses the line no more often than the bound says', () => {
  const queries = 400
  const accounts = 2_000
  // A bound that a simulation can check: 5 % in 400 queries, over all threats together.
  const line = lineOf(0.05, queries)
  let crossed = 0
  for (let seed = 1; seed <= accounts; seed++) if (worstHonest(seed, queries) >= line) crossed++
  // 5 % of 2,000 are 100; what bets leave unused makes it far fewer. Some do: else the test could not fail.
  expect(crossed).toBeLessThanOrEqual(100)
  const lower = Array.from({ length: 200 }, (_, seed) => worstHonest(seed + 1, queries)).filter((most) => most >= 400)
  expect(lower.length).toBeGreaterThan(0)
}, 60_000)

test('weights of restarts are greater early on, and those of as many queries as the bound is for add up to no more', () => {
  for (const queries of [100, 10_000]) {
    let sum = 0
    for (let n = 1; n <= queries; n++) sum += restartWeight(n, queries)
    expect(sum).toBeLessThanOrEqual(queries)
    expect(sum).toBeGreaterThan(0.95 * queries)
  }
  expect(restartWeight(1, 10_000)).toBeGreaterThan(20)
  expect(restartWeight(1e9, 10_000)).toBeGreaterThanOrEqual(0.5)
})

test('queries that all are past every line of novelty cross the shipped line within eight, after ten thousand honest ones', () => {
  const evidence = new Evidence(share, 0.5)
  const values = new Float32Array(betCount)
  const totals = new Float64Array(queryThreats.length)
  for (let n = 0; n < 10_000; n++) evidence.take(values, 0, every, totals)
  let needed = 0
  while (totals[0]! < lineOf(0.01, 10_000)) {
    evidence.take(values, shows.novelty(0) | shows.novelty(1) | shows.novelty(2) | shows.novelty(3), every, totals)
    needed++
  }
  expect(needed).toBeLessThanOrEqual(8)
  expect(needed).toBeGreaterThan(3)
})

test('what a query can not show changes nothing', () => {
  const evidence = new Evidence(share, 0.5)
  const values = new Float32Array(betCount).fill(7)
  evidence.take(values, 0, shows.member, new Float64Array(queryThreats.length))
  expect([...values].filter((value) => value !== 7)).toHaveLength(3)
})

test('what honest accounts of a model show of one of several kinds makes room for all of them, and none is bet on where most do', () => {
  const kinds = [shows.pair, shows.added]
  const rates = (rate: number): readonly number[] => kindsShown.map((kind) => (kind === shows.added ? rate : 0))
  expect(roomFor(kinds, 0.02, {})).toBe(0.02)
  expect(roomFor(kinds, 0.02, { usual: rates(0.1) })).toBeCloseTo(0.2 / 1.1)
  expect(roomFor(kinds, 0.02, { rare: rates(0.02) })).toBeCloseTo(0.04 / 1.02)
  expect(roomFor(kinds, 0.02, { usual: rates(usualToAll) })).toBe(usualToAll)
  expect(roomFor([shows.pair], 0.02, { usual: rates(usualToAll) })).toBe(0.02)
})
