/**
 * The events that a group of a correlation remembers: sorted by event time, told apart by id, bounded.
 *
 * Pure. Part of an operator's state, so everything here is JSON and small: about 60 bytes an entry, 250 more for each that
 * carries evidence. Past `entriesMax`, entries of equal value that lie close together are counted in one, without their ids.
 */
import type { EvidenceRef } from '../../core/signal.ts'
import { limits } from '../../core/limits.ts'
import type { Observation } from './types.ts'

/** Entries kept of one group. */
export const entriesMax = 2_000
/** Entries that carry their evidence: twice what a finding shows. */
const evidenceMax = 2 * limits.signalEvidenceMax
/** Distinct values taken of one event (of an array field). */
const valuesPerEventMax = 64
/** A value is told apart by its first characters. */
const valueCharsMax = 200

/** One event, or (`id` empty) several in one. */
export interface Entry {
  /** Event time, ms. */
  t: number
  id: string
  /** Which base rule. */
  b: number
  /** What is counted or summed. */
  v: string | number
  /** How many events it stands for; 0: another value of an event that is counted already. */
  n: number
  /** Left out of the JSON where it is undefined. */
  e?: EvidenceRef | undefined
  /** It is a finding, or has one among those that it stands for, that says `incomplete`. */
  i?: true
}

const none: readonly number[] = []

/** What kind of value an operator reads. */
export type ValueKind = 'none' | 'text' | 'number'

/** Far beyond what anybody counts, and so that no sum of a group's values is infinite: JSON has no such number. */
const numberMax = 1e300

/** The entries of one observation, under its short id; empty where it has no value to count. */
export function entriesOf(observation: Observation, id: string, kind: ValueKind): Entry[] {
  const entries = plainEntries(observation, id, kind)
  if (observation.incomplete !== undefined) for (const entry of entries) entry.i = true
  return entries
}

function plainEntries(observation: Observation, id: string, kind: ValueKind): Entry[] {
  const { timestampMs: t, base: b, evidence: e } = observation
  if (kind === 'none') return [{ t, id, b, v: '', n: 1, e }]
  if (kind === 'number') {
    const numbers = observation.values
      .filter((text) => text.trim() !== '')
      .map(Number)
      .filter(Number.isFinite)
      .map((value) => Math.max(-numberMax, Math.min(numberMax, value)))
    return numbers.length === 0 ? [] : [{ t, id, b, v: numbers.reduce((sum, value) => sum + value, 0), n: 1, e }]
  }
  const [only, second] = observation.values
  if (only === undefined) return []
  if (second === undefined) return [{ t, id, b, v: only.slice(0, valueCharsMax), n: 1, e }]
  const values = [...new Set(observation.values.map((value) => value.slice(0, valueCharsMax)))].slice(
    0,
    valuesPerEventMax,
  )
  return values.map((v, index) => (index === 0 ? { t, id, b, v, n: 1, e } : { t, id, b, v, n: 0, e: undefined }))
}

const derivedDigits = 32

function isDerived(id: string): boolean {
  if (id.length !== derivedDigits) return false
  for (let at = 0; at < derivedDigits; at++) {
    const code = id.charCodeAt(at)
    if (code < 0x30 || code > 0x66 || (code > 0x39 && code < 0x61)) return false
  }
  return true
}

/** Derived ids are digests: half of one tells a group's events apart. */
export function shortId(id: string): string {
  if (id !== lastId) {
    lastShort = isDerived(id) ? id.slice(0, 16) : id
    lastId = id
  }
  return lastShort
}

/** The id of an event as an event of one of the rules that it matches. */
export function idAs({ eventId }: Observation, base: number): string {
  return `${shortId(eventId)}/${base}`
}

/** One event is mostly asked about several times in a row, by each correlation that reads it. */
let lastId = ''
let lastShort = ''

/** A finding has come to say `incomplete`. Returns whether it is among the entries, and the first place that has changed. */
export function markIncomplete(
  entries: readonly Entry[],
  id: string,
): { readonly known: boolean; readonly changedFrom: number } {
  let [known, changedFrom] = [false, Infinity]
  for (const [at, entry] of entries.entries()) {
    if (entry.id !== id) continue
    known = true
    if (entry.i === true) continue
    entry.i = true
    changedFrom = Math.min(changedFrom, at)
  }
  return { known, changedFrom }
}

export function anyIncomplete(entries: readonly Entry[], fromMs = -Infinity, toMs = Infinity): boolean {
  return entries.some(({ t, i }) => i === true && t >= fromMs && t <= toMs)
}

/** Where a new entry of this time and id belongs; -1: there is one already. The entries of one id are of one time. */
export function placeFor(entries: readonly Entry[], t: number, id: string): number {
  const at = placeOf(entries, t, id)
  const before = entries[at - 1]
  return before !== undefined && before.t === t && before.id === id ? -1 : at
}

