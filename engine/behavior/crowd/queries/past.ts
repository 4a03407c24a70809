/**
 * How far past the lines of novelty those go who share something: a bet whose stakes are learned from what they have
 * asked before.
 *
 * Honest queries are past the n-th line with a probability of at most share_n^allowance. How often those of a hand are
 * nobody knows: letters asked of a model of digits are past the first two and seldom past the others, random vectors
 * past all. So stakes go by how often each line was passed so far (a plug-in bet: Waudby-Smith and Ramdas 2024), and
 * never say less of what is farther out: then the mean under any honest distribution is at most one. Beside it stands
 * the bet that knows nothing, on margins as well; each counts by what it has won (Cover 1991). Pure.
 */
import { levelCount, sharesOf } from '../../model-queries/honest/reference.ts'

/** Queries that what is staked at first counts as. */
const firstWeight = 8
/** Half of it on what honest accounts show at most, half on all lines alike. */
const gain = 0.5
/** Of more queries than that each counts half. */
const countMax = 64
/** The most that one of the two bets may be ahead of the other. */
const aheadMax = 6

/** JSON: queries past so many lines, and the lead of what is learned, as a logarithm. */
export type PastJson = readonly number[]

/** `from`: the first line that counts; `learns`: whether it tells what those ask who share something. */
export interface PastBet {
  readonly allowance: number
  readonly from: number
  readonly learns: boolean
}

export class Past {
  /** How many queries were past so many lines, and no more; and all of them. */
  readonly #counts: number[]
  #count: number
  #ahead: number

  constructor(json: PastJson = []) {
    this.#counts = Array.from({ length: levelCount + 1 }, (_, n) => json[n] ?? 0)
    this.#count = this.#counts.reduce((sum, count) => sum + count, 0)
    this.#ahead = json[levelCount + 1] ?? 0
  }

  get isNew(): boolean {
    return this.#count === 0
  }

  /** What was asked before says nothing any more. */
  forget(): void {
    if (this.#count === 0) return
    this.#counts.fill(0)
    this.#count = this.#ahead = 0
  }

  /**
   * The logarithm of what a query past so many lines brings. `rarest`: the share past the last; `novelty`: what the bet
   * that knows nothing brings.
   */
  take(lines: number, rarest: number, novelty: number, { allowance, from, learns }: PastBet): number {
    const learned = Math.log(ratioAt(lines < from ? 0 : lines, this.#stakes(honestAt(rarest, allowance, from), from)))
    const share = 1 / (1 + Math.exp(-this.#ahead))
    const log = Math.log(share * Math.exp(learned) + (1 - share) * Math.exp(novelty))
    if (!learns) return log
    this.#ahead = Math.max(-aheadMax, Math.min(aheadMax, this.#ahead + learned - novelty))
    this.#counts[lines]!++
    this.#count++
    if (this.#count > countMax) {
      this.#count = 0
      for (let n = 0; n <= levelCount; n++) this.#count += this.#counts[n] = this.#counts[n]! >> 1
    }
    return log
  }

  toJSON(): PastJson {
    return [...this.#counts, this.#ahead]
  }

  /** By lines passed, what is staked on it and what honest accounts show at most. */
  #stakes(honest: readonly number[], from: number): Stake[] {
    const stakes: Stake[] = []
    const alike = gain / (levelCount + 1 - from)
    for (let n = 0; n <= levelCount; n = n === 0 ? from : n + 1) {
      let counted = 0
      for (let of = n; of <= (n === 0 ? from - 1 : n); of++) counted += this.#counts[of]!
      const first = firstWeight * ((1 - gain) * honest[n]! + (n === 0 ? 0 : alike))
      put(stakes, { p: (counted + first) / (firstWeight + this.#count), q: honest[n]!, most: n })
    }
    return stakes
  }
}

interface Stake {
  p: number
  q: number
  /** Of so many lines, and of fewer down to those of the one before. */
  most: number
}

/** What is farther out never brings less: neighbours of which it would are one (pool adjacent violators). */
function put(stakes: Stake[], stake: Stake): void {
  for (let last = stakes.at(-1); last !== undefined && last.p * stake.q >= stake.p * last.q; last = stakes.at(-1)) {
    stake.p += last.p
    stake.q += last.q
    stakes.pop()
  }
  stakes.push(stake)
}

function ratioAt(lines: number, stakes: readonly Stake[]): number {
  const { p, q } = stakes.find(({ most }) => lines <= most)!
  return p / q
}

/**
 * By lines passed, and no more, the probability of an honest query at most, where those before `from` are none; kept: a
 * model has one reference.
 */
function honestAt(rarest: number, allowance: number, from: number): readonly number[] {
  const kept = lastAt[from]
  if (kept?.rarest === rarest && kept.allowance === allowance) return kept.honest
  const beyond = [1, ...sharesOf(rarest).map((share) => share ** allowance), 0]
  for (let n = 1; n < from; n++) beyond[n] = beyond[from]!
  const honest = Array.from({ length: levelCount + 1 }, (_, n) => beyond[n]! - beyond[n + 1]!)
  lastAt[from] = { rarest, allowance, honest }
  return honest
}

const lastAt: ({ rarest: number; allowance: number; honest: readonly number[] } | undefined)[] = []
