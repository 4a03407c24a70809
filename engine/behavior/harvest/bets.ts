/**
 * The bets that are placed on each different prompt: that a thief shows it with so many times the odds that an honest
 * account may.
 */
import { betOn, type Bet } from '../bets.ts'
import { shares } from './lines.ts'

const oddsOfThief = [2.5, 5, 10]
export const betsCount = shares.length * oddsOfThief.length

/** For each line its bets. */
export type Bets = readonly (readonly Bet[])[]

export function betsOver(allowed: readonly number[]): Bets {
  return allowed.map((share) =>
    oddsOfThief.map((times) => {
      const odds = (times * share) / (1 - share)
      return betOn(odds / (1 + odds), share)
    }),
  )
}

/**
 * Takes one answer into account; `tokens` as it is taught (params.ts). `logs` has a number for each bet, none of them
 * below `least` or above `most`: from 0 on they find a change whenever it comes; without a lower end their mean is ever
 * e^n with a probability of at most e^-n (Ville 1939).
 */
export function weigh(
  logs: { [at: number]: number },
  bets: Bets,
  lines: readonly number[],
  tokens: number,
  [least, most]: readonly [number, number],
): void {
  let at = 0
  for (let line = 0; line < bets.length; line++) {
    const hit = tokens > lines[line]!
    for (const bet of bets[line]!) {
      logs[at] = Math.min(most, Math.max(least, (logs[at] ?? 0) + (hit ? bet.hit : bet.miss)))
      at++
    }
  }
}
