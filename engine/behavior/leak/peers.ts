/**
 * The grouped step of `leak-account`: who gets far more different answers of a model than anybody else.
 *
 * The line is `peerRatio` times what 95 % of the other accounts got in a week or two, and at least `answersMin`. A rule of
 * thumb, without a bound: natural harvesting differs from honest heavy use in its amount alone. So it is wide, and the account
 * of what was held stands beside it for who must decide.
 *
 * Promises: at most `accountsMax` accounts of a model are compared, the longest silent going first.
 */
import type { BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { findingOf } from './explain.ts'
import { versionAt } from './holdings.ts'
import type { Got, LeakParams } from './params.ts'

const accountsMax = 2_000
const dayMs = 86_400_000
/** How long an account's greatest amount counts. */
const keptMs = 60 * dayMs

/** An account's greatest amount lately, when it was told last, and a finding's first amount and version; 0: there is none. */
type Known = [answers: number, lastMs: number, found: number, version: number]
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
    const { peersMin, peerRatio, answersMin } = this.#params
    const others = Object.entries(book).flatMap(([other, [answers]]) => (other === name ? [] : [answers]))
    const usual = others.sort((a, b) => a - b)[Math.floor(0.95 * (others.length - 1))] ?? 0
    const line = Math.max(answersMin, Math.round(peerRatio * usual))
    const beyond = others.length >= peersMin && got.answers >= line
    const found = !beyond ? 0 : known[2] === 0 ? got.answers : known[2]
    const version = beyond ? versionAt(got.answers, found) : 0
    const crossed = version > known[3]
    const most = Math.max(got.answers, known[1] + keptMs > got.timeMs ? known[0] : 0)
    book[name] = [most, got.timeMs, found, found === known[2] ? Math.max(version, known[3]) : version]
    entries.set('', book)
    const dueMs = dueOf(book)
    if (!crossed) return { findings: [], shuffled: [], dueMs }
    const finding = findingOf(
      { ...got, model: group[0]! },
      {
        anchor: `peers/${got.principal}/${found}`,
        version,
        line,
        words:
          `It got ${got.answers} of them in a week or two; of ${others.length} other accounts 95 % got at most ${usual}, and ` +
          `the line is ${line}.`,
        facts: { recentAnswers: got.answers, peers: others.length, peersUsual: usual },
      },
    )
    return { findings: [finding], shuffled: [], dueMs }
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

function makeRoom(book: Book): void {
  const names = Object.keys(book)
  if (names.length < accountsMax) return
  names.sort((a, b) => book[a]![1] - book[b]![1] || (a < b ? -1 : 1))
  Reflect.deleteProperty(book, names[0]!)
}

/** By the day, when the account that was told of first is forgotten. */
function dueOf(book: Book): number {
  let first = Infinity
  for (const [, lastMs] of Object.values(book)) if (lastMs < first) first = lastMs
  return (Math.floor(first / dayMs) + 1) * dayMs + keptMs
}
