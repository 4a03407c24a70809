/**
 * What `outbound-transfer` remembers of a tenant: its places and who uses them, how much is usually sent, and for each
 * principal what it has gathered and sent. JSON; everything bounded.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { sha256Hex } from '../../../core/ids.ts'
import type { GroupEntries } from '../types.ts'

const dayMs = 86_400_000
/** Places remembered on each of 16 shelves; those not used for longest go. */
const placesPerShelfMax = 256
const usersMax = 8
/** Sums of a day kept for each channel, the newest. */
const sizesMax = 512
/** Days kept of what a principal has gathered. */
const gatheredDaysMax = 32
/** Places kept of one principal. */
const sentPlacesMax = 16
/** Pieces of models remembered of one principal: past that none is new to it. */
const piecesMax = 512

export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / dayMs)
}

interface Place {
  /** Short digests of principals. */
  users: string[]
  first: number
  last: number
}

/** What a principal has sent to one place. */
export interface Sent {
  /** Day -> bytes. */
  days: Record<string, number>
  /** Of the days before `told`, in the sizes already. */
  told: number
  count: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
  /** Day of the first finding, version, bytes at the last one. */
  finding?: { anchor: number; version: number; bytes: number }
  last: number
}

export interface Person {
  /** Day -> bytes of artifacts read. */
  gathered: Record<string, number>
  /** Day -> bytes of pieces of models that it had never read before, and these pieces. Absent before the first. */
  fresh?: Record<string, number>
  pieces?: string[]
  /** Channel and place -> what was sent there. */
  sent: Record<string, Sent>
}

export class OutboundState {
  readonly #entries: GroupEntries

  constructor(entries: GroupEntries) {
    this.#entries = entries
  }

  /** The tenant's first day; that of the first event for whoever asks first. */
  since(day: number): number {
    const since = this.#entries.get<number>('since')
    if (since !== undefined && since <= day) return since
    this.#entries.set('since', day)
    return day
  }

  person(principal: string): Person {
    return this.#entries.get<Person>(`person/${principal}`) ?? { gathered: {}, sent: {} }
  }

  keep(principal: string, person: Person): void {
    this.#entries.set(`person/${principal}`, person)
  }

  /** Notes that a principal has used a place; how many others have, and the day that it was first used. */
  use(channel: string, place: string, principal: string, day: number): { others: number; first: number } {
    const digest = sha256Hex(`${channel} ${place}`)
    const name = `places/${digest[0]!}`
    const shelf = this.#entries.get<Record<string, Place>>(name) ?? {}
    const known = (shelf[digest.slice(1, 17)] ??= { users: [], first: day, last: day })
    const user = sha256Hex(principal).slice(0, 10)
    if (!known.users.includes(user) && known.users.length < usersMax) known.users.push(user)
    known.last = Math.max(known.last, day)
    known.first = Math.min(known.first, day)
    dropOldest(shelf, placesPerShelfMax, ({ last }) => last)
    this.#entries.set(name, shelf)
    return { others: known.users.filter((other) => other !== user).length, first: known.first }
  }

  sizes(channel: string): readonly number[] {
    return this.#entries.get<number[]>(`sizes/${channel}`) ?? []
  }

  addSize(channel: string, bytes: number): void {
    const sizes = this.#entries.get<number[]>(`sizes/${channel}`) ?? []
    sizes.push(Math.round(Math.log(bytes) * 1_000) / 1_000)
    if (sizes.length > sizesMax) sizes.shift()
    this.#entries.set(`sizes/${channel}`, sizes)
  }
}

export function noteGathered(person: Person, day: number, bytes: number, piece: string | undefined): void {
  person.gathered[day] = (person.gathered[day] ?? 0) + bytes
  dropOldest(person.gathered, gatheredDaysMax, (_, key) => Number(key))
  if (piece === undefined) return
  const pieces = (person.pieces ??= [])
  if (pieces.length >= piecesMax || pieces.includes(piece)) return
  pieces.push(piece)
  const fresh = (person.fresh ??= {})
  fresh[day] = (fresh[day] ?? 0) + bytes
  dropOldest(fresh, gatheredDaysMax, (_, key) => Number(key))
}

export function sentTo(person: Person, key: string, day: number): Sent {
  const sent = (person.sent[key] ??= { days: {}, told: day, count: 0, entities: [], evidence: [], last: day })
  sent.last = Math.max(sent.last, day)
  dropOldest(person.sent, sentPlacesMax, ({ last }) => last)
  return sent
}

export function dropOldest<T>(record: Record<string, T>, max: number, age: (value: T, key: string) => number): void {
  const keys = Object.keys(record)
  if (keys.length <= max) return
  let oldest = keys[0]!
  for (const key of keys) if (age(record[key]!, key) < age(record[oldest]!, oldest)) oldest = key
  Reflect.deleteProperty(record, oldest)
}
