/**
 * The grouped step of `volume-baseline`: holds the totals of all readers of a tenant, and judges each against its own
 * history and its peers'.
 *
 * Promises: a finding is a pure function of the table of totals, so the order in which they came leaves no trace once the
 * watermark has passed; a total that crosses the lines is answered at once and judged again, for good, when its bucket has
 * passed; a total that is revised after that has all later judgments of the tenant looked at again. Neighboring buckets
 * that stand out are one finding. Readers and history are bounded.
 */
import { canonicalDigest } from '../../../core/ids.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { WithContext } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { episodesOf, type Episode } from './episodes.ts'
import { describeEpisode } from './explain.ts'
import { freshIn, freshOf, readsAgain } from './fresh.ts'
import { bucketsOf, earlyBytes, type VolumeParams, type VolumeTotal } from './params.ts'
import type { StoredReader } from './table.ts'
import { judge, sumOf, type Reader } from './verdict.ts'

/** Readers remembered of one tenant. */
const readersMax = 5_000
const evidenceMax = 20

interface Agenda {
  /** Bucket -> readers whose sum reaches the floor there, to be judged for good when it has passed. */
  pending: Record<string, string[]>
  /** Buckets before this one have been judged for good. */
  settled: number
}

const agendaName = ''
const readerName = (principal: string): string => `r/${principal}`

