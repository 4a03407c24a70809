/**
 * The grouped step of `model-queries`: learns the benign traffic of one model from all accounts, and tells every partition.
 *
 * Promises: no account has more than a fifth of the say where there are five or more, nor more than `samplesMax` queries; one
 * that is not known for `delay` has none; one that came under suspicion loses all that it taught. What was taught before a drift
 * is forgotten. Learned anew every
 * `relearn` of event time, so that it keeps up with traffic; what was told stays in force until then. Accounts and samples
 * are bounded: who comes first teaches; one that has been silent for a week makes room for a newcomer.
 */
import { chooseLandmarks, type ToldLandmarks } from '../../leak/landmarks.ts'
import { Places } from '../../places.ts'
import type { BaselineTold, BehaviorStep, GroupEntries, StepContext, StepOutcome } from '../../types.ts'
import { inBlackAndWhite } from '../honest/black-and-white.ts'
import { featuresOf, type InputKind } from '../../input/input.ts'
import { unpackedOdds } from '../../input/odds.ts'
import { ordinaryMin, stir, type Stir } from './hold.ts'
import type { ModelQueriesParams } from '../params.ts'
import { learnReference, type Sample, type ToldReference } from '../honest/reference.ts'
import { Samples, type TaughtSample } from './samples.ts'
import { alikeOf, stridesOf, usualOf } from './usual.ts'

export interface ToTeach {
  readonly principal: string
  readonly timeMs: number
  /** `null`: the account is under suspicion; what it taught is taken back. */
  readonly sample: TaughtSample | null
  /** The last drift of the model, where the query came after one. */
  readonly since?: number | undefined
}

const accountsMax = 256
/** Of one account, and of all together: the more accounts there are, the fewer of each. */
const samplesMax = 256
const samplesOfAllMax = 12_288
/** Share of all samples that one account may have. */
const shareMax = 0.2

interface Known {
  readonly firstMs: number
  lastMs: number
}

interface Book {
  readonly accounts: Record<string, Known>
  /** Event time of the next learning; null: nothing new since the last. */
  dueMs: number | null
  /** The last drift of the model: what was taught before is forgotten. */
  since?: number
  stir?: Stir
}

/** What is remembered of the landmarks that were told last. */
interface Chosen {
  readonly atMs: number
  readonly samples: number
  readonly dimension: number
}

const bookName = ''
const chosenName = 'landmarks'
/** Landmarks stay, since accounts are held against them: until traffic has shown this much more, or so long. */
const moreSamples = 1.5
const landmarksMs = 30 * 86_400_000
const named = new Places<Known>()
const samplesName = (principal: string): string => `a/${principal}`

