/**
 * Whether one account asks evenly of all that a model is asked, and for long answers: weighs its prompts that have an embedding.
 *
 * Two bets: that its next prompt is aside from what it asks most, and that it is so and gets a long answer. Only where both have
 * evidence is anybody told of: suites, translators and pipelines ask evenly, writers get long answers.
 *
 * Promises: where an honest account shows either in at most the share that is allowed, whatever came before, a false
 * alarm comes at most once in as many prompts as its line says (Page's test with e-values). State is bounded; O(cells)
 * a prompt.
 */
import { dimensionMax } from '../input/input.ts'
import { betOn, evidenceOfBets, settle, type Bet } from '../bets.ts'
import type { BehaviorFinding, GroupEntries } from '../types.ts'
import { betsOver, type Bets } from './bets.ts'
import { isAside, nowhere, stayIn } from './aside.ts'
import { Cells } from './cells.ts'
import { isOwnText, type ToldCover } from './cover-lines.ts'
import { coverFindingOf, type Crossing } from './explain.ts'
import { unpackedPrompt } from './packed-prompt.ts'
import type { Even } from './params.ts'
import { begun, isNews, note, type Noted, type Suspicion } from './suspicion.ts'

/** Prompts that are not bet on, while it shows what the account asks most. */
const firstPrompts = 64
/**
 * Prompts after which all counts are halved: what an account asks most is what it asks of late, as a batch goes from
 * subject to subject.
 */
const countsMax = 128
/** Prompts between two false alarms of the first bet, as a logarithm: the second has the rule's. */
const asideLine = Math.log(1_000)
const oddsOfThief = { aside: [1.25, 1.6, 2.2], long: [1.5, 2.5, 5] } as const
const leanUnit = 1e4
/** Prompts over which that is taken. */
const leanOver = 32
const cleared = Math.log(10)
/**
 * Prompts with evidence before one account by itself is told of: the largest suites of open questions have about as
 * many (WildBench 1,024, AlpacaEval 805), and who tries a model with one asks evenly, for long answers, what it has
 * never asked.
 */
export const suiteMost = 1_000
/**
 * Of both bets, what makes an account one of several that are looked at together; they are told anew of each after so
 * many prompts.
 */
const togetherMin = { evidence: Math.log(1e4), aside: Math.log(100) } as const
const toldEvery = 64
const coverName = 'cover'
const suspicionName = 'cover suspicion'

export interface Embedded extends Noted {
  readonly timeMs: number
  /** Of length 1; good until the input of another event is read. */
  readonly x?: Float64Array
}

/** JSON. */
interface Cover {
  /** Which cells: when they were learned. */
  cells: number
  asked: number
  last: number
  /** Prompts in that cell, one after the other; states of before have none. */
  stay?: number
  counts: number[]
  /** How far its prompts are off the centers of their cells of late, in ten thousandths. */
  lean: number[]
  aside: number[]
  long: number[]
  /** Prompts with evidence, when the grouped step was told last. */
  toldAt?: number
}

export interface WeighedCover {
  /** 0 while it may be somebody who asks evenly, or a writer. */
  readonly evidence: number
  readonly findings: readonly BehaviorFinding[]
  readonly even?: Even
}

export const nothing: WeighedCover = { evidence: 0, findings: [] }

export interface OpenedCover {
  readonly told: ToldCover
  readonly cells: Cells
  readonly aside: readonly Bet[]
  /** For each line. */
  readonly long: readonly (readonly Bet[])[]
  /** Undefined: honest accounts that ask much get nothing but long texts. */
  readonly much: Bets | undefined
  readonly own: ReadonlySet<string>
}

export function openCover(told: ToldCover): OpenedCover {
  return {
    told,
    cells: new Cells(told.centers.map(unpackedPrompt)),
    aside: betsAgainst(told.aside, oddsOfThief.aside),
    long: told.long.map((share) => betsAgainst(share, oddsOfThief.long)),
    much: told.much === undefined ? undefined : betsOver([told.much]),
    own: new Set(told.own),
  }
}

function betsAgainst(share: number, times: readonly number[]): Bet[] {
  return times.map((each) => {
    const odds = (each * share) / (1 - share)
    return betOn(odds / (1 + odds), share)
  })
}

