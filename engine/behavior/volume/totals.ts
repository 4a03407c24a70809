/**
 * The local step of `volume-baseline`: adds up what a principal reads in each bucket of event time.
 *
 * Promises: totals are sums, least times and sets, so the order of events does not matter; a total leaves at once when it
 * passes the line from which it may matter, again whenever it has grown by a quarter, and in any case when the watermark has
 * passed its bucket; a late event revises it. Objects remembered are bounded for each principal and bucket.
 */
import { sha256Hex } from '../../../core/ids.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence, type WithContext } from '../entities.ts'
import type { BehaviorStep, GroupEntries, Shuffled, StepOutcome } from '../types.ts'
import { earlyBytes, type VolumeParams, type VolumeRead, type VolumeTotal } from './params.ts'

/** How long after a bucket has passed late events still revise it. */
const lateMsMax = 24 * 3_600_000
/** How long after its last read a principal and the objects it knows are forgotten. */
const silentMsMax = 90 * 86_400_000
/** Distinct objects remembered in one bucket, and for one principal over all time. */
const bucketObjectsMax = 4_096
const knownObjectsMax = 16_384
const evidenceMax = 20
/** Share by which a total must have grown to be told again before its bucket has passed. */
const growth = 1.25

interface Bucket {
  bytes: number
  covered: number
  /** Of `bytes`; absent in older states. */
  worked?: number
  reads: number
  lastMs: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
  /** Bytes when it was last told; -1: never. */
  told: number
  /** Something changed since. */
  news: boolean
}

interface Principal {
  tenant: string
  role: string
  since: number | undefined
  /** The latest bucket that it read anything in. */
  latest: number
  /** Objects known over all time; past the limit none is added and freshness is unknown. */
  known: number
  buckets: Record<string, Bucket>
}

