/**
 * How evidence against an account adds up, with a proved bound on false alarms.
 *
 * Each kind of evidence is an event that an honest account's next query shows with a probability of at most q, given
 * all before (the composite null hypothesis). A bet against it multiplies by `won` where the event is there and by
 * `lost` where it is not; its expectation under the null is at most 1 (Waudby-Smith and Ramdas 2024). Bets are
 * restarted at every query and summed (Shiryaev–Roberts), so that an account that was honest for months costs no delay:
 * with R(t) = (R(t-1) + 1) · e(t), R(t) - t is a supermartingale, and so is a weighted mean of many R. By Ville's
 * inequality the probability that it passes A within N queries is at most N / A (e-detectors: Shin, Ramdas and Rinaldo
 * 2022). That holds as well where each restart adds a weight of its own instead of 1, as long as N weights add up to N
 * at most: thefts mostly begin soon after their account. Whoever is named a thief at the line A is honest with no more
 * than that probability, whatever depends on whatever in what they ask.
 */
import { levelCount } from '../honest/reference.ts'

export type QueryThreat = 'extraction' | 'boundary-search' | 'inversion' | 'membership-inference'
export const queryThreats: readonly QueryThreat[] = [
  'extraction',
  'boundary-search',
  'inversion',
  'membership-inference',
]

/** What a query can show. Bits of a mask. */
export const shows = {
  /** Over the n-th line of novelty, or below the n-th of the margin. */
  novelty: (level: number): number => 1 << level,
  margin: (level: number): number => 1 << (levelCount + level),
  /** On a line with two earlier ones. */
  line: 1 << 8,
  /** The same, and not close to any of them. */
  farLine: 1 << 9,
  /** About where three earlier ones were, and with another class than the closest. */
  flip: 1 << 10,
  /** With three earlier ones it makes two pairs around one center. */
  pair: 1 << 11,
  /** Unlike an earlier one in a few values alone. */
  sparse: 1 << 12,
  /** Unlike anything honest, about where three earlier ones were, close to none, and with the class of the closest. */
  ball: 1 << 13,
  /** Unlike 99 % of honest ones, and on its way through the last ones: close to none, or two of them of another class. */
  drift: 1 << 15,
  /** A record that the model was trained on. */
  member: 1 << 14,
  /** Unlike anything honest, and two values unlike an earlier one, by the same. */
  even: 1 << 20,
  /** An earlier one and an equal step in each value; the second: the newest, or about where three of the last are. */
  step: 1 << 21,
  stepAbout: 1 << 22,
  /** Close to an earlier one, and with another class than the closest. */
  turn: 1 << 23,
  /** As `ball`, of an account that asked natural inputs before: it searches around one of those. */
  around: 1 << 24,
  /**
   * One value was changed by as much as others before it, which were put back, and close: slopes are estimated so, one
   * value after the other (Chen et al. 2017, ZOO).
   */
  probe: 1 << 25,
  /** Of inputs that more is made of, one that is a record that the model was trained on. */
  copied: 1 << 26,
  /**
   * Of inputs that are odd, one that is an earlier one of them and an equal step in each value, however long ago that
   * was asked.
   */
  oddStep: 1 << 27,
  /** In one value halfway between two earlier ones, one of which was so itself, of an input that is far from honest ones. */
  halved: 1 << 28,
  /** Unlike an earlier one in few values, three of which or more were changed by the same: changes add up. */
  added: 1 << 29,
  /** What a search or an inversion shows of one base, among many queries of that; it has bets of its own (one-base.ts). */
  ofBase: 1 << 30,
  /** Over the n-th line of the margin: answered more surely than honest inputs are. */
  sure: (level: number): number => 1 << (16 + level),
} as const

/** What of these tells that a query is unlike what honest accounts asked before. */
export const unlikeBefore = Array.from(
  { length: levelCount },
  (_, n) => shows.novelty(n) | shows.margin(n) | shows.sure(n),
).reduce((all, kinds) => all | kinds, shows.ball | shows.around | shows.drift | shows.even | shows.halved)

/** All of them, by their places. */
export const kindsShown: readonly number[] = Array.from({ length: 30 }, (_, n) => 1 << n)

/**
 * What an honest account may show of each, where no traffic teaches it: above what the histories at hand have, of most
 * far above; of turns customers of a table of ten columns had up to 13 %.
 */
const allowed = { line: 0.03, farLine: 0.03, flip: 0.1, pair: 0.02, sparse: 0.3, drift: 0.05, ball: 0.1, member: 0.02, even: 0.05, step: 0.0005, stepAbout: 0.001, turn: 0.15, around: 0.1, probe: 0.1, copied: 0.002, oddStep: 0.001, halved: 0.05, added: 0.02 } as const // prettier-ignore

