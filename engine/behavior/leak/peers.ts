/**
 * The grouped step of `leak-account`: who gets far more different answers of a model than anybody else.
 *
 * The line is `peerRatio` times what 95 % of the other accounts got in a week or two, and at least `answersMin`. A rule of
 * thumb, without a bound: natural harvesting differs from honest heavy use in its amount alone. So it is wide, and the account
 * of what was held stands beside it for who must decide. Well below it an amount is noted, without accusing anybody.
 *
 * Promises: at most `accountsMax` accounts of a model are compared, the longest silent going first.
 */
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { findingOf } from './explain.ts'
import { versionAt } from './holdings.ts'
import type { Got, LeakParams } from './params.ts'

const accountsMax = 2_000
const dayMs = 86_400_000
/** Where no copy can be tried, as without answers: the share of natural inputs that a note needs. */
const noteCoverage = 0.5
/** How long an account's greatest amount counts. */
const keptMs = 60 * dayMs

/**
 * An account's greatest amount lately, when it was told last, a finding's first amount and version, and a note's; 0: there is
 * none. Older versions have no notes.
 */
type Known = [answers: number, lastMs: number, found: number, version: number, noted?: number, noteVersion?: number]
type Book = Record<string, Known>

export class ComparePeers implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id']
  readonly #params: LeakParams

  constructor(params: LeakParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, observation: unknown): StepOutcome {
    const got = observation as Got
    const book = entries.get<Book>('') ?? {}
    // Names come from outside: `__proto__` is one like any other.
    const name = `a/${got.principal}`
    const known: Known = book[name] ?? [0, 0, 0, 0]
    if (!(name in book)) makeRoom(book)
    const others = othersIn(book, name).sort()
    const usual = others[Math.floor(0.95 * (others.length - 1))] ?? 0
    const enough = others.length >= this.#params.peersMin
    const found = this.#crossed(got, usual, enough, known, false)
    const noted = this.#crossed(got, usual, enough, known, true)
    const most = Math.max(got.answers, known[1] + keptMs > got.timeMs ? known[0] : 0)
    book[name] = [most, got.timeMs, found.first, found.version, noted.first, noted.version]
    entries.set('', book)
    // Who is told of is not noted as well.
    const told = found.due ? found : noted.due && found.first === 0 ? noted : undefined
    const findings = told === undefined ? [] : [findingFrom(got, group[0]!, told, others.length, usual)]
    return { findings, shuffled: [], dueMs: dueOf(book) }
  }

  /** How an amount stands to the line of a finding, or of a note. */
  #crossed(
    { answers, fidelity, coverage }: Got,
    usual: number,
    enough: boolean,
    known: Known,
    note: boolean,
  ): Crossing {
    const { peerRatio, answersMin, noteRatio, noteMin, noteFidelity } = this.#params
    const [ratio, least] = note ? [noteRatio, noteMin] : [peerRatio, answersMin]
    const line = Math.max(least, Math.round(ratio * usual))
    const [first, last] = note ? [known[4] ?? 0, known[5] ?? 0] : [known[2], known[3]]
    const worth = !note || (fidelity === null ? coverage >= noteCoverage : fidelity[1] >= noteFidelity)
    if (!enough || answers < line || !worth) return { note, line, first: 0, version: 0, due: false }
    const version = versionAt(answers, first === 0 ? answers : first)
    return { note, line, first: first === 0 ? answers : first, version: Math.max(version, last), due: version > last }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const book = entries.get<Book>('') ?? {}
    if (watermarkMs !== Infinity) {
      for (const [name, [, lastMs]] of Object.entries(book)) {
        if (lastMs + keptMs <= watermarkMs) Reflect.deleteProperty(book, name)
      }
    }
    if (Object.keys(book).length === 0) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    entries.set('', book)
    return { findings: [], shuffled: [], dueMs: dueOf(book) }
  }
}

interface Crossing {
  readonly note: boolean
  readonly line: number
  /** The amount at which it was crossed first; 0: it is not. */
  readonly first: number
  readonly version: number
  readonly due: boolean
}

function findingFrom(got: Got, model: string, of: Crossing, peers: number, usual: number): BehaviorFinding {
  const amount =
    `It got ${got.answers} of them in a week or two; of ${peers} other accounts 95 % got at most ${usual}, and the line is ` +
    `${of.line}.`
  const words = of.note
    ? `${amount} A backfill looks the same: nothing in natural queries tells it from a harvest, so this accuses nobody.`
    : amount
  const finding = findingOf(
    { ...got, model },
    {
      anchor: `${of.note ? 'note' : 'peers'}/${got.principal}/${of.first}`,
      version: of.version,
      line: of.line,
      words,
      facts: { recentAnswers: got.answers, peers, peersUsual: usual },
    },
  )
  return of.note ? { ...finding, note: true } : finding
}

/** What the others got. Written out: many who are told of are held against as many. */
function othersIn(book: Book, name: string): Float64Array {
  let count = 0
  for (const other in book) if (other !== name) amounts[count++] = book[other]![0]
  return amounts.subarray(0, count)
}

const amounts = new Float64Array(accountsMax + 1)

function makeRoom(book: Book): void {
  const names = Object.keys(book)
  if (names.length < accountsMax) return
  names.sort((a, b) => book[a]![1] - book[b]![1] || (a < b ? -1 : 1))
  Reflect.deleteProperty(book, names[0]!)
}

/** By the day, when the account that was told of first is forgotten. */
function dueOf(book: Book): number {
  let first = Infinity
  for (const name in book) if (book[name]![1] < first) first = book[name]![1]
  return (Math.floor(first / dayMs) + 1) * dayMs + keptMs
}
