/**
 * The grouped step of `answer-harvest`: learns from all accounts of a model how long its answers are, and tells every partition.
 *
 * Promises: every account has the same say; one that is not known for `delay` has none; one that came under suspicion loses
 * all that it taught. At most `accountsMax` accounts are kept, with their last `samplesMax` calls; the one that has been silent longest goes
 * first.
 */
import type { BaselineTold, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { learnLines, type Teacher } from './lines.ts'
import type { HarvestParams, Taught } from './params.ts'

const accountsMax = 64
const samplesMax = 128
/** Fewest calls from which an account has a say. */
const answersMin = 8
const bookName = ''

interface Known {
  readonly principal: string
  sinceMs: number
  lastMs: number
  /** The newest last. */
  answers: number[]
}

interface Book {
  accounts: Known[]
  /** Event time of the next learning; null: nothing new since the last. */
  dueMs: number | null
}

export class LearnAnswers implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id']
  readonly #params: HarvestParams

  constructor(params: HarvestParams) {
    this.#params = params
  }

  apply(_group: readonly string[], entries: GroupEntries, observation: unknown): StepOutcome {
    const taught = observation as Taught
    const book = entries.get<Book>(bookName) ?? { accounts: [], dueMs: null }
    if (taught.answers === null) book.accounts = book.accounts.filter(({ principal }) => principal !== taught.principal)
    else add(book, taught, taught.answers)
    const { relearn } = this.#params
    book.dueMs ??= (Math.floor(taught.timeMs / relearn) + 1) * relearn
    entries.set(bookName, book)
    return { findings: [], shuffled: [], dueMs: book.dueMs }
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const book = entries.get<Book>(bookName)
    if (book === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    if (watermarkMs === Infinity) return { findings: [], shuffled: [], dueMs: Infinity }
    book.dueMs = null
    book.accounts = book.accounts.filter(({ lastMs }) => lastMs + this.#params.forget > watermarkMs)
    entries.set(bookName, book)
    const value = this.#learn(book, watermarkMs)
    const baselines: BaselineTold[] = value === undefined ? [] : [{ name: `${group[0]!} answers`, value }]
    return { findings: [], shuffled: [], dueMs: Infinity, baselines }
  }

  #learn({ accounts }: Book, watermarkMs: number): ReturnType<typeof learnLines> | undefined {
    const { accountsMin, samplesMin, delay, habitDelay } = this.#params
    const teachers: Teacher[] = accounts
      .filter(({ sinceMs, answers }) => sinceMs + delay <= watermarkMs && answers.length >= answersMin)
      .map(({ principal, sinceMs, answers }) => ({
        principal,
        answers,
        habitual: sinceMs + habitDelay <= watermarkMs,
      }))
      .sort((a, b) => (a.principal < b.principal ? -1 : 1))
    const samples = teachers.reduce((sum, { answers }) => sum + answers.length, 0)
    return teachers.length < accountsMin || samples < samplesMin ? undefined : learnLines(teachers)
  }
}

function add(book: Book, { principal, sinceMs, timeMs }: Taught, answers: readonly number[]): void {
  let known = book.accounts.find((each) => each.principal === principal)
  if (known === undefined) {
    makeRoom(book)
    known = { principal, sinceMs, lastMs: timeMs, answers: [] }
    book.accounts.push(known)
  }
  known.sinceMs = Math.min(known.sinceMs, sinceMs)
  known.lastMs = Math.max(known.lastMs, timeMs)
  known.answers = [...known.answers, ...answers].slice(-samplesMax)
}

function makeRoom(book: Book): void {
  if (book.accounts.length < accountsMax) return
  let oldest = 0
  for (const [n, { lastMs, principal }] of book.accounts.entries()) {
    const than = book.accounts[oldest]!
    if (lastMs < than.lastMs || (lastMs === than.lastMs && principal < than.principal)) oldest = n
  }
  book.accounts.splice(oldest, 1)
}
