/**
 * How evenly honest accounts cover what a model is asked, and how long its answers are where they do. Pure.
 *
 * As with the lines of answers, every account has the same say, and the rate that is usual is that of an account near the top.
 */
import { Cells, cellsCount, leanOf, learnCells } from './cells.ts'
import { linesOf, topOf, withRoom } from './lines.ts'
import { packedPrompt, unpackedPrompt } from './packed-prompt.ts'
import { isAside, nowhere, stayIn } from './aside.ts'

/** Shares of honest answers that are longer than each of the lines. */
const shares = [0.25, 0.05] as const
/** Of whom subjects follow Zipf's law with an exponent of .7, as often is a visit to another cell aside (.49 of 32 cells). */
const asideMost = 0.49
/** With an exponent of .9, which the rate of those with long answers among them begins with. */
const asideLong = 0.4
/** What honest accounts show may be so many times the odds of what is usual: of prompts aside, and of those with long answers. */
const asideRoom = 1.25
const longRoom = 2
/**
 * Of prompts of those who ask as much as no writer does (busy.ts), an honest account's may get text of its own past the
 * line of a quarter so often.
 */
const muchLeast = Math.sqrt(shares[0])
/** Where they may show more, no thief could be told from them. */
const muchMost = 0.8
/** Fewest prompts from which an account has a say, and of all together. */
export const promptsLeast = 32
const samplesMin = 8 * cellsCount
/** Prompts of an account that cells are made from. */
const perAccount = 24
/** For each honest prompt so many are thought to fall evenly. */
const evenly = 0.3
/**
 * How much of the space a cell is, those tell who ask all of it: an account has a say with this power of the number of
 * cells that it asks.
 */
const breadthPower = 3
/** Whose answers are long: an honest account's may be past the line as often as the square root of its share. */
const longMin = Math.sqrt(shares[0])

/** What is kept of an account's prompts, the newest last. JSON. */
export interface KeptPrompts {
  /** packed-prompt.ts. */
  readonly x: readonly string[]
  /** Of the answers; less than 0 where they are no text of their own (`isOwnText`). */
  readonly tokens: readonly number[]
}

export interface Asking extends KeptPrompts {
  /** There was a day on which it asked as much as no writer does (busy.ts). */
  readonly isBusy?: boolean
  /** Who it is, where it has been known for so long that what it does is its habit. */
  readonly habitOf?: string
}

export const coverVersion = 2

/** What is translated or put in other words comes out up to so many times as long. */
const rewrittenTimes = 2

/** Whether an answer is text that was asked for, and not the prompt's own. */
export function isOwnText({ inTokens, outTokens }: { readonly inTokens: number; readonly outTokens: number }): boolean {
  return outTokens > rewrittenTimes * inTokens
}

/** As it is told to all partitions. JSON. */
export interface ToldCover {
  readonly version: typeof coverVersion
  /** Event time: which cells these are. */
  readonly learnedMs: number
  readonly centers: readonly string[]
  readonly shares: readonly number[]
  /** What an honest account may show: of prompts that are aside. */
  readonly aside: number
  /** Tokens, and what it may show of prompts that are aside and get longer answers. */
  readonly lines: readonly number[]
  readonly long: readonly number[]
  /**
   * What an honest account that asks much may show of prompts that get text of their own past the first line
   * (undefined: nearly all of it), and who has a habit of more.
   */
  readonly much?: number
  readonly own?: readonly string[]
  readonly accounts: number
  readonly samples: number
}

