/**
 * The grouped step of `answer-harvest`: learns from all accounts of a model how long its answers are, and tells every partition.
 *
 * Promises: every account has the same say; one that has just begun has none; one that came under suspicion loses all
 * that it taught. Accounts that are new are weighed together (newcomers.ts). At most `accountsMax` accounts are kept,
 * with their last `samplesMax` calls: whoever teaches stays, and of the others a choice by their hash, so that it stays
 * the same however many there are.
 */
import { keyOfText } from '../input/input.ts'
import type { BaselineTold, BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { betsOver } from './bets.ts'
import { coverVersion, learnCover, promptsLeast, type KeptPrompts, type ToldCover } from './cover-lines.ts'
import { learnLines, type Teacher, type ToldLines } from './lines.ts'
import { newMs, noNewcomers, pour, withoutOld, type Newcomers } from './newcomers.ts'
import type { Even, HarvestParams, Taught } from './params.ts'
import { tellTogether, type Together } from './together.ts'

const accountsMax = 64
const samplesMax = 128
/** Fewest calls from which an account has a say. */
const answersMin = 8
/** Fewest that make a habit. */
const habitMin = 32
const bookName = ''
const togetherName = 'together'
/** Prompts that are kept of an account, in an entry of its own. */
const promptsMax = 96
/** Cells are learned anew when there are so many times the prompts, or they are so old. */
const moreSamples = 1.5
const coverMs = 7 * 86_400_000

interface Known {
  readonly principal: string
  sinceMs: number
  lastMs: number
  /** The newest last. */
  answers: readonly number[]
  /** `answers` when its first days, `habitDelay`, were over. */
  habit?: readonly number[]
  /** One of these days was busy; states of before don't tell, and none is held against a habit that they have. */
  isBusyHabit?: boolean
  /** Prompts that are kept. */
  prompts?: number
  /** There was a day on which it asked as much as those whom no writer is like (busy.ts). */
  busy?: true
}

interface Book {
  /** Event time of the first call of any account. */
  firstMs: number
  /** What was told last. */
  told?: ToldLines
  /** Of the cells that were told last: when, and how many prompts there were, of any length. */
  cover?: { readonly version?: number; readonly learnedMs: number; readonly samples: number }
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
    if (taught.even !== undefined) return this.#together(group[0]!, book, entries, { ...taught, even: taught.even })
    if (suspect === true) keepOnly(book, entries, (each) => each.principal !== principal)
    else this.#add(book, entries, taught)
    const finding = this.#isNew(book, taught) ? this.#pour(group[0]!, book, taught) : undefined
    const { relearn } = this.#params
    book.dueMs ??= (Math.floor(timeMs / relearn) + 1) * relearn
    entries.set(bookName, book)
    return { findings: finding === undefined ? [] : [finding], shuffled: [], dueMs: book.dueMs }
  }

  /** Those whose own habits are not known yet. */
  #together(model: string, book: Book, entries: GroupEntries, taught: Taught & { readonly even: Even }): StepOutcome {
    const { firstDelay, habitDelay } = this.#params
    const { sinceMs, timeMs, even } = taught
    const isNew = sinceMs >= book.firstMs + firstDelay && timeMs < sinceMs + habitDelay
    const known = entries.get<Together>(togetherName)
    if (!isNew && (even.evidence > 0 || known === undefined))
      return { findings: [], shuffled: [], dueMs: book.dueMs ?? Infinity }
    const { together, finding } = tellTogether(model, known, taught)
    entries.set(togetherName, together)
    return { findings: finding === undefined ? [] : [finding], shuffled: [], dueMs: book.dueMs ?? Infinity }
  }

  #add(book: Book, entries: GroupEntries, { principal, sinceMs, timeMs, answers, prompt, busy }: Taught): void {
    let known = book.accounts.find((each) => each.principal === principal)
    if (known === undefined) {
      known = { principal, sinceMs, lastMs: timeMs, answers: [] }
      book.accounts.push(known)
    }
    known.sinceMs = Math.min(known.sinceMs, sinceMs)
    known.lastMs = Math.max(known.lastMs, timeMs)
    known.answers = [...known.answers, ...answers].slice(-samplesMax)
    if (busy === true) known.busy = true
    if (prompt !== undefined) {
      const name = promptsOf(principal)
      const { x, tokens } = entries.get<KeptPrompts>(name) ?? { x: [], tokens: [] }
      const kept: KeptPrompts = {
        x: [...x, prompt.x].slice(-promptsMax),
        tokens: [...tokens, prompt.tokens].slice(-promptsMax),
      }
      known.prompts = kept.x.length
      entries.set(name, kept)
    }
    this.#makeRoom(book, entries, timeMs)
  }

  #makeRoom(book: Book, entries: GroupEntries, timeMs: number): void {
    if (book.accounts.length <= accountsMax) return
    const { delay } = this.#params
    const others = book.accounts
      .filter((known) => !teaches(known, timeMs, delay))
      .map((known) => ({ known, isSilent: known.lastMs + delay <= timeMs, key: keyOfText(known.principal) }))
      .sort((a, b) => Number(b.isSilent) - Number(a.isSilent) || b.key - a.key)
    const leaves = others[0]?.known ?? book.accounts.at(-1)
    keepOnly(book, entries, (each) => each !== leaves)
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
    keepOnly(book, entries, ({ lastMs }) => lastMs + this.#params.forget > watermarkMs)
    withoutOld(book.newcomers, watermarkMs)
    for (const known of book.accounts) {
      const isKnown = known.sinceMs + this.#params.habitDelay <= watermarkMs
      if (known.habit !== undefined || !isKnown || known.answers.length < habitMin) continue
      known.habit = known.answers
      known.isBusyHabit = known.busy === true
    }
    const value = this.#learn(book, watermarkMs)
    if (value !== undefined) book.told = value
    const cover = this.#learnCover(book, entries, watermarkMs)
    entries.set(bookName, book)
    const baselines: BaselineTold[] = [
      ...(value === undefined ? [] : [{ name: `${group[0]!} answers`, value }]),
      ...(cover === undefined ? [] : [{ name: `${group[0]!} prompts`, value: cover }]),
    ]
    return { findings: [], shuffled: [], dueMs: Infinity, baselines }
  }

  /** From those that have been known for `delay`; while they are too few, from those known for `firstDelay`. */
  #learn(book: Book, watermarkMs: number): ToldLines | undefined {
    const { delay, firstDelay } = this.#params
    return this.#learnFrom(book, watermarkMs, delay) ?? this.#learnFrom(book, watermarkMs, firstDelay)
  }

  /** Who comes and goes within days has no say, but in a model's first. */
  #learnCover(book: Book, entries: GroupEntries, watermarkMs: number): ToldCover | undefined {
    const { delay, habitDelay } = this.#params
    const isNew = watermarkMs < book.firstMs + 2 * habitDelay
    return this.#learnCoverFrom(book, entries, watermarkMs, isNew ? delay : habitDelay)
  }

  #learnCoverFrom(book: Book, entries: GroupEntries, watermarkMs: number, delay: number): ToldCover | undefined {
    const { accounts, cover } = book
    const teachers = accounts
      .filter((known) => teaches(known, watermarkMs, delay) && (known.prompts ?? 0) >= promptsLeast)
      .sort((a, b) => (a.principal < b.principal ? -1 : 1))
    const samples = teachers.reduce((sum, { prompts = 0 }) => sum + prompts, 0)
    const isOld = cover?.version !== coverVersion || cover.learnedMs + coverMs <= watermarkMs
    if (samples < (isOld ? 1 : moreSamples * cover.samples)) return undefined
    const asking = teachers.map(({ principal, sinceMs, busy }) => ({
      ...entries.get<KeptPrompts>(promptsOf(principal))!,
      isBusy: busy === true,
      ...(busy === true && sinceMs + this.#params.habitDelay <= watermarkMs ? { habitOf: principal } : {}),
    }))
    const learned = learnCover(asking, { learnedMs: watermarkMs, accountsMin: this.#params.accountsMin })
    if (learned !== undefined) book.cover = { version: coverVersion, learnedMs: watermarkMs, samples }
    return learned
  }

  #learnFrom({ accounts }: Book, watermarkMs: number, delay: number): ToldLines | undefined {
    const { accountsMin, samplesMin } = this.#params
    const teachers: Teacher[] = accounts
      .filter((known) => teaches(known, watermarkMs, delay))
      .map((known) => ({ ...known, isBusyHabit: known.isBusyHabit !== false }))
      .sort((a, b) => (a.principal < b.principal ? -1 : 1))
    const samples = teachers.reduce((sum, { answers }) => sum + answers.length, 0)
    return teachers.length < accountsMin || samples < samplesMin ? undefined : learnLines(teachers)
  }
}

function begun(timeMs: number): Book {
  return { firstMs: timeMs, newcomers: noNewcomers(timeMs), accounts: [], dueMs: null }
}

function keepOnly(book: Book, entries: GroupEntries, isKept: (known: Known) => boolean): void {
  for (const known of book.accounts) if (!isKept(known)) entries.delete(promptsOf(known.principal))
  book.accounts = book.accounts.filter(isKept)
}

function promptsOf(principal: string): string {
  return `prompts/${principal}`
}

function teaches({ sinceMs, answers }: Known, timeMs: number, delay: number): boolean {
  return sinceMs + delay <= timeMs && answers.length >= answersMin
}