/** How much higher the odds of an honest account may be than what is usual at its model; and the most it may show at all. */
const roomOdds = 2
export const roomMax = 0.8
/** The rate of what most honest accounts show oftener than that: it is not bet on. */
export const usualToAll = 1
const notBet = { won: 0, lost: 0 }

/**
 * The same for what one account in a hundred does: two or three accounts that look honest teach it, so it is at most so
 * much above what other models allow.
 */
const rareOdds = 4

/** What may be shown where honest accounts of the model show it at these rates: never less than at other models. */
function withRoom(q: number, usual: number, rare: number): number {
  return Math.max(q, Math.min(roomMax, atOdds(usual, roomOdds)), Math.min(atOdds(q, rareOdds), atOdds(rare, roomOdds)))
}

/** What an honest account may show of any of these kinds at a model, and at least `q`; `usualToAll`: they are not bet on there. */
export function roomFor(
  kinds: readonly number[],
  q: number,
  {
    usual = [],
    rare = [],
  }: { readonly usual?: readonly number[] | undefined; readonly rare?: readonly number[] | undefined },
): number {
  const most = (rates: readonly number[]): number =>
    Math.max(...kinds.map((kind) => rates[kindsShown.indexOf(kind)] ?? 0))
  return most(usual) >= usualToAll ? usualToAll : withRoom(q, most(usual), most(rare))
}

/** A rate whose odds are so many times those of this one. */
function atOdds(rate: number, times: number): number {
  return (times * rate) / (1 + (times - 1) * rate)
}

interface Bet {
  readonly threat: number
  readonly bit: number
  /** Of a threat's bets these add up to 1. */
  readonly weight: number
  readonly won: number
  readonly lost: number
}

/** Caps a value of R: far past any line, far from overflow in 32 bits. */
const valueMax = 1e30

/**
 * The bets; `share` are a reference's own shares, `allowance` what of them an account may differ, `sureAllowance` the same for
 * answers that are surer than honest ones; `usual` and `rare` how often honest accounts of the model show each kind (usual.ts).
 */
export class Evidence {
  readonly size: number
  /** A column for each property of a bet: this runs over all bets for every query. */
  readonly #threats: Uint8Array
  readonly #bits: Int32Array
  readonly #weights: Float64Array
  readonly #won: Float64Array
  readonly #lost: Float64Array

  constructor(
    share: readonly number[],
    allowance: number,
    sureAllowance = allowance,
    usual: readonly number[] = [],
    rare: readonly number[] = [],
  ) {
    const levels = share.map((u) => u ** allowance)
    const of = (threat: QueryThreat, weight: number, bit: number, table: number, gains: readonly number[]): Bet[] => {
      const kind = kindsShown.indexOf(bit)
      const rate = usual[kind] ?? 0
      const q = withRoom(table, rate, rare[kind] ?? 0)
      return gains.map((gain) => ({
        threat: queryThreats.indexOf(threat),
        bit,
        weight: weight / gains.length,
        ...(rate >= usualToAll ? notBet : { won: (q + (1 - q) * gain) / q, lost: 1 - gain }),
      }))
    }
    const all = [0.15, 0.5, 0.95]
    const far = [0.3, 0.9]
    // Where answers alone are known thieves show it a little more often than honest accounts, or nearly always.
    const sure = [0.08, 0.4]
    // Between natural queries, or where few of what steps are made from was kept, they are seldom seen.
    const steps = [0.02, 0.12, 0.6]
    const bets = [
      ...levels.flatMap((q, n) => of('extraction', 0.53 / levelCount, shows.novelty(n), q, all)),
      ...levels.flatMap((q, n) => of('extraction', 0.15 / levelCount, shows.margin(n), q, all)),
      ...of('extraction', 0.05, shows.farLine, allowed.farLine, far),
      ...of('boundary-search', 0.1, shows.line, allowed.line, far),
      ...of('boundary-search', 0.15, shows.sparse, allowed.sparse, far),
      ...of('boundary-search', 0.1, shows.flip, allowed.flip, far),
      ...of('boundary-search', 0.08, shows.drift, allowed.drift, far),
      ...of('inversion', 0.4, shows.ball, allowed.ball, far),
      ...of('inversion', 0.1, shows.drift, allowed.drift, far),
      ...of('membership-inference', 0.5, shows.member, allowed.member, [0.06, 0.3, 0.9]),
      // Kept last: what was saved without them is still read.
      ...of('boundary-search', 0.15, shows.pair, allowed.pair, far),
      ...of('inversion', 0.2, shows.pair, allowed.pair, far),
      ...of('inversion', 0.2, shows.sparse, allowed.sparse, far),
      ...share.flatMap((u, n) => of('extraction', 0.08 / levelCount, shows.sure(n), u ** sureAllowance, sure)),
      ...of('extraction', 0.03, shows.even, allowed.even, far),
      ...of('extraction', 0.08, shows.step, allowed.step, steps),
      ...of('boundary-search', 0.08, shows.stepAbout, allowed.stepAbout, steps),
      ...of('boundary-search', 0.1, shows.turn, allowed.turn, far),
      ...of('boundary-search', 0.05, shows.around, allowed.around, far),
      ...of('boundary-search', 0.1, shows.probe, allowed.probe, far),
      ...of('inversion', 0.1, shows.probe, allowed.probe, far),
      ...of('membership-inference', 0.5, shows.copied, allowed.copied, [0.25, 0.6]),
      ...of('extraction', 0.04, shows.oddStep, allowed.oddStep, [0.1, 0.4]),
      ...of('extraction', 0.04, shows.halved, allowed.halved, far),
      ...of('boundary-search', 0.09, shows.added, allowed.added, far),
    ]
    this.size = bets.length
    this.#threats = Uint8Array.from(bets, ({ threat }) => threat)
    this.#bits = Int32Array.from(bets, ({ bit }) => bit)
    this.#weights = Float64Array.from(bets, ({ weight }) => weight)
    this.#won = Float64Array.from(bets, ({ won }) => won)
    this.#lost = Float64Array.from(bets, ({ lost }) => lost)
  }

