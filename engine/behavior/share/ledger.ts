/**
 * What `artifact-share` remembers: which objects an artifact has and how large they are, and what of them each principal has
 * read and when. JSON; everything bounded.
 *
 * Sizes that nobody has registered are learned: the largest read of an object is its size, and the objects that anybody has
 * read are the artifact. So a share is never said to be smaller than what is known of the artifact gives.
 */
import { sha256Hex } from '../../../core/ids.ts'
import type { GroupEntries } from '../types.ts'
import type { ShareRead } from './params.ts'
import type { Turn } from './in-turn.ts'
import { addPiece, bytesAsked, bytesOf, parseRange, reachOf, type Piece } from './ranges.ts'

const dayMs = 86_400_000
/** Objects remembered of one artifact, and of one principal in it. */
const objectsMax = 4_096
/** Principals remembered for one artifact: those who have read most stay. */
const readersMax = 1_024
/** Artifacts remembered of one principal: whether it reads them whole. */
const worksMax = 256
/** Entries kept of one tenant; past that those go which nobody has touched for longest, and so much of the bound is left free. */
const entriesMax = 50_000
const freed = 0.05
/** Of the mean day: who reads less than that has had a look, not a day of work. */
const look = 0.1
const readingPrefix = 'reading/'

interface Reader {
  readonly role: string
  readonly share: number
  /** It has read most of it from its first days on. */
  readonly byProfession: boolean
}

export interface Artifact {
  /** Short digest of the object -> bytes. */
  sizes: Record<string, number>
  bytes: number
  objects: number
  registered?: number
  /** Principal -> its role and share as last told, of those who read it. */
  readers: Record<string, Reader>
}

/** An object as one principal has read it. */
type ObjectRead = [day: number, bytes: number, pieces?: readonly Piece[]]

export interface Reading {
  objects: Record<string, ObjectRead>
  since: number | undefined
  reads: number
  /** Share of the artifact that it had read by the end of its first days. */
  early?: number
  /** How uneven the days were in which it did so, and their number. */
  earlyDays?: readonly [variation: number, days: number]
  /** Day of the first finding and its version; `-1`: reading most of it is its work. */
  anchor?: number
  version: number
  toldShare: number
  /** How it takes the pieces; version and pieces when it was told last that it takes them in turn. */
  turn?: Turn
  toldTurn?: readonly [version: number, pieces: number]
}

export class ShareLedger {
  readonly #entries: GroupEntries

  constructor(entries: GroupEntries) {
    this.#entries = entries
  }

  artifact(name: string): Artifact {
    return this.#entries.get<Artifact>(`artifact/${name}`) ?? { sizes: {}, bytes: 0, objects: 0, readers: {} }
  }

