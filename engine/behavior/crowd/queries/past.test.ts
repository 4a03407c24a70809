import { describe, expect, test } from 'vitest'
import { randomOf } from '../../../../test/support/random.ts'
import { Past, type PastBet } from './past.ts'

const rarest = 0.0005
const allowance = 0.5
const shares = [0.05, 0.01, 0.002, rarest]
/** What the bet that knows nothing brings, by lines passed. */
const unlearned = [0.5, 0.78, 1.4, 2.8, 6].map((value) => Math.log(value))
const bet: PastBet = { allowance, from: 2, learns: true }

/** Probabilities of so many lines and no more, of somebody who is past each with these. */
function shown(beyond: readonly number[]): number[] {
  return [1, ...beyond].map((share, n) => share - (beyond[n] ?? 0))
}

function draw(random: () => number, probabilities: readonly number[]): number {
  let rest = random()
  for (const [n, p] of probabilities.entries()) if ((rest -= p) < 0) return n
  return 0
}

/** What `queries` of those who are past the lines so often bring, in the mean over many. */
function brought(beyond: readonly number[], queries: number, on = bet): number {
  const random = randomOf(3)
  let sum = 0
  for (let run = 0; run < 40; run++) {
    const past = new Past()
    for (let n = 0; n < queries; n++) {
      const lines = draw(random, shown(beyond))
      sum += past.take(lines, rarest, unlearned[lines]!, on)
    }
  }
  return sum / 40
}

describe('how far past the lines of novelty they go', () => {
  const most = shares.map((share) => share ** allowance)

  test.each([
    ['as often as honest accounts may', most],
    ['the last as often as the first may be, and no other', [0.22, 0, 0, 0]],
    ['never past the last', [0.2, 0.1, 0.04, 0]],
    ['seldom', shares],
  ])('whatever was learned, honest queries past them %s bring one at most in the mean', (_, beyond) => {
    const random = randomOf(5)
    for (const from of [1, 2])
      for (let run = 0; run < 200; run++) {
        const past = new Past()
        const of = shown([0.9 * random(), 0.5, 0.3, 0.1].sort((a, b) => b - a))
        for (let n = 0; n < 40 * random(); n++) past.take(draw(random, of), rarest, 0, { ...bet, from })
        let mean = 0
        for (const [lines, p] of shown(beyond).entries()) {
          // Beside it a bet that brings nothing either way.
          mean += p * Math.exp(past.take(lines, rarest, 0, { allowance, from, learns: false }))
        }
        expect(mean).toBeLessThan(1 + 1e-9)
      }
  })

  test('where two lines are one the bound holds as well', () => {
    const past = new Past()
    for (let n = 0; n < 30; n++) past.take(4, 0.02, 0, bet)
    const only = (lines: number): number => Math.exp(past.take(lines, 0.02, 0, { ...bet, learns: false }))
    const one = 0.02 ** allowance
    expect(one * only(4) + (1 - one) * only(0)).toBeLessThan(1 + 1e-9)
    expect(only(2)).toBeLessThanOrEqual(only(4))
  })

  test('letters asked of a model of digits, which the bet that knows nothing loses, win', () => {
    const letters = [0.82, 0.4, 0.08, 0.02]
    const without = shown(letters).reduce((sum, p, n) => sum + p * unlearned[n]!, 0)
    expect(30 * without).toBeLessThan(0)
    expect(brought(letters, 30)).toBeGreaterThan(3)
  })

  test('random vectors win more with every query', () => {
    const learned = brought([1, 1, 1, 1], 10)
    expect(learned).toBeGreaterThan(10 * unlearned[4]! + 5)
  })

  test('what is noisy for a reason, past the first line and no other, wins nothing', () => {
    expect(brought([0.61, 0.1, 0.02, 0.01], 200)).toBeLessThan(0)
  })

  test('comes back from a checkpoint as it was', () => {
    const random = randomOf(9)
    const past = new Past()
    for (let n = 0; n < 200; n++) past.take(draw(random, [0.4, 0.2, 0.2, 0.1, 0.1]), rarest, 0.1, bet)
    const again = new Past(JSON.parse(JSON.stringify(past)) as number[])
    for (let n = 0; n < 100; n++) expect(again.take(n % 5, rarest, 0.1, bet)).toBe(past.take(n % 5, rarest, 0.1, bet))
    expect(JSON.stringify(again)).toBe(JSON.stringify(past))
  })
})
