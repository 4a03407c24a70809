/**
 * Remembers the ids of recent events, so that what a source delivers twice is counted once.
 *
 * Stands at the door of detect. Pure: a duplicate has the same event time as its first copy, so ids are kept in buckets of
 * event time and only the bucket of a record's own time is searched.
 *
 * Promises: an id is remembered until the watermark has passed its bucket by `windowMs`, or until more than `idsMax`
 * newer ones have come to this task, whichever is first; a restart forgets nothing that a checkpoint held; what a
 * checkpoint writes is the chunks that have grown since the last one, at most `chunkIds` ids each. 64 bits of an id are
 * kept: among a million remembered ids, a new event is taken for an old one with a chance of 5e-14.
 */
import type { KeyedState } from '../../runtime/stage.ts'

export interface RecentIdsLimits {
  /** How far behind the watermark an id is still remembered. */
  readonly windowMs: number
  /** Ids remembered by one task. */
  readonly idsMax: number
  /** Span of event time that shares a bucket. */
  readonly bucketMs: number
  /** Ids under one state key. */
  readonly chunkIds: number
}

export const recentIdsLimits: RecentIdsLimits = {
  windowMs: 24 * 3_600_000,
  idsMax: 500_000,
  bucketMs: 3_600_000,
  chunkIds: 256,
}

const prefix = 'ids/'
/** Hex digits kept of an id. */
const digits = 16

/** Ids of one bucket of event time: its chunks as they stand in the state, oldest first, and a set over all of them. */
interface IdBucket {
  readonly ids: Set<string>
  /** Numbers of the first chunk still there and of the one that grows. */
  first: number
  last: number
  /** Ids in the growing chunk, its state key and its text. */
  filled: number
  key: string
  text: string
}

export class RecentIds {
  readonly #state: KeyedState
  readonly #limits: RecentIdsLimits
  readonly #buckets = new Map<number, IdBucket>()
  /** Bucket numbers, ascending. */
  #order: number[] = []
  #size = 0
  #completeMs = -Infinity

  /** Takes up what the state holds. */
  constructor(state: KeyedState, limits: RecentIdsLimits = recentIdsLimits) {
    this.#state = state
    this.#limits = limits
    for (const [key, text] of state.entries<string>(prefix)) this.#restore(key, text)
    this.#order = [...this.#buckets.keys()].sort((a, b) => a - b)
  }

  get size(): number {
    return this.#size
  }

  /** True if this event has not been seen (and it is remembered from now on); false for a duplicate. */
  admits(id: string, eventTimeMs: number): boolean {
    const number = Math.floor(eventTimeMs / this.#limits.bucketMs)
    // Too old to be told from a duplicate: better counted twice than lost.
    if (this.#isPast(number)) return true
    const short = shorten(id)
    const bucket = this.#buckets.get(number) ?? this.#open(number)
    if (bucket.ids.has(short)) return false
    bucket.ids.add(short)
    this.#append(number, bucket, short)
    this.#size++
    while (this.#size > this.#limits.idsMax) this.#forgetChunk(this.#order[0]!)
    return true
  }

  /** Event time is complete up to here. The end of an input (`Infinity`) forgets nothing: it may be fed in once more. */
  complete(eventTimeMs: number): void {
    if (eventTimeMs === Infinity) return
    this.#completeMs = eventTimeMs
    for (;;) {
      const oldest = this.#order[0]
      if (oldest === undefined || !this.#isPast(oldest)) return
      this.#forgetBucket(oldest)
    }
  }

  #isPast(number: number): boolean {
    return (number + 1) * this.#limits.bucketMs <= this.#completeMs - this.#limits.windowMs
  }

  #open(number: number): IdBucket {
    const bucket: IdBucket = { ids: new Set(), first: 0, last: 0, filled: 0, key: chunkKey(number, 0), text: '' }
    this.#buckets.set(number, bucket)
    let at = this.#order.length
    while (at > 0 && this.#order[at - 1]! > number) at--
    this.#order.splice(at, 0, number)
    return bucket
  }

  #append(number: number, bucket: IdBucket, short: string): void {
    if (bucket.filled === this.#limits.chunkIds) {
      bucket.last++
      bucket.filled = 0
      bucket.key = chunkKey(number, bucket.last)
      bucket.text = ''
    }
    bucket.text += short
    bucket.filled++
    this.#state.set(bucket.key, bucket.text)
  }

  /** Makes room: the oldest chunk of the oldest bucket goes. */
  #forgetChunk(number: number): void {
    const bucket = this.#buckets.get(number)!
    if (bucket.first === bucket.last) return this.#forgetBucket(number)
    const key = chunkKey(number, bucket.first)
    const ids = split(this.#state.get<string>(key) ?? '')
    for (const id of ids) bucket.ids.delete(id)
    this.#size -= ids.length
    this.#state.delete(key)
    bucket.first++
  }

  #forgetBucket(number: number): void {
    const bucket = this.#buckets.get(number)!
    for (let chunk = bucket.first; chunk <= bucket.last; chunk++) this.#state.delete(chunkKey(number, chunk))
    this.#size -= bucket.ids.size
    this.#buckets.delete(number)
    this.#order.splice(this.#order.indexOf(number), 1)
  }

  #restore(key: string, text: string): void {
    const [number, chunk] = key.slice(prefix.length).split('/').map(Number) as [number, number]
    let bucket = this.#buckets.get(number)
    if (bucket === undefined) {
      bucket = { ids: new Set(), first: chunk, last: chunk, filled: 0, key, text }
      this.#buckets.set(number, bucket)
    }
    const ids = split(text)
    for (const id of ids) bucket.ids.add(id)
    this.#size += ids.length
    if (chunk < bucket.first) bucket.first = chunk
    if (chunk >= bucket.last) {
      bucket.last = chunk
      bucket.filled = ids.length
      bucket.key = key
      bucket.text = text
    }
  }
}

/** Ids are digests already; whatever else comes is kept as long as it is short, padded to the same width. */
function shorten(id: string): string {
  return id.length >= digits ? id.slice(0, digits) : id.padEnd(digits, '.')
}

function split(text: string): string[] {
  const ids: string[] = []
  for (let at = 0; at < text.length; at += digits) ids.push(text.slice(at, at + digits))
  return ids
}

function chunkKey(number: number, chunk: number): string {
  return `${prefix}${number}/${chunk}`
}
