/**
 * How long the answers of a model are, over its honest accounts, and how often these accounts show what distillation shows. Pure.
 *
 * Every account has the same say, however much it asks. In the lines those whose answers are longest count as the next
 * one does, and the rate that is usual is that of an account near the top: no single account teaches either, nor any
 * less than a tenth of them. Accounts with few calls are drawn to the rate of all. A habit is what an account did in
 * its first days: to do ever more makes none.
 */

/** Shares of honest answers that are longer than each of the lines. */
export const shares = [0.05, 0.01] as const
/**
 * An honest account's answers may be past a line as often as the square root of its share. Its pace is even in a third
 * of its calls where they come independently of each other, but two comparisons share an interval. So more is allowed:
 * as much as it takes for each bet's factors, times a positive function of the last interval, to have mean at most one
 * given all that came before (Perron's vector of the kernel of the exponential distribution; its eigenvalue is .9995 at
 * most from .36 on). That function is nowhere more than `intervalRoom` times as large as elsewhere.
 */
const evenMost = 0.36
export const intervalRoom = 2.15
export const allowed: readonly number[] = shares.map((share) => Math.sqrt(share) * evenMost)
const allowedMax = 0.8
/** What honest accounts show may be so many times the odds of what is usual. */
const oddsRoom = 2
/** Calls of the usual rate that an account is given beside its own. */
const drawn = 20
/** Share of the accounts that are nearest to the top, so that the next one counts in their place; at least one of them is. */
const topShare = 0.1

export interface Teacher {
  readonly principal: string
  /** As they are taught (params.ts). */
  readonly answers: readonly number[]
  /** What it taught of its first days, once they are over. */
  readonly habit?: readonly number[]
  /** It asked as much in these first days as those whom no writer is like (busy.ts). */
  readonly isBusyHabit?: boolean
  /** There were days on which it asked as much. */
  readonly busy?: boolean
}

/** As it is told to all partitions. JSON. */
export interface ToldLines {
  readonly version: 1
  /** Tokens; one for each share. */
  readonly lines: readonly number[]
  /** What an honest account may show of each. */
  readonly allowed: readonly number[]
  /** What an honest account may show that asks so much; what was told before has none, and nobody is held to it. */
  readonly busy?: readonly number[]
  /** Accounts that may show more than all may, or than those that ask as much, since they have done so for days in peace. */
  readonly own: readonly (readonly [principal: string, allowed: readonly number[]])[]
  readonly accounts: number
  readonly samples: number
}

export function learnLines(teachers: readonly Teacher[]): ToldLines {
  const lines = linesOf(teachers, shares)
  const hitsOf = (answers: readonly number[]): number[] =>
    lines.map((line) => answers.filter((tokens) => tokens > line).length)
  const hits = teachers.map(({ answers }) => hitsOf(answers))
  const samples = teachers.reduce((sum, { answers }) => sum + answers.length, 0)
  const all = lines.map((_, n) => hits.reduce((sum, each) => sum + each[n]!, 0) / samples)
  const ratesOf = (hits: readonly number[], of: number): number[] =>
    hits.map((count, n) => (count + drawn * all[n]!) / (of + drawn))
  const rates = teachers.map(({ answers }, at) => ratesOf(hits[at]!, answers.length))
  const top = topOf(teachers.length)
  const usual = lines.map((_, n) => rates.map((each) => each[n]!).sort((a, b) => b - a)[top]!)
  const may = usual.map((rate, n) => rounded(Math.max(allowed[n]!, withRoom(rate))))
  const busy = rates.filter((_, at) => teachers[at]!.busy === true)
  const usualBusy = lines.map((_, n) => busy.map((each) => each[n]!).sort((a, b) => b - a)[topOf(busy.length)] ?? 0)
  const mayBusy = usualBusy.map((rate, n) => rounded(Math.max(allowed[n]!, withRoom(rate))))
  const own = teachers.flatMap(({ principal, habit = [], isBusyHabit = false }): [string, number[]][] => {
    const its = ratesOf(hitsOf(habit), habit.length).map((rate) => rounded(withRoom(rate)))
    const isMore = its.some((rate, n) => rate > may[n]! || (isBusyHabit && rate > mayBusy[n]!))
    return habit.length > 0 && isMore ? [[principal, its.map((rate, n) => Math.max(may[n]!, rate))]] : []
  })
  return {
    version: 1,
    lines,
    allowed: may,
    busy: mayBusy,
    own,
    accounts: teachers.length,
    samples,
  }
}

/** Those whose own answers are longest count as the next does (winsorized): what few accounts ask for moves no line far. */
export function linesOf(teachers: readonly Pick<Teacher, 'answers'>[], shares: readonly number[]): readonly number[] {
  return shares.map((share) => {
    const own = teachers
      .map(({ answers }) => answers.map((tokens) => Math.abs(tokens)).sort((a, b) => b - a))
      .sort((a, b) => a[Math.floor(share * a.length)]! - b[Math.floor(share * b.length)]!)
    const next = own.length - topOf(own.length) - 1
    return lineOf(
      own.map((answers, at) => (at > next ? own[Math.max(0, next)]! : answers)),
      share,
    )
  })
}

/** Each account with the same weight; the answers of each in descending order. */
function lineOf(accounts: readonly (readonly number[])[], share: number): number {
  const weighted = accounts
    .flatMap((answers) => answers.map((tokens): [number, number] => [tokens, 1 / answers.length / accounts.length]))
    .sort(([a], [b]) => b - a)
  let sum = 0
  for (const [tokens, weight] of weighted) {
    sum += weight
    if (sum >= share) return tokens
  }
  return weighted.at(-1)?.[0] ?? 0
}

/** Which account from the top, 0 the first, is near it. */
export function topOf(accounts: number): number {
  return Math.max(1, Math.floor(topShare * accounts))
}

export function withRoom(rate: number, times = oddsRoom): number {
  const odds = (times * rate) / (1 - Math.min(rate, 0.999))
  return Math.min(allowedMax, odds / (1 + odds))
}

function rounded(rate: number): number {
  return Math.round(rate * 1e4) / 1e4
}