export class LearnTraffic implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id', 'warden.input.kind']
  readonly #params: ModelQueriesParams

  constructor(params: ModelQueriesParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, observation: unknown): StepOutcome {
    const { principal, timeMs, sample, since = 0 } = observation as ToTeach
    const book = entries.get<Book>(bookName) ?? { accounts: Object.create(null) as Record<string, Known>, dueMs: null }
    if (since > (book.since ?? 0)) forgetTaught(book, entries, since)
    let baselines: readonly BaselineTold[] = []
    if (sample === null) {
      if (this.#isOrdinary(book, entries, principal, timeMs)) {
        book.stir ??= { tenants: {} }
        baselines = stir(book.stir, principal, group[0]!, timeMs)
      }
      this.#takeBack(book, entries, principal)
      entries.delete(chosenName)
    } else if (since === (book.since ?? 0)) this.#add(book, entries, principal, timeMs, sample)
    if (book.dueMs === null) {
      const { relearn } = this.#params
      book.dueMs = (Math.floor(timeMs / relearn) + 1) * relearn
    }
    entries.set(bookName, book)
    return { findings: [], shuffled: [], dueMs: book.dueMs, baselines }
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number, context: StepContext): StepOutcome {
    const book = entries.get<Book>(bookName)
    if (book === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    book.dueMs = null
    this.#forgetSilent(book, entries, watermarkMs)
    entries.set(bookName, book)
    const name = `${group[0]!} ${group[1]!}`
    const taught = watermarkMs === Infinity ? undefined : this.#taught(book, entries, watermarkMs)
    const learned = taught === undefined ? undefined : referenceOf(taught, group[1] as InputKind)
    const value = learned && { ...learned, ...(book.since !== undefined && { since: book.since }) }
    const baselines: BaselineTold[] = value === undefined ? [] : [{ name, value }]
    if (taught !== undefined) {
      const natural = group[1] === 'features' ? (context.inventory.models.get(group[0]!)?.reference ?? []) : []
      const landmarks = landmarksOf(entries, taught, natural.map(featuresOf), watermarkMs)
      if (landmarks !== undefined) baselines.push({ name: `${name} landmarks`, value: landmarks })
    }
    return { findings: [], shuffled: [], dueMs: Infinity, baselines }
  }

  #add(book: Book, entries: GroupEntries, principal: string, timeMs: number, sample: TaughtSample): void {
    const known = named.of(book.accounts).get(principal)
    if (known === undefined) {
      if (!named.hasRoom(book.accounts, accountsMax, timeMs, (silent) => this.#takeBack(book, entries, silent))) return
      named.set(book.accounts, principal, { firstMs: timeMs, lastMs: timeMs })
    } else if (timeMs > known.lastMs) known.lastMs = timeMs
    const name = samplesName(principal)
    const samples = Samples.of(entries.get(name)) ?? new Samples()
    samples.add(sample)
    samples.keepLast(samplesMaxOf(book))
    entries.set(name, samples)
  }

  /** No more than are kept of each now: there were fewer accounts when some of them taught last. */
  #samplesOf(book: Book, entries: GroupEntries, principal: string): Samples | undefined {
    const samples = Samples.of(entries.get(samplesName(principal)))
    const max = samplesMaxOf(book)
    if (samples === undefined || samples.count <= max) return samples
    samples.keepLast(max)
    entries.set(samplesName(principal), samples)
    return samples
  }

  /** Whether an account is long known and has taught what nothing spoke against. */
  #isOrdinary(book: Book, entries: GroupEntries, principal: string, timeMs: number): boolean {
    const known = named.of(book.accounts).get(principal)
    if (known === undefined || known.firstMs + this.#params.delay > timeMs) return false
    return (Samples.of(entries.get(samplesName(principal)))?.count ?? 0) >= ordinaryMin
  }

  #takeBack(book: Book, entries: GroupEntries, principal: string): void {
    named.delete(book.accounts, principal)
    entries.delete(samplesName(principal))
  }

  #forgetSilent(book: Book, entries: GroupEntries, watermarkMs: number): void {
    if (watermarkMs === Infinity) return
    for (const [principal, { lastMs }] of Object.entries(book.accounts)) {
      if (lastMs + this.#params.forget <= watermarkMs) this.#takeBack(book, entries, principal)
    }
  }

  #taught(book: Book, entries: GroupEntries, watermarkMs: number): readonly Teaching[] | undefined {
    const { accountsMin, samplesMin, delay } = this.#params
    const known = Object.entries(book.accounts)
      .filter(([, { firstMs }]) => firstMs + delay <= watermarkMs)
      .map(([principal]) => principal)
      .sort()
    const all = known.map((principal) => this.#samplesOf(book, entries, principal)?.list() ?? [])
    const lengths = new Map<number, number>()
    for (const { x } of all.flat()) lengths.set(x.length, (lengths.get(x.length) ?? 0) + 1)
    const dimension = [...lengths].sort(([a, x], [b, y]) => y - x || a - b)[0]?.[0]
    const fitting = all.map((samples) => samples.filter(({ x }) => x.length === dimension))
    const total = fitting.reduce((sum, samples) => sum + samples.length, 0)
    const max = Math.max(Math.ceil(shareMax * total), 1)
    const capped = fitting.map((samples, n) => ({ principal: known[n]!, samples: samples.slice(-max) }))
    const taught = capped.filter(({ samples }) => samples.length > 0)
    const count = taught.reduce((sum, { samples }) => sum + samples.length, 0)
    return taught.length < accountsMin || count < samplesMin ? undefined : taught
  }
}

function samplesMaxOf(book: Book): number {
  return Math.min(samplesMax, Math.floor(samplesOfAllMax / named.of(book.accounts).size))
}

/** Who was known stays known. */
function forgetTaught(book: Book, entries: GroupEntries, since: number): void {
  book.since = since
  for (const principal of Object.keys(book.accounts)) entries.delete(samplesName(principal))
  entries.delete(chosenName)
}

interface Teaching {
  readonly principal: string
  readonly samples: readonly Sample[]
}

function referenceOf(taught: readonly Teaching[], kind: InputKind): ToldReference | undefined {
  const accounts = taught.map(({ samples }) => samples)
  const learned = learnReference(accounts)
  if (learned === undefined) return undefined
  const strides = kind === 'features' ? stridesOf(accounts, learned) : undefined
  const told = {
    ...learned,
    ...((kind === 'features' || kind === 'embedding') && { alike: alikeOf(accounts, learned.units) }),
    ...(strides !== undefined && { strides }),
  }
  const blackAndWhite = kind === 'features' ? inBlackAndWhite(accounts) : undefined
  return { ...told, ...usualOf(told, accounts, kind), ...(blackAndWhite && { blackAndWhite }) }
}

/** Landmarks for accounts of what was leaked, where it is time for new ones. */
function landmarksOf(
  entries: GroupEntries,
  taught: readonly Teaching[],
  natural: readonly ArrayLike<number>[],
  watermarkMs: number,
): ToldLandmarks | undefined {
  const samples = taught.reduce((sum, each) => sum + each.samples.length, 0)
  const dimension = taught[0]!.samples[0]!.x.length
  const last = entries.get<Chosen>(chosenName)
  const holds =
    last?.dimension === dimension && samples < moreSamples * last.samples && watermarkMs < last.atMs + landmarksMs
  if (holds) return undefined
  const answered = taught.map(({ principal, samples }) => ({
    principal,
    samples: samples.map(({ x, label, odds }) => ({ x, label, odds: odds === undefined ? odds : unpackedOdds(odds) })),
  }))
  const landmarks = chooseLandmarks(answered, natural, watermarkMs)
  if (landmarks !== undefined) {
    const chosen: Chosen = { atMs: watermarkMs, samples, dimension }
    entries.set(chosenName, chosen)
  }
  return landmarks
}