  reading(name: string, principal: string): Reading {
    return (
      this.#entries.get<Reading>(`${readingPrefix}${name}\n${principal}`) ?? {
        objects: {},
        since: undefined,
        reads: 0,
        version: 0,
        toldShare: 0,
      }
    )
  }

  works(read: ShareRead): Works {
    return this.#entries.get<Works>(`works/${storeOf(read.artifact)}\n${read.principal}`) ?? {}
  }

  keep(read: ShareRead, artifact: Artifact, reading: Reading): void {
    const entry = `${readingPrefix}${read.artifact}\n${read.principal}`
    const isNew = this.#entries.get(entry) === undefined
    if (isNew && this.#entries.names().length >= entriesMax) this.#forgetOldest()
    const works = this.works(read)
    const name = keyOf(read.artifact)
    const whole = reading.anchor === -1
    if (works[name] !== whole && (Object.hasOwn(works, name) || Object.keys(works).length < worksMax)) {
      works[name] = whole
      this.#entries.set(`works/${storeOf(read.artifact)}\n${read.principal}`, works)
    }
    this.#entries.set(`artifact/${read.artifact}`, artifact)
    this.#entries.set(entry, reading)
  }

  #forgetOldest(): void {
    const names = [...this.#entries.names()]
    const readings = names
      .filter((name) => name.startsWith(readingPrefix))
      .map((name) => [lastDayOf(this.#entries.get<Reading>(name)!), name] as const)
      .sort(([a, one], [b, other]) => a - b || (one < other ? -1 : 1))
    const left = Math.floor(((1 - freed) * entriesMax * readings.length) / names.length)
    const needed = new Set(
      readings.slice(readings.length - left).flatMap(([, reading]) => [reading, ...ownersOf(reading)]),
    )
    for (const name of names)
      if (/^(reading|artifact|works)\//.test(name) && !needed.has(name)) this.#entries.delete(name)
  }
}

/**
 * An artifact goes with its last reader; whether somebody reads a store's artifacts whole, with the last that it has
 * read there.
 */
function ownersOf(reading: string): readonly [artifact: string, works: string] {
  const [artifact, principal] = reading.slice(readingPrefix.length).split('\n') as [string, string]
  return [`artifact/${artifact}`, `works/${storeOf(artifact)}\n${principal}`]
}

function lastDayOf(reading: Reading): number {
  return Object.values(reading.objects).reduce((last, [day]) => Math.max(last, day), -Infinity)
}

/** Which artifacts of a store a principal has read, and whether most of each. */
export type Works = Record<string, boolean>

/** Those who lie in one store have this in common. */
export function storeOf(artifact: string): string {
  return artifact.slice(0, Math.max(0, artifact.lastIndexOf('/')))
}

export function keyOf(object: string): string {
  return sha256Hex(object).slice(0, 12)
}

/** Adds a read to both. */
export function note(artifact: Artifact, reading: Reading, read: ShareRead): void {
  const object = keyOf(read.object)
  if (read.artifactBytes !== undefined) artifact.registered = read.artifactBytes
  const known = artifact.sizes[object]
  // Who has the store copy an object has all of it, or of the range, however little was sent.
  const copied = read.copied === true ? bytesAsked(read.range, read.objectBytes ?? known ?? 0) : 0
  const bytes = Math.max(read.bytes, copied)
  const pieces = parseRange(read.range, read.objectBytes, bytes)
  const reached = pieces?.reduce((most, piece) => Math.max(most, reachOf(piece)), 0) ?? bytes
  const size = Math.max(known ?? 0, read.objectBytes ?? reached)
  if (known !== undefined || artifact.objects < objectsMax) {
    if (known === undefined) artifact.objects++
    artifact.sizes[object] = size
    artifact.bytes += size - (known ?? 0)
  }
  if (read.sinceMs !== undefined) reading.since = Math.min(reading.since ?? Infinity, read.sinceMs)
  reading.reads++
  if (read.covered) return
  const day = Math.floor(read.timeMs / dayMs)
  const before = reading.objects[object]
  if (before === undefined && Object.keys(reading.objects).length >= objectsMax) return
  reading.objects[object] = added(before, day, bytes, pieces, size)
}

function added(
  before: ObjectRead | undefined,
  day: number,
  sent: number,
  pieces: readonly Piece[] | undefined,
  size: number,
): ObjectRead {
  const lastDay = Math.max(before?.[0] ?? day, day)
  if (pieces === undefined) {
    const bytes = Math.min(size, Math.max(before?.[1] ?? 0, sent))
    return before?.[2] === undefined ? [lastDay, bytes] : [lastDay, bytes, before[2]]
  }
  const whole: readonly Piece[] = before === undefined ? [] : (before[2] ?? (before[1] > 0 ? [[0, before[1] - 1]] : []))
  const all = pieces.reduce<readonly Piece[]>(addPiece, whole)
  return [lastDay, Math.min(size, Math.max(before?.[1] ?? 0, bytesOf(all))), all]
}

/** The coefficient of variation of what was read in a day, over the days that had more than a look, and their number. */
export function unevennessOf(reading: Reading): readonly [variation: number, days: number] {
  const days = new Map<number, number>()
  for (const [day, bytes] of Object.values(reading.objects)) days.set(day, (days.get(day) ?? 0) + bytes)
  const least = look * meanOf([...days.values()])
  const amounts = [...days.values()].filter((bytes) => bytes >= least)
  const mean = meanOf(amounts)
  if (mean === 0 || amounts.length < 2) return [0, amounts.length]
  const square = amounts.reduce((sum, bytes) => sum + (bytes - mean) ** 2, 0) / (amounts.length - 1)
  return [Math.sqrt(square) / mean, amounts.length]
}

function meanOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, amounts.length)
}

/** Whether everything that is held was read on this day. */
export function isOfOneDay(reading: Reading, day: number): boolean {
  return Object.values(reading.objects).every(([at]) => at === day)
}

export interface Held {
  readonly bytes: number
  readonly objects: number
  readonly ofBytes: number
  readonly share: number
}

/** What a principal has read since a day; older objects are forgotten. */
export function heldSince(artifact: Artifact, reading: Reading, day: number): Held {
  let bytes = 0
  let objects = 0
  for (const [name, [at, of]] of Object.entries(reading.objects)) {
    if (at < day) {
      Reflect.deleteProperty(reading.objects, name)
      continue
    }
    bytes += of
    objects++
  }
  const ofBytes = artifact.registered ?? artifact.bytes
  return { bytes, objects, ofBytes, share: ofBytes > 0 ? Math.min(1, bytes / ofBytes) : 0 }
}

export function tellShare(artifact: Artifact, principal: string, reader: Reader): void {
  artifact.readers[principal] = reader
  const names = Object.keys(artifact.readers)
  if (names.length <= readersMax) return
  let least = names[0]!
  for (const name of names) if (artifact.readers[name]!.share < artifact.readers[least]!.share) least = name
  Reflect.deleteProperty(artifact.readers, least)
}