export class VolumeTotals implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal']
  readonly #params: VolumeParams
  readonly #early: number

  constructor(params: VolumeParams) {
    this.#params = params
    this.#early = earlyBytes(params)
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown, watermarkMs: number): StepOutcome {
    const { of: read, entities, evidence } = input as WithContext<VolumeRead>
    const principal = entries.get<Principal>('') ?? {
      tenant: read.tenant,
      role: read.role,
      since: undefined,
      latest: Math.floor(read.timeMs / this.#params.bucket),
      known: 0,
      buckets: {},
    }
    const number = Math.floor(read.timeMs / this.#params.bucket)
    if (this.#endMs(number) + lateMsMax <= watermarkMs) return { ...this.#outcome(principal, []), dropped: 'late' }
    this.#meet(principal, read)
    const bucket = (principal.buckets[number] ??= emptyBucket())
    if (number > principal.latest) principal.latest = number
    bucket.reads++
    const short = read.asset === undefined ? undefined : shortOf(read.asset)
    const isNew = short !== undefined && this.#note(principal, entries, number, short)
    const amount = this.#params.measure === 'bytes' ? read.bytes : isNew ? 1 : 0
    if (read.folder !== undefined && short !== undefined) {
      const folder = shortOf(`folder ${read.folder}`)
      if (!read.covered) this.#meetObject(principal, entries, number, folder)
      weigh(entries, number, short, isNew, read.covered ? 0 : amount, folder)
    }
    if (read.covered) bucket.covered += amount
    else {
      bucket.bytes += amount
      if (read.worked === true) bucket.worked = (bucket.worked ?? 0) + amount
    }
    if (read.timeMs > bucket.lastMs) bucket.lastMs = read.timeMs
    bucket.entities = mergeEntities(bucket.entities, entities)
    bucket.evidence = mergeEvidence(bucket.evidence, evidence, evidenceMax)
    bucket.news = true

    const shuffled: Shuffled[] = []
    const passed = this.#endMs(number) <= watermarkMs
    const grown = bucket.bytes >= this.#early && bucket.bytes >= bucket.told * growth
    if (passed || grown) shuffled.push(this.#tell(group, principal, entries, number))
    entries.set('', principal)
    return this.#outcome(principal, shuffled)
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const principal = entries.get<Principal>('')
    if (principal === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    const shuffled: Shuffled[] = []
    for (const number of numbersOf(principal)) {
      const endMs = this.#endMs(number)
      if (endMs > watermarkMs) continue
      if (principal.buckets[number]!.news) shuffled.push(this.#tell(group, principal, entries, number))
      // The end of an input is no proof that nothing late will come.
      if (endMs + lateMsMax <= watermarkMs && watermarkMs !== Infinity) {
        Reflect.deleteProperty(principal.buckets, String(number))
        entries.delete(`objects/${number}`)
        entries.delete(`amounts/${number}`)
      }
    }
    if (watermarkMs >= this.#forgetMs(principal) && watermarkMs !== Infinity) {
      return { findings: [], shuffled, dueMs: Infinity, forget: true }
    }
    entries.set('', principal)
    return this.#outcome(principal, shuffled)
  }

  #forgetMs(principal: Principal): number {
    return this.#endMs(principal.latest) + silentMsMax
  }

  #endMs(number: number): number {
    return (number + 1) * this.#params.bucket
  }

  #meet(principal: Principal, read: VolumeRead): void {
    principal.role = read.role === '' ? principal.role : read.role
    if (read.sinceMs === undefined) return
    const since = Math.floor(read.sinceMs / this.#params.bucket)
    if (principal.since === undefined || since < principal.since) principal.since = since
  }

  /**
   * Remembers an object in its bucket, and the first bucket in which this principal has read it. False where the bucket has it,
   * or is full.
   */
  #note(principal: Principal, entries: GroupEntries, number: number, short: string): boolean {
    const name = `objects/${number}`
    const objects = entries.get<string[]>(name) ?? []
    if (objects.includes(short) || objects.length >= bucketObjectsMax) return false
    objects.push(short)
    entries.set(name, objects)

    this.#meetObject(principal, entries, number, short)
    return true
  }

  /** Remembers the first bucket in which this principal has read it. */
  #meetObject(principal: Principal, entries: GroupEntries, number: number, short: string): void {
    const shelf = `known/${short[0]!}`
    const known = entries.get<Record<string, number>>(shelf) ?? {}
    const first = known[short]
    if (first !== undefined && first <= number) return
    if (first === undefined) {
      if (principal.known >= knownObjectsMax) return
      principal.known++
    } else if (principal.buckets[first] !== undefined) {
      // It was fresh there until this earlier read came.
      principal.buckets[first].news = true
    }
    known[short] = number
    entries.set(shelf, known)
  }

  #tell(group: readonly string[], principal: Principal, entries: GroupEntries, number: number): Shuffled {
    const bucket = principal.buckets[number]!
    const objects = entries.get<string[]>(`objects/${number}`) ?? []
    const amounts = entries.get<Amounts>(`amounts/${number}`)
    const fresh = objects.filter((object) => firstOf(entries, object) === number)
    const of: VolumeTotal = {
      principal: group[0]!,
      role: principal.role,
      bucket: number,
      bytes: bucket.bytes,
      coveredBytes: bucket.covered,
      workedBytes: bucket.worked ?? 0,
      reads: bucket.reads,
      objects: objects.length,
      fresh: principal.known >= knownObjectsMax ? -1 : fresh.length,
      ...(amounts && { freshBytes: begunBytes(entries, amounts, fresh, number) }),
      since: principal.since,
      lastMs: bucket.lastMs,
    }
    bucket.told = bucket.bytes
    bucket.news = false
    const matters = bucket.bytes >= this.#early
    const observation: WithContext<VolumeTotal> = {
      of,
      entities: matters ? bucket.entities : [],
      evidence: matters ? bucket.evidence : [],
    }
    return { group: [principal.tenant], observation }
  }

  #outcome(principal: Principal, shuffled: readonly Shuffled[]): StepOutcome {
    let dueMs = this.#forgetMs(principal)
    for (const number of numbersOf(principal)) {
      const endMs = this.#endMs(number)
      dueMs = Math.min(dueMs, principal.buckets[number]!.news ? endMs : endMs + lateMsMax)
    }
    return { findings: [], shuffled, dueMs }
  }
}

function emptyBucket(): Bucket {
  return { bytes: 0, covered: 0, reads: 0, lastMs: 0, entities: [], evidence: [], told: -1, news: false }
}

function numbersOf(principal: Principal): number[] {
  return Object.keys(principal.buckets)
    .map(Number)
    .sort((a, b) => a - b)
}

/** What is read of each object of a bucket, and what it lies in. */
type Amounts = Record<string, readonly [bytes: number, folder: string]>

/** `isNew`: to the bucket, which has room for it. */
function weigh(
  entries: GroupEntries,
  number: number,
  short: string,
  isNew: boolean,
  amount: number,
  folder: string,
): void {
  const name = `amounts/${number}`
  const amounts = entries.get<Amounts>(name) ?? {}
  const known = amounts[short]
  if (known === undefined && !isNew) return
  amounts[short] = [(known?.[0] ?? 0) + amount, folder]
  entries.set(name, amounts)
}

/** Of these objects, the bytes of those that lie in what had been read before this bucket. */
function begunBytes(entries: GroupEntries, amounts: Amounts, objects: readonly string[], number: number): number {
  return objects.reduce((sum, object) => {
    const [bytes, folder] = amounts[object] ?? [0, '']
    return (firstOf(entries, folder) ?? Infinity) < number ? sum + bytes : sum
  }, 0)
}

function firstOf(entries: GroupEntries, short: string): number | undefined {
  return entries.get<Record<string, number>>(`known/${short[0] ?? ''}`)?.[short]
}

function shortOf(name: string): string {
  return sha256Hex(name).slice(0, 10)
}
