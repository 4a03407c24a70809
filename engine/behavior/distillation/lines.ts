/**
 * How long the answers of a model are, over its honest accounts, and how often these accounts show what distillation shows. Pure.
 *
 * Every account has the same say, however much it asks. The rate that is usual is that of an account near the top: no single
 * account teaches it, nor any less than a tenth of them. Accounts with few calls are drawn to the rate of all.
 */

/** Shares of honest answers that are longer than each of the lines. */
export const shares = [0.05, 0.01] as const
/**
 * An honest account's answers may be past a line as often as the square root of its share; its pace is even in a third of its
 * calls where they come independently of each other (of two exponential intervals none is twice the other with 1/3).
 */
const evenByChance = 1 / 3
export const allowed: readonly number[] = shares.map((share) => Math.sqrt(share) * evenByChance)
const allowedMax = 0.8
/** What honest accounts show may be so many times the odds of what is usual. */
const oddsRoom = 2
/** Calls of the usual rate that an account is given beside its own. */
const drawn = 20
/** Share of the accounts that may show more than the one whose rate is taken; at least one of them does. */
const topShare = 0.1

export interface Teacher {
  readonly principal: string
  /** As they are taught (params.ts). */
  readonly answers: readonly number[]
  /** It has done for days what it does. */
  readonly habitual: boolean
}

/** As it is told to all partitions. JSON. */
export interface ToldLines {
  readonly version: 1
  /** Tokens; one for each share. */
  readonly lines: readonly number[]
  /** What an honest account may show of each. */
  readonly allowed: readonly number[]
  /** Accounts that may show more, since they have done so for days in peace. */
  readonly own: readonly (readonly [principal: string, allowed: readonly number[]])[]
  readonly accounts: number
  readonly samples: number
}

export function learnLines(teachers: readonly Teacher[]): ToldLines {
  const lines = linesOf(teachers)
  const hits = teachers.map(({ answers }) => lines.map((line) => answers.filter((tokens) => tokens > line).length))
  const samples = teachers.reduce((sum, { answers }) => sum + answers.length, 0)
  const all = lines.map((_, n) => hits.reduce((sum, each) => sum + each[n]!, 0) / samples)
  const rates = teachers.map(({ answers }, at) =>
    lines.map((_, n) => (hits[at]![n]! + drawn * all[n]!) / (answers.length + drawn)),
  )
  const top = Math.max(1, Math.floor(topShare * teachers.length))
  const usual = lines.map((_, n) => rates.map((each) => each[n]!).sort((a, b) => b - a)[top]!)
  const may = usual.map((rate, n) => rounded(Math.max(allowed[n]!, withRoom(rate))))
  const own = teachers.flatMap(({ principal, habitual }, at): [string, number[]][] => {
    const habit = rates[at]!.map((rate, n) => rounded(Math.max(may[n]!, withRoom(rate))))
    return habitual && habit.some((rate, n) => rate > may[n]!) ? [[principal, habit]] : []
  })
  return { version: 1, lines, allowed: may, own, accounts: teachers.length, samples }
}

function linesOf(teachers: readonly Teacher[]): readonly number[] {
  const weighted = teachers.flatMap(({ answers }) =>
    answers.map((tokens): [number, number] => [Math.abs(tokens), 1 / answers.length / teachers.length]),
  )
  weighted.sort(([a], [b]) => b - a)
  return shares.map((share) => {
    let sum = 0
    for (const [tokens, weight] of weighted) {
      sum += weight
      if (sum >= share) return tokens
    }
    return weighted.at(-1)?.[0] ?? 0
  })
}

function withRoom(rate: number): number {
  const odds = (oddsRoom * rate) / (1 - Math.min(rate, 0.999))
  return Math.min(allowedMax, odds / (1 + odds))
}

function rounded(rate: number): number {
  return Math.round(rate * 1e4) / 1e4
}