/**
 * How many entries carry evidence, the first place from which on others stand, and the places before it of those that
 * had to let go of theirs.
 */
interface Inserted {
  readonly carrying: number
  readonly changedFrom: number
  readonly thinned: readonly number[]
}

/** Puts entries in, from this place on. `carrying`: how many carried evidence before. */
export function insertAt(entries: Entry[], at: number, added: readonly Entry[], carrying: number): Inserted {
  if (at === entries.length) for (const entry of added) entries.push(entry)
  else entries.splice(at, 0, ...added)
  const inserted = inserting(added, at, carrying)
  if (inserted.carrying <= evidenceMax) return inserted
  const thinned = thin(entries)
  return { carrying: inserted.carrying - thinned.length, changedFrom: at, thinned }
}

/** What comes of entries that are put in where there is room for their evidence. */
export function inserting(added: readonly Entry[], at: number, carrying: number): Inserted {
  return { carrying: carrying + (added[0]?.e === undefined ? 0 : 1), changedFrom: at, thinned: none }
}

/** Entries that carry evidence. */
export function carriers(entries: readonly Entry[]): number {
  let count = 0
  for (const { e } of entries) if (e !== undefined) count++
  return count
}

/** Where an entry of this time and id belongs: behind all that are earlier. */
function placeOf(entries: readonly Entry[], t: number, id: string): number {
  const last = entries.at(-1)
  if (last === undefined || last.t < t) return entries.length
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]!
    if (entry.t < t || (entry.t === t && entry.id <= id)) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Makes room: entries of one base and value within a part of the timespan become one, at the time of the last. The part grows
 * until enough room is won; if one timespan is not enough (more distinct values than are kept), the oldest go. `sums`: values
 * are added up instead of being told apart. Nothing is merged across `borderMs`.
 */
export function compress(entries: readonly Entry[], timespanMs: number, sums: boolean, borderMs = -Infinity): Entry[] {
  const enough = Math.floor(entriesMax * 0.75)
  let merged: Entry[] = []
  for (let widthMs = Math.max(1, timespanMs / 64); widthMs <= timespanMs; widthMs *= 4) {
    merged = mergeWithin(entries, widthMs, sums, borderMs)
    if (merged.length <= enough) return merged
  }
  return merged.slice(-enough)
}

function mergeWithin(entries: readonly Entry[], widthMs: number, sums: boolean, borderMs: number): Entry[] {
  const merged = new Map<string, Entry>()
  for (const entry of entries) {
    const side = entry.t > borderMs ? '>' : '<'
    const key = `${Math.floor(entry.t / widthMs)}${side}${entry.b} ${sums ? '' : entry.v}`
    const into = merged.get(key)
    if (into === undefined) {
      merged.set(key, { ...entry })
      continue
    }
    into.id = ''
    into.t = Math.max(into.t, entry.t)
    into.n += entry.n
    if (sums) into.v = Number(into.v) + Number(entry.v)
    if (into.e === undefined && entry.e !== undefined) into.e = entry.e
    if (entry.i === true) into.i = true
  }
  return [...merged.values()].sort((a, b) => a.t - b.t)
}

/** What is looked up among entries, kept while a state is in memory. */
export class EntryIndex {
  readonly #ids: Set<string>
  #carrying: number

  constructor(entries: readonly Entry[]) {
    this.#ids = new Set()
    this.#carrying = 0
    for (const { id, e } of entries) {
      if (id !== '') this.#ids.add(id)
      if (e !== undefined) this.#carrying++
    }
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Puts an observation's entries where they belong, and tells where that is. */
  insert(entries: Entry[], added: readonly Entry[]): number {
    const first = added[0]!
    this.#ids.add(first.id)
    const at = placeOf(entries, first.t, first.id)
    this.#carrying = insertAt(entries, at, added, this.#carrying).carrying
    return at
  }
}

/** Takes evidence from every second entry that has some: what is left stays spread over time. Returns the places of those. */
function thin(entries: readonly Entry[]): readonly number[] {
  const thinned: number[] = []
  let index = 0
  for (const [at, entry] of entries.entries()) {
    if (entry.e === undefined || index++ % 2 === 0) continue
    entry.e = undefined
    thinned.push(at)
  }
  return thinned
}

/** At most `limits.signalEvidenceMax` references, first and last among them. */
export function spread(evidence: readonly EvidenceRef[]): readonly EvidenceRef[] {
  const most = limits.signalEvidenceMax
  if (evidence.length <= most) return evidence
  return Array.from({ length: most }, (_, index) => evidence[Math.round((index * (evidence.length - 1)) / (most - 1))]!)
}