/** One prompt that is new. */
export function weighCover(
  group: readonly string[],
  entries: GroupEntries,
  call: Embedded,
  opened: OpenedCover,
  line: number,
): WeighedCover {
  const { told, cells } = opened
  const { x } = call
  if (x?.length !== cells.length) return nothing
  const cover = coverOf(entries, told, cells.length)
  const cell = cellOf(cover, cells, x)
  const last = { cell: cover.last, prompts: cover.stay ?? 1 }
  const aside = isAside(cover.counts, told.shares, cell, last)
  const isLong = aside === true && isOwnText(call) && call.outTokens > told.lines[0]!
  count(cover, cell)
  cover.stay = stayIn(cell, last).prompts
  if (cover.asked > firstPrompts && aside !== undefined) bet(cover, call, opened, aside, line)
  // The mean of the bets is never more than the best of them.
  const evidence = Math.max(...cover.long) < cleared ? 0 : evidenceOfBets(cover.long)
  const evenness = evidence < cleared ? 0 : evidenceOfBets(cover.aside)
  const suspicion = noted(entries, call, isLong, evidence)
  const even = evenOf(cover, suspicion, evidence, evenness)
  entries.set(coverName, cover)
  const isEven = evenness >= asideLine
  return {
    evidence: isEven ? evidence : 0,
    findings:
      suspicion !== undefined && isEven ? judge(group, suspicion, { evidence, line, timeMs: call.timeMs, told }) : [],
    ...(even === undefined ? {} : { even }),
  }
}

/** The evidence stays where cells are learned anew; what the account asks most is seen anew. */
function coverOf(entries: GroupEntries, { learnedMs, shares }: ToldCover, length: number): Cover {
  const known = entries.get<Cover>(coverName)
  if (known?.cells === learnedMs) return known
  const counts = shares.map(() => 0)
  const lean = Array.from({ length }, () => 0)
  return { aside: [], long: [], ...known, cells: learnedMs, asked: 0, last: nowhere.cell, stay: 0, counts, lean }
}

const off = new Float64Array(dimensionMax)

/** A template that all prompts of an account have in common moves them all the same way. */
function cellOf({ lean, asked }: Cover, cells: Cells, x: Float64Array): number {
  for (let k = 0; k < lean.length; k++) off[k] = lean[k]! / leanUnit
  const cell = cells.of(x, off)
  const center = cells.centers[cell]!
  const share = 1 / Math.min(asked + 1, leanOver)
  for (let k = 0; k < lean.length; k++) {
    lean[k] = Math.round(leanUnit * (off[k]! + share * (x[k]! - center[k]! - off[k]!)))
  }
  return cell
}

function count(cover: Cover, cell: number): void {
  cover.asked++
  cover.last = cell
  cover.counts[cell]!++
  if (cover.counts.reduce((sum, each) => sum + each, 0) < countsMax) return
  for (let n = 0; n < cover.counts.length; n++) cover.counts[n] = cover.counts[n]! / 2
}

function bet(cover: Cover, call: Embedded, { told, aside, long }: OpenedCover, isAside: boolean, line: number): void {
  settle(cover.aside, aside, isAside, 2 * asideLine)
  const isText = isAside && isOwnText(call)
  const each = aside.length
  for (let n = 0; n < long.length; n++) {
    const logs = cover.long.slice(n * each, (n + 1) * each)
    settle(logs, long[n]!, isText && call.outTokens > told.lines[n]!, 2 * line)
    for (let k = 0; k < each; k++) cover.long[n * each + k] = logs[k]!
  }
}

/** What has been gathered since there is evidence. */
function noted(entries: GroupEntries, call: Embedded, isLong: boolean, evidence: number): Suspicion | undefined {
  if (evidence < cleared) {
    entries.delete(suspicionName)
    return undefined
  }
  const suspicion = entries.get<Suspicion>(suspicionName) ?? begun(call.timeMs)
  note(suspicion, call, isLong, evidence)
  entries.set(suspicionName, suspicion)
  return suspicion
}

/** Whether there is news of it for those who look at several accounts together (together.ts). */
function evenOf(cover: Cover, suspicion: Suspicion | undefined, evidence: number, aside: number): Even | undefined {
  if (suspicion === undefined || evidence < togetherMin.evidence || aside < togetherMin.aside) {
    const wasTold = cover.toldAt !== undefined
    delete cover.toldAt
    return wasTold ? { evidence: 0, calls: 0, long: 0, tokens: 0 } : undefined
  }
  const { calls, long, tokens } = suspicion
  if (cover.toldAt !== undefined && calls < cover.toldAt + toldEvery) return undefined
  cover.toldAt = calls
  return { evidence: Math.round(1e3 * evidence) / 1e3, calls, long, tokens }
}

function judge(group: readonly string[], suspicion: Suspicion, crossing: Crossing<ToldCover>): BehaviorFinding[] {
  const { evidence, line } = crossing
  if (evidence < line || suspicion.calls < suiteMost || !isNews(suspicion)) return []
  suspicion.version++
  suspicion.told = suspicion.calls
  return [coverFindingOf(group, suspicion, crossing)]
}
