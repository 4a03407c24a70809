/**
 * Whether a source's labels contradict those of its records' neighbors more often than others' labels do.
 *
 * The nearest records of other sources vote. How often honest labels go against a vote depends on how clear it is, so votes
 * are told apart by their strength, and each strength has a usual rate of its own: where classes overlap, or a source's
 * inputs are noisy, votes are split and contradicting them says little. Mistaken labels are `usual + ε·(1 − usual)` of what is
 * contradicted; bets on several ε run side by side (Page's test with e-values: Shin, Ramdas and Rinaldo 2023), each as counts
 * since it began, so that what is usual may become better known as records come.
 */
import type { Named } from './exemplars.ts'
import { namedBy } from './expect.ts'

/** Shares of wrong labels that are bet on. */
const wrongShares = [0.04, 0.08, 0.16, 0.35] as const
/** Of what others show: room for a source that differs. */
const usualRatio = 1.5
/** A rate is never taken to be lower: some mistakes are everybody's. */
const usualMin = 0.01
const usualMax = 0.9
/** Votes that have been asked of another source before its rate counts. */
const votesMin = 20

/** How many votes of a strength there were, and how many the label went against. Strength -> counts. */
export type Votes = Record<string, [votes: number, against: number]>

export interface Vote {
  /** Neighbors that name the label with the most votes. */
  readonly strength: number
  /** The label that they name. */
  readonly most: string
  readonly against: boolean
  /** Next to none names the record's own label, and most name one other. */
  readonly contradicts: boolean
}

/** Undefined: no clear vote. `k`: how many have voted. */
export function voteOf(named: Named, k: number, label: string): Vote | undefined {
  const [most, strength] = named.reduce((a, b) => (b[1] > a[1] ? b : a))
  if (strength <= k / 2) return undefined
  return { strength, most, against: most !== label, contradicts: most !== label && namedBy(named, label) <= 1 }
}

export function countVote(votes: Votes, { strength, against }: Vote): void {
  const counts = (votes[strength] ??= [0, 0])
  counts[0]++
  if (against) counts[1]++
}

/**
 * One way in which a source relabels: the first label in place of another that it gave twice against clear votes. Where
 * it means by it what others do not mean yet (guidelines have changed), all its records of that kind will go against
 * the vote until they do. Bets take no notice of it from then on; asking again does, once the others have had their say
 * since.
 */
export interface Moved {
  /** `from\nto` -> how often. Until there is one that counts. */
  seen: Record<string, number>
  way?: string
}

const movedMin = 2
/** Ways that are kept; of one source whose labels go against votes in so many, none is what it means by a label. */
const waysMax = 64

/** Whether this label goes against the vote in the source's one way. */
export function isMoved(moved: Moved, { most, against, contradicts }: Vote, label: string): boolean {
  if (!against) return false
  const way = `${most}\n${label}`
  if (moved.way !== undefined || !contradicts) return moved.way === way
  if (moved.seen[way] === undefined && Object.keys(moved.seen).length >= waysMax) return false
  moved.seen[way] = (moved.seen[way] ?? 0) + 1
  if (moved.seen[way] >= movedMin) Object.assign(moved, { seen: {}, way })
  return false
}

/** What bets have been on since each began: a list of votes for each. */
export type Bets = Votes[]

/**
 * Adds a vote to all bets; the logarithm of the mean of their evidence. `others`: the votes of the other sources, of which the
 * half that contradicts least says what is usual.
 */
export function evidenceOfVote(bets: Bets, vote: Vote, others: readonly Votes[]): number {
  const usual = usualRates(others)
  if (usual === undefined) return 0
  const logs = wrongShares.map((wrong, n) => {
    const bet = (bets[n] ??= {})
    countVote(bet, vote)
    const log = evidenceFor(wrong, bet, usual)
    if (log <= 0) bets[n] = {}
    return Math.max(0, log)
  })
  return logMean(logs)
}

/**
 * The logarithm of the evidence of all votes at once; 0: nobody else is known. `others` as above; `least`: the lowest
 * usual rate.
 */
export function evidenceOfVotes(votes: Votes, others: readonly Votes[], least: number): number {
  const usual = usualRates(others, least)
  return usual === undefined ? 0 : logMean(wrongShares.map((wrong) => evidenceFor(wrong, votes, usual)))
}

function evidenceFor(wrong: number, votes: Votes, usual: (strength: string) => number): number {
  let log = 0
  for (const [strength, [all, against]] of Object.entries(votes)) {
    const rate = usual(strength)
    const supposed = rate + wrong * (1 - rate)
    log += against * Math.log(supposed / rate) + (all - against) * Math.log((1 - supposed) / (1 - rate))
  }
  return log
}

function logMean(logs: readonly number[]): number {
  const most = Math.max(...logs)
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length)
}

/** How often honest labels go against a vote of a strength; undefined while nobody else is known. */
function usualRates(others: readonly Votes[], least = usualMin): ((strength: string) => number) | undefined {
  const known = others
    .map((votes) => ({ votes, rate: shareAgainst(votes) }))
    .filter(({ rate }) => rate !== undefined)
    .sort((a, b) => a.rate! - b.rate!)
  if (known.length === 0) return undefined
  const best = known.slice(0, Math.max(1, Math.floor(known.length / 2)))
  return (strength) => {
    let [all, against] = [2, 1]
    for (const { votes } of best) {
      all += votes[strength]?.[0] ?? 0
      against += votes[strength]?.[1] ?? 0
    }
    return Math.min(usualMax, Math.max(least, (usualRatio * against) / all))
  }
}

/** Of all votes of a source that were clear; undefined: too few. */
function shareAgainst(votes: Votes): number | undefined {
  let [all, against] = [0, 0]
  for (const counts of Object.values(votes)) {
    all += counts[0]
    against += counts[1]
  }
  return all < votesMin ? undefined : (against + 0.5) / (all + 1)
}
