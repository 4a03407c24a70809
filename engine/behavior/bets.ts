/**
 * Bets against a benign account: evidence that grows with each event that a benign account shows seldom and a thief often,
 * and shrinks with each other one.
 *
 * Where a benign account shows such events with at most the conditional probability `benignShare`, whatever came before,
 * each factor below has mean at most one; so a false alarm comes at most once in e^line events on average (Page's test with
 * e-values: Shin, Ramdas and Rinaldo 2023). How often a thief shows them nobody knows: several bets run side by side, and
 * the evidence is their mean.
 */
export interface Bet {
  readonly hit: number
  readonly miss: number
}

/** Factors, as logarithms, of a bet that the share is `thiefShare` rather than `benignShare`. */
export function betOn(thiefShare: number, benignShare: number): Bet {
  return { hit: Math.log(thiefShare / benignShare), miss: Math.log((1 - thiefShare) / (1 - benignShare)) }
}

/** Takes an event into account: `logs` has a number for each bet, each 0 or more and at most `max`. */
export function settle(logs: number[], bets: readonly Bet[], hit: boolean, max: number): void {
  for (let at = 0; at < bets.length; at++) {
    const bet = bets[at]!
    logs[at] = Math.min(max, Math.max(0, (logs[at] ?? 0) + (hit ? bet.hit : bet.miss)))
  }
}

/** The logarithm of the mean of all. */
export function evidenceOfBets(logs: readonly number[]): number {
  if (logs.length === 0) return 0
  const most = Math.max(...logs)
  return Math.max(0, most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length))
}