/** Undefined: too few. `accounts` in an order that does not change. */
export function learnCover(
  accounts: readonly Asking[],
  { learnedMs, accountsMin }: { readonly learnedMs: number; readonly accountsMin: number },
): ToldCover | undefined {
  const all = accounts.map((of) => ({ ...of, x: of.x.map(unpackedPrompt), answers: of.tokens }))
  const length = usualLength(all.flatMap(({ x }) => x))
  const isUsual = ({ length: its }: Float64Array): boolean => its === length
  const teachers = all
    .map((of) => ({ ...of, x: of.x.filter(isUsual), answers: of.answers.filter((_, n) => isUsual(of.x[n]!)) }))
    .filter(({ x }) => x.length >= promptsLeast)
  const samples = teachers.reduce((sum, { x }) => sum + x.length, 0)
  if (teachers.length < accountsMin || samples < samplesMin) return undefined
  const centers = learnCells(teachers.flatMap(({ x }) => x.slice(-perAccount))).centers.map(packedPrompt)
  const cells = new Cells(centers.map(unpackedPrompt))
  const asked = teachers.map(({ x }) => {
    const lean = leanOf(x, cells)
    return x.map((each) => cells.of(each, lean))
  })
  const told = sharesOf(asked, centers.length)
  const lines = linesOf(teachers, shares)
  const bets = asked.map((each) => asideOf(each, told))
  const long = lines.map((line, n) => {
    const rates = teachers.map(({ answers }, at) =>
      rateOf(bets[at]!.map((is, k) => (is === undefined ? undefined : is && answers[k]! > line))),
    )
    return rounded(Math.max(asideLong * Math.sqrt(shares[n]!), withRoom(usualOf(rates), longRoom)))
  })
  // Of those whose answers are short nobody is told, however evenly they ask.
  const texts = teachers.map(({ answers }) => rateOf(answers.map((tokens) => tokens > lines[0]!)))
  const writers = bets.filter((_, at) => texts[at]! >= longMin)
  const usualMuch = usualOf(texts.filter((_, at) => teachers[at]!.isBusy === true))
  const may = rounded(Math.max(muchLeast, withRoom(usualMuch, longRoom)))
  return {
    version: coverVersion,
    learnedMs,
    centers,
    shares: told,
    aside: rounded(Math.max(asideMost, withRoom(usualOf(writers.map(rateOf)), asideRoom))),
    lines,
    long,
    ...(may < muchMost ? { much: may } : {}),
    own: teachers.flatMap(({ habitOf }, at) => (habitOf !== undefined && texts[at]! > may ? [habitOf] : [])),
    accounts: teachers.length,
    samples,
  }
}

function usualLength(prompts: readonly Float64Array[]): number {
  const lengths = new Map<number, number>()
  for (const { length } of prompts) lengths.set(length, (lengths.get(length) ?? 0) + 1)
  return [...lengths].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0] ?? 0
}

function usualOf(rates: readonly number[]): number {
  return [...rates].sort((a, b) => b - a)[topOf(rates.length)] ?? 0
}

function sharesOf(asked: readonly (readonly number[])[], count: number): number[] {
  const sums = new Array<number>(count).fill(0)
  for (const cells of asked) {
    const own = new Array<number>(count).fill(0)
    for (const cell of cells) own[cell]! += 1 / cells.length
    const say = breadthOf(own) ** breadthPower
    for (let n = 0; n < count; n++) sums[n]! += say * own[n]!
  }
  const all = sums.reduce((sum, each) => sum + each, 0)
  return sums.map((sum) => Math.round((1e6 * (sum / all + evenly / count)) / (1 + evenly)) / 1e6)
}

/** How many cells an account asks: as many equal shares have the same entropy. */
function breadthOf(shares: readonly number[]): number {
  return Math.exp(-shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0))
}

/** Of each prompt, whether it is aside from all others of the account. */
function asideOf(asked: readonly number[], shares: readonly number[]): (boolean | undefined)[] {
  const counts = shares.map(() => 0)
  for (const cell of asked) counts[cell]!++
  let stay = nowhere
  return asked.map((cell) => {
    counts[cell]!--
    const is = isAside(counts, shares, cell, stay)
    counts[cell]!++
    stay = stayIn(cell, stay)
    return is
  })
}

/** Of those that say something. */
function rateOf(hits: readonly (boolean | undefined)[]): number {
  return hits.filter((hit) => hit === true).length / Math.max(1, hits.filter((hit) => hit !== undefined).length)
}

function rounded(rate: number): number {
  return Math.round(rate * 1e4) / 1e4
}
