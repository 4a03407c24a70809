/**
 * The grouped step of `answer-harvest`: learns from all accounts of a model how long its answers are, and tells every partition.
 *
 * Promises: every account has the same say; one that has just begun has none; one that came under suspicion loses
 * all that it taught. Accounts that are new are weighed together (newcomers.ts). At most `accountsMax` accounts are kept, with their
 * last `samplesMax` calls: whoever teaches stays, and of the others a choice by their hash, so that it stays the same however many there are.
 */
import { keyOfText } from '../model-queries/input.ts'
import type { BaselineTold, BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { betsOver } from './bets.ts'
import { learnLines, type Teacher, type ToldLines } from './lines.ts'
import { newMs, noNewcomers, pour, withoutOld, type Newcomers } from './newcomers.ts'
import type { HarvestParams, Taught } from './params.ts'

const accountsMax = 64
const samplesMax = 128
/** Fewest calls from which an account has a say. */
const answersMin = 8
/** Fewest that make a habit. */
const habitMin = 32
const bookName = ''

interface Known {
  readonly principal: string
  sinceMs: number
  lastMs: number
  /** The newest last. */
  answers: readonly number[]
  /** `answers` when its first days, `habitDelay`, were over. */
  habit?: readonly number[]
}

interface Book {
  /** Event time of the first call of any account. */
  firstMs: number
  /** What was told last. */
  told?: ToldLines
  newcomers: Newcomers
  accounts: Known[]
  /** Event time of the next learning; null: nothing new since the last. */
  dueMs: number | null
}

export class LearnAnswers implements BehaviorStep {
  readonly stateVersion = 3
  readonly groupBy = ['warden.model.id']
  readonly #params: HarvestParams

  constructor(params: HarvestParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, observation: unknown): StepOutcome {
    const taught = observation as Taught
    const { principal, sinceMs, timeMs, suspect } = taught
    const book = entries.get<Book>(bookName) ?? begun(sinceMs)
    book.firstMs = Math.min(book.firstMs, sinceMs)
    if (suspect === true) book.accounts = book.accounts.filter((each) => each.principal !== principal)
    else this.#add(book, taught)
    const finding = this.#isNew(book, taught) ? this.#pour(group[0]!, book, taught) : undefined
    const { relearn } = this.#params
    book.dueMs ??= (Math.floor(timeMs / relearn) + 1) * relearn
    entries.set(bookName, book)
    return { findings: finding === undefined ? [] : [finding], shuffled: [], dueMs: book.dueMs }
  }

  #add(book: Book, { principal, sinceMs, timeMs, answers }: Taught): void {
    let known = book.accounts.find((each) => each.principal === principal)
    if (known === undefined) {
      known = { principal, sinceMs, lastMs: timeMs, answers: [] }
      book.accounts.push(known)
    }
    known.sinceMs = Math.min(known.sinceMs, sinceMs)
    known.lastMs = Math.max(known.lastMs, timeMs)
    known.answers = [...known.answers, ...answers].slice(-samplesMax)
    this.#makeRoom(book, timeMs)
  }

  #makeRoom(book: Book, timeMs: number): void {
    if (book.accounts.length <= accountsMax) return
    const { delay } = this.#params
    const others = book.accounts
      .filter((known) => !teaches(known, timeMs, delay))
      .map((known) => ({ known, isSilent: known.lastMs + delay <= timeMs, key: keyOfText(known.principal) }))
      .sort((a, b) => Number(b.isSilent) - Number(a.isSilent) || b.key - a.key)
    const leaves = others[0]?.known ?? book.accounts.at(-1)
    book.accounts = book.accounts.filter((each) => each !== leaves)
  }

  /** Those that were there when it began are not. */
  #isNew({ firstMs }: Book, { sinceMs, timeMs }: Taught): boolean {
    return sinceMs >= firstMs + this.#params.firstDelay && timeMs < sinceMs + newMs
  }

  #pour(model: string, { told, newcomers }: Book, taught: Taught): BehaviorFinding | undefined {
    if (told === undefined) return undefined
    const { callsPerFalseAlarm, promptsMin } = this.#params
    const limits = { line: Math.log(callsPerFalseAlarm), callsMin: promptsMin }
    return pour(model, newcomers, taught, { told, bets: betsOver(told.allowed) }, limits)
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const book = entries.get<Book>(bookName)
    if (book === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    if (watermarkMs === Infinity) return { findings: [], shuffled: [], dueMs: Infinity }
    book.dueMs = null
    book.accounts = book.accounts.filter(({ lastMs }) => lastMs + this.#params.forget > watermarkMs)
    withoutOld(book.newcomers, watermarkMs)
    for (const known of book.accounts) {
      const isKnown = known.sinceMs + this.#params.habitDelay <= watermarkMs
      if (isKnown && known.answers.length >= habitMin) known.habit ??= known.answers
    }
    const value = this.#learn(book, watermarkMs)
    if (value !== undefined) book.told = value
    entries.set(bookName, book)
    const baselines: BaselineTold[] = value === undefined ? [] : [{ name: `${group[0]!} answers`, value }]
    return { findings: [], shuffled: [], dueMs: Infinity, baselines }
  }

  /** From those that have been known for `delay`; while they are too few, from those known for `firstDelay`. */
  #learn(book: Book, watermarkMs: number): ToldLines | undefined {
    const { delay, firstDelay } = this.#params
    return this.#learnFrom(book, watermarkMs, delay) ?? this.#learnFrom(book, watermarkMs, firstDelay)
  }

  #learnFrom({ accounts }: Book, watermarkMs: number, delay: number): ToldLines | undefined {
    const { accountsMin, samplesMin } = this.#params
    const teachers: Teacher[] = accounts
      .filter((known) => teaches(known, watermarkMs, delay))
      .sort((a, b) => (a.principal < b.principal ? -1 : 1))
    const samples = teachers.reduce((sum, { answers }) => sum + answers.length, 0)
    return teachers.length < accountsMin || samples < samplesMin ? undefined : learnLines(teachers)
  }
}

function begun(timeMs: number): Book {
  return { firstMs: timeMs, newcomers: noNewcomers(timeMs), accounts: [], dueMs: null }
}

function teaches({ sinceMs, answers }: Known, timeMs: number, delay: number): boolean {
  return sinceMs + delay <= timeMs && answers.length >= answersMin
}
