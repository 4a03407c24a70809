/**
 * Accounts that take turns: one hand that spreads its queries over many accounts, one after the other.
 *
 * Among n independent accounts the one that was silent longest comes next with a probability of at most 1/n where all are
 * equally busy, and less where they are not. A hand that deals in turn always takes that one. Machines with clocks of their
 * own keep an order too, but then their intervals are constant: a turn counts only where intervals vary by more than the
 * gap between neighbors, under which clocks would overtake each other.
 */

/** Tenants followed at a time; with more than that in turn nothing is seen here. */
const tenantsMax = 128
const intervalsMax = 64
/** Fewest that can take turns. */
const turnMin = 4
/** How far back, in mean returns, somebody still has a turn. */
const returnsBack = 3
/** Weight of the last return in the running mean of their logarithms. */
const returnWeight = 0.3
/** A crowd is dealt in turn with this probability, independent accounts with one and a half times their share. */
const inTurn = 0.8
const room = 1.5
const hitMax = 2.5
/** Intervals must differ by this many gaps between neighbors. */
const variation = 1.5
/** Silence after which a return says nothing. */
const silentMsMax = 3_600_000

/** JSON. */
export interface Turns {
  /** Silent longest first. */
  tenants: [tenant: string, lastMs: number][]
  /** Of the last returns. */
  intervals: number[]
  /** Running mean of the logarithm of returns in ms; null: none yet. */
  logReturn: number | null
}

export function emptyTurns(): Turns {
  return { tenants: [], intervals: [], logReturn: null }
}

/** The logarithm of the evidence that this query brings; 0 where it says nothing. */
export function takeTurn(turns: Turns, tenant: string, timeMs: number): number {
  const { tenants, intervals } = turns
  const at = placeOf(tenants, tenant)
  const last = at < 0 ? undefined : tenants[at]![1]
  const evidence = last === undefined ? 0 : weigh(turns, at, timeMs - last, timeMs)
  if (at >= 0) tenants.splice(at, 1)
  tenants.push([tenant, Math.max(timeMs, last ?? timeMs)])
  if (tenants.length > tenantsMax) tenants.shift()
  const interval = last === undefined ? undefined : Math.max(1, timeMs - last)
  if (interval !== undefined && interval <= silentMsMax && tenants[tenants.length - 2]?.[0] !== tenant) {
    intervals.push(interval)
    if (intervals.length > intervalsMax) intervals.shift()
    const log = Math.log(interval)
    turns.logReturn = turns.logReturn === null ? log : turns.logReturn + returnWeight * (log - turns.logReturn)
  }
  return evidence
}

function placeOf(tenants: Turns['tenants'], tenant: string): number {
  let at = tenants.length - 1
  while (at >= 0 && tenants[at]![0] !== tenant) at--
  return at
}

function weigh({ tenants, intervals, logReturn }: Turns, at: number, interval: number, timeMs: number): number {
  if (logReturn === null || interval > silentMsMax) return 0
  const since = timeMs - returnsBack * Math.exp(logReturn)
  let first = 0
  while (first < tenants.length && tenants[first]![1] < since) first++
  const many = tenants.length - first
  if (many < turnMin || at < first) return 0
  const share = Math.min(0.5, room / many)
  if (at !== first) return Math.log((1 - inTurn) / (1 - share))
  const before = intervals[Math.max(0, intervals.length - (many >> 1))]
  const varies = before !== undefined && Math.abs(interval - before) >= (variation * interval) / many
  return varies ? Math.min(hitMax, Math.log(inTurn / share)) : 0
}