  /**
   * Takes one query's evidence into `values` (one a bet) and puts each threat's mean R into `totals`. `counts`: the kinds of
   * evidence that this query could show; others are left as they are. `weight`: of the restart (`restartWeight`).
   */
  take(values: Float32Array, shown: number, counts: number, totals: Float64Array, weight = 1): void {
    for (let n = 0; n < totals.length; n++) totals[n] = 0
    const [threats, bits, weights] = [this.#threats, this.#bits, this.#weights]
    let [threat, total] = [0, 0]
    for (let n = 0; n < bits.length; n++) {
      const bit = bits[n]!
      // Bets of one threat mostly follow each other: their sum is put down once another begins.
      if (threats[n] !== threat) {
        totals[threat] = total
        threat = threats[n]!
        total = totals[threat]!
      }
      let value = values[n]!
      if ((counts & bit) !== 0) {
        value = (value + weight) * ((shown & bit) !== 0 ? this.#won[n]! : this.#lost[n]!)
        values[n] = value > valueMax ? valueMax : value
      }
      total += weights[n]! * value
    }
    totals[threat] = total
  }

  /** The mean R of each threat where these kinds are left out. */
  without(kinds: number, values: Float32Array): number[] {
    const totals = queryThreats.map(() => 0)
    for (const [n, bit] of this.#bits.entries()) {
      if ((kinds & bit) === 0) totals[this.#threats[n]!]! += this.#weights[n]! * values[n]!
    }
    return totals
  }

  /** What was shown of these kinds says nothing any more. */
  forget(values: Float32Array, kinds: number): void {
    for (const [n, bit] of this.#bits.entries()) if ((kinds & bit) !== 0) values[n] = 0
  }
}

/** Number of bets of every `Evidence`. */
export const betCount = new Evidence(
  Array.from({ length: levelCount }, () => 0.01),
  1,
).size

/** As many had versions 14, 13, 12, 8, 7, 6, 5, 4, 3 and 2 of an account. */
export const betCount14 = betCount - 2
export const betCount13 = betCount14 - 2
export const betCount12 = betCount13 - 2
export const betCount8 = betCount12 - 2
export const betCount7 = betCount8 - 6
export const betCount6 = betCount7 - 2
export const betCount5 = betCount6 - 6
export const betCount4 = betCount5 - 2
export const betCount3 = betCount4 - 2 * levelCount
export const betCount2 = betCount3 - 6

/** After so many queries the weight of a restart has halved. */
const early = 40

/**
 * Of the restart at an account's n-th query, from 1 on; those of the first N add up to at most N, whatever comes after
 * counts half.
 */
export function restartWeight(n: number, queries: number): number {
  return 0.5 + (0.5 * queries) / Math.log(1 + queries / early) / (n + early)
}

/** The line that a mean R must pass: all threats together at most `bound` in `queries`. */
export function lineOf(bound: number, queries: number): number {
  return (queries * queryThreats.length) / bound
}