export class VolumePeers implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['organization.id']
  readonly #params: VolumeParams
  readonly #span: number
  readonly #keep: number

  constructor(params: VolumeParams) {
    this.#params = params
    this.#span = bucketsOf(params, params.span)
    this.#keep = bucketsOf(params, params.history) + 2 * this.#span
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown, watermarkMs: number): StepOutcome {
    const { of: total, entities, evidence } = input as WithContext<VolumeTotal>
    const agenda = entries.get<Agenda>(agendaName) ?? { pending: {}, settled: -Infinity }
    const name = readerName(total.principal)
    const stored = entries.get<StoredReader>(name)
    if (stored === undefined && entries.names().length > readersMax) {
      return { ...this.#outcome(agenda, watermarkMs, []), dropped: 'overflow' }
    }
    if (total.bucket < this.#reached(watermarkMs) - this.#keep) {
      return { ...this.#outcome(agenda, watermarkMs, []), dropped: 'late' }
    }
    const reader = stored ?? { role: '', since: undefined, bytes: {}, details: {}, crossed: {}, published: {} }
    this.#take(reader, total, entities, evidence)
    entries.set(name, reader)

    const late = total.bucket < this.#reached(watermarkMs)
    const touched = late
      ? this.#rejudgeAll(entries, total.bucket)
      : this.#rejudge(entries, total.principal, total.bucket, agenda)
    entries.set(agendaName, agenda)
    return this.#outcome(agenda, watermarkMs, this.#publish(group, entries, touched))
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const agenda = entries.get<Agenda>(agendaName)
    if (agenda === undefined) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    const reached = this.#reached(watermarkMs)
    const touched = new Set<string>()
    for (const bucket of Object.keys(agenda.pending).map(Number).sort(ascending)) {
      if (bucket >= reached) continue
      for (const principal of agenda.pending[bucket]!.sort()) {
        this.#judgeAt(entries, principal, bucket)
        touched.add(principal)
      }
      Reflect.deleteProperty(agenda.pending, String(bucket))
    }
    const findings = this.#publish(group, entries, touched)
    if (reached !== Infinity) this.#prune(entries, reached - this.#keep)
    entries.set(agendaName, agenda)
    const forget = entries.names().length <= 1
    return { ...this.#outcome(agenda, watermarkMs, findings), forget }
  }

  #readerOf(principal: string, entries: GroupEntries): Reader | undefined {
    return readerOf(principal, entries, this.#params.bucketMax)
  }

  /** The first bucket that has not passed. */
  #reached(watermarkMs: number): number {
    return Math.floor(watermarkMs / this.#params.bucket)
  }

  #take(reader: StoredReader, total: VolumeTotal, entities: readonly Entity[], evidence: readonly EvidenceRef[]): void {
    if (total.role !== '') reader.role = total.role
    if (total.since !== undefined && (reader.since === undefined || total.since < reader.since))
      reader.since = total.since
    reader.bytes[total.bucket] = total.bytes
    if ((total.workedBytes ?? 0) > 0) (reader.worked ??= {})[total.bucket] = total.workedBytes!
    if (this.#params.freshMin > 0) (reader.fresh ??= {})[total.bucket] = freshOf(total)
    if (total.bytes < earlyBytes(this.#params)) return
    const { reads, objects, fresh, coveredBytes: covered, lastMs } = total
    reader.details[total.bucket] = {
      reads,
      objects,
      fresh,
      covered,
      lastMs,
      entities,
      evidence: evidence.slice(0, evidenceMax),
    }
  }

  /** Judges the spans that this reader's bucket is part of, and puts them on the agenda. */
  #rejudge(entries: GroupEntries, principal: string, bucket: number, agenda: Agenda): Set<string> {
    const reader = this.#readerOf(principal, entries)!
    for (const at of this.#spansWith(reader, bucket)) {
      if (!this.#judgeAt(entries, principal, at)) continue
      const waiting = (agenda.pending[at] ??= [])
      if (!waiting.includes(principal)) waiting.push(principal)
    }
    return new Set([principal])
  }

  /** A total was revised after its bucket had passed: whatever rests on it is judged again. */
  #rejudgeAll(entries: GroupEntries, bucket: number): Set<string> {
    const touched = new Set<string>()
    for (const name of entries.names()) {
      if (name === agendaName) continue
      const principal = name.slice(2)
      for (const at of bucketsFrom(this.#readerOf(principal, entries)!, bucket)) {
        if (this.#judgeAt(entries, principal, at)) touched.add(principal)
      }
      if (Object.keys(entries.get<StoredReader>(name)!.published).length > 0) touched.add(principal)
    }
    return touched
  }

  /** Buckets with reads of this reader whose span holds `bucket`. */
  #spansWith(reader: Reader, bucket: number): number[] {
    return bucketsFrom(reader, bucket).filter((at) => at < bucket + this.#span)
  }

  /** Judges one span. False if it lies below the floor. */
  #judgeAt(entries: GroupEntries, principal: string, bucket: number): boolean {
    const name = readerName(principal)
    const stored = entries.get<StoredReader>(name)
    if (stored === undefined) return false
    const reader = this.#readerOf(principal, entries)!
    const reaches = sumOf(reader.series, bucket - this.#span + 1, bucket) >= this.#params.floor
    const had = stored.crossed[bucket] !== undefined
    const fresh = reaches ? freshIn(stored, bucket - this.#span + 1, bucket) : 0
    const paceRatio = readsAgain(fresh) ? this.#params.paceRatio : 0
    const verdict =
      reaches && fresh >= this.#params.freshMin
        ? judge(this.#params, reader, () => this.#others(entries, name), bucket, paceRatio)
        : undefined
    if (verdict !== undefined) stored.crossed[bucket] = verdict
    else if (had) Reflect.deleteProperty(stored.crossed, String(bucket))
    if (had || stored.crossed[bucket] !== undefined) entries.set(name, stored)
    return reaches
  }

  #others(entries: GroupEntries, name: string): Reader[] {
    const names = entries.names().filter((other) => other !== agendaName && other !== name)
    return names.map((other) => this.#readerOf(other.slice(2), entries)!)
  }

  /** Compares what stands out now with what was published, reader by reader, and publishes the difference. */
  #publish(group: readonly string[], entries: GroupEntries, principals: ReadonlySet<string>): BehaviorFinding[] {
    const findings: BehaviorFinding[] = []
    for (const principal of [...principals].sort()) {
      const stored = entries.get<StoredReader>(readerName(principal))
      if (stored === undefined) continue
      const episodes = episodesOf(stored, this.#span)
      const before = Object.keys(stored.published).length
      const news = this.#difference(group[0]!, principal, stored, episodes)
      findings.push(...news)
      if (news.length > 0 || before > 0) entries.set(readerName(principal), stored)
    }
    return findings
  }

  #difference(
    tenant: string,
    principal: string,
    stored: StoredReader,
    episodes: readonly Episode[],
  ): BehaviorFinding[] {
    const findings: BehaviorFinding[] = []
    const anchors = new Set(episodes.map((episode) => String(episode.first)))
    const gone = Object.keys(stored.published).filter((anchor) => !anchors.has(anchor))
    for (const episode of episodes) {
      const anchor = String(episode.first)
      const content = describeEpisode(this.#params, principal, stored, episode)
      const digest = canonicalDigest(content).slice(0, 16)
      const published = stored.published[anchor]
      if (published?.[1] === digest) continue
      const supersedes = published === undefined ? gone.filter((old) => within(Number(old), episode, this.#span)) : []
      const version = (published?.[0] ?? 0) + 1
      stored.published[anchor] = [version, digest]
      const found = { tenant, principal }
      findings.push(this.#finding(found, anchor, version, 'open', supersedes, content))
    }
    for (const anchor of gone) {
      const [version] = stored.published[anchor]!
      Reflect.deleteProperty(stored.published, anchor)
      const at = Number(anchor)
      const content = describeEpisode(this.#params, principal, stored, { first: at, last: at, buckets: [] })
      findings.push(this.#finding({ tenant, principal }, anchor, version + 1, 'retracted', [], content))
    }
    return findings
  }

  #finding(
    of: { readonly tenant: string; readonly principal: string },
    anchor: string,
    version: number,
    status: BehaviorFinding['status'],
    supersedes: readonly string[],
    content: ReturnType<typeof describeEpisode>,
  ): BehaviorFinding {
    const group = { 'organization.id': of.tenant, 'warden.principal': of.principal }
    const spelled = (old: string): string => `${of.principal}@${old}`
    return { ...content, anchor: spelled(anchor), version, status, supersedes: supersedes.map(spelled), group }
  }

  /** Forgets buckets that nothing can rest on any more, and readers of whom nothing is left. */
  #prune(entries: GroupEntries, oldest: number): void {
    for (const name of entries.names()) {
      if (name === agendaName) continue
      const stored = entries.get<StoredReader>(name)!
      const episodes = episodesOf(stored, this.#span)
      const alive = (bucket: string): boolean =>
        Number(bucket) >= oldest || episodes.some((e) => e.last >= oldest && Number(bucket) >= e.first - this.#span + 1)
      let changed = false
      const { bytes, worked = {}, fresh = {}, details, crossed, published } = stored
      for (const table of [bytes, worked, fresh, details, crossed, published]) {
        for (const bucket of Object.keys(table)) {
          if (alive(bucket)) continue
          Reflect.deleteProperty(table, bucket)
          changed = true
        }
      }
      if (Object.keys(stored.bytes).length === 0) entries.delete(name)
      else if (changed) entries.set(name, stored)
    }
  }

  #outcome(agenda: Agenda, watermarkMs: number, findings: readonly BehaviorFinding[]): StepOutcome {
    // Once a bucket there is something to judge or to forget.
    const reached = watermarkMs === -Infinity ? Infinity : this.#reached(watermarkMs)
    const pending = Object.keys(agenda.pending).map(Number)
    const next = Math.min(reached, ...pending)
    return { findings, shuffled: [], dueMs: next === Infinity ? Infinity : (next + 1) * this.#params.bucket }
  }
}

function ascending(a: number, b: number): number {
  return a - b
}

function bucketsFrom(reader: Reader, bucket: number): number[] {
  return [...reader.series.keys()].filter((at) => at >= bucket).sort(ascending)
}

function readerOf(principal: string, entries: GroupEntries, bucketMax = Infinity): Reader | undefined {
  const stored = entries.get<StoredReader>(readerName(principal))
  if (stored === undefined) return undefined
  const series = new Map<number, number>()
  for (const [bucket, bytes] of Object.entries(stored.bytes)) if (bytes <= bucketMax) series.set(Number(bucket), bytes)
  const worked = new Map<number, number>()
  for (const [bucket, bytes] of Object.entries(stored.worked ?? {})) {
    if (series.has(Number(bucket))) worked.set(Number(bucket), bytes)
  }
  return {
    id: principal,
    role: stored.role,
    since: stored.since,
    series,
    worked,
    crossed: new Set(Object.keys(stored.crossed).map(Number)),
  }
}

function within(anchor: number, episode: Episode, span: number): boolean {
  return anchor >= episode.first - span && anchor <= episode.last + span
}
