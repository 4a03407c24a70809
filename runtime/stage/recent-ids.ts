/**
 * Remembers the ids of recent events, so that what a source delivers twice is counted once.
 *
 * Stands at the door of stages that count events (detect, meter). Pure: a duplicate has the same event time as its
 * first copy, so ids are kept in buckets of event time and only the bucket of a record's own time is searched.
 *
 * Promises: an id is remembered until the watermark has passed its bucket by `windowMs`, or until more than `idsMax`
 * newer ones have come to this task, whichever is first; `remembers` says of an event's time whether that is still so;
 * a restart forgets nothing that a checkpoint held; what a checkpoint writes is the chunks that have grown since the
 * last one, at most `chunkIds` ids each. 64 bits of an id are kept: among a million remembered ids, a new event is
 * taken for an old one with a chance of 5e-14.
 */
import { sha256Hex } from '../../core/ids.ts'
import type { KeyedState } from './stage.ts'
import { IdSet } from './id-set.ts'

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
/** Up to this event time ids may have been forgotten for want of room. */
export const idsForgottenKey = 'ids-forgotten'
/** Hex digits kept of an id. */
const digits = 16

/**
 * Ids that share a state key. The state has the digits that are kept of each, one behind the other, and behind a slash the latest
 * event time of them.
 */
class Chunk {
  readonly key: string
  #text = ''
  /** Those that have come since it was last spelled: each is spelled once. */
  #news: string[] = []
  /** It has grown since the last checkpoint. */
  grown = false
  /** The latest event time of its ids. */
  lastMs = -Infinity

  constructor(key: string) {
    this.key = key
  }

  /** `latestMs`: where the state does not say how late the ids are. */
  static restored(key: string, saved: string, latestMs: number): Chunk {
    const [text, lastMs] = saved.split('/') as [string, string?]
    const chunk = new Chunk(key)
    chunk.#text = text
    chunk.lastMs = lastMs === undefined ? latestMs : Number(lastMs)
    return chunk
  }

  get size(): number {
    return this.#text.length / digits + this.#news.length
  }

  add(kept: string, eventTimeMs: number): void {
    this.#news.push(kept)
    this.lastMs = Math.max(this.lastMs, eventTimeMs)
  }

  /** As one text they take a sixth of the room. */
  text(): string {
    if (this.#news.length > 0) {
      this.#text += this.#news.join('')
      this.#news = []
    }
    return this.#text
  }

  toJSON(): string {
    return `${this.text()}/${this.lastMs}`
  }
}

/** Ids of one bucket of event time: its chunks, oldest first, and a set over all of them. */
interface IdBucket {
  readonly ids: IdSet
  readonly chunks: Chunk[]
  /** Number of the first chunk still there. */
  first: number
}

export class RecentIds {
  readonly #state: KeyedState
  readonly #limits: RecentIdsLimits
  readonly #buckets = new Map<number, IdBucket>()
  /** Bucket numbers, ascending. */
  #order: number[] = []
  #size = 0
  #completeMs = -Infinity
  #forgottenMs: number
  #grown: Chunk[] = []
  #lastNumber = NaN
  #lastBucket: IdBucket | undefined

  /** Takes up what the state holds. */
  constructor(state: KeyedState, limits: RecentIdsLimits = recentIdsLimits) {
    this.#state = state
    this.#limits = limits
    this.#forgottenMs = state.get<number>(idsForgottenKey) ?? -Infinity
    state.beforeCheckpoint(() => this.#settle())
    const saved = [...state.entries<string | Chunk>(prefix)].map(([key, value]) => {
      const [number, chunk] = key.slice(prefix.length).split('/').map(Number) as [number, number]
      return { number, chunk, key, text: typeof value === 'string' ? value : value.toJSON() }
    })
    saved.sort((a, b) => a.number - b.number || a.chunk - b.chunk)
    for (const { number, chunk, key, text } of saved) this.#restore(number, chunk, key, text)
    this.#order = [...this.#buckets.keys()]
  }

  get size(): number {
    return this.#size
  }

  /** Whether an event of that time can be told from a second copy: no id of that time has been forgotten. */
  remembers(eventTimeMs: number): boolean {
    return eventTimeMs > this.#forgottenMs && !this.#isPast(Math.floor(eventTimeMs / this.#limits.bucketMs))
  }

  /** True if this event has not been seen (and it is remembered from now on); false for a duplicate. */
  admits(id: string, eventTimeMs: number): boolean {
    const number = Math.floor(eventTimeMs / this.#limits.bucketMs)
    // Too old to be told from a duplicate: better counted twice than lost.
    if (this.#isPast(number)) return true
    const bucket = this.#bucket(number)
    let digest = id
    let [high, low] = [half(id, 0), half(id, 8)]
    // Ids are digests already; whatever else comes is made one.
    if (high < 0 || low < 0) {
      digest = sha256Hex(id)
      ;[high, low] = [half(digest, 0), half(digest, 8)]
    }
    if (!bucket.ids.add(high, low)) return false
    this.#append(number, bucket, digest.slice(0, digits), eventTimeMs)
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

  /** Mostly it is the one of the event before. */
  #bucket(number: number): IdBucket {
    if (number === this.#lastNumber) return this.#lastBucket!
    const bucket = this.#buckets.get(number) ?? this.#open(number)
    this.#lastNumber = number
    this.#lastBucket = bucket
    return bucket
  }

  #open(number: number): IdBucket {
    const bucket: IdBucket = { ids: new IdSet(), chunks: [], first: 0 }
    this.#buckets.set(number, bucket)
    let at = this.#order.length
    while (at > 0 && this.#order[at - 1]! > number) at--
    this.#order.splice(at, 0, number)
    return bucket
  }

  #append(number: number, bucket: IdBucket, kept: string, eventTimeMs: number): void {
    const { chunks } = bucket
    let chunk = chunks.at(-1)
    if (chunk === undefined || chunk.size >= this.#limits.chunkIds) {
      chunk?.text()
      chunk = new Chunk(`${prefix}${number}/${bucket.first + chunks.length}`)
      chunks.push(chunk)
    }
    chunk.add(kept, eventTimeMs)
    if (chunk.grown) return
    chunk.grown = true
    this.#grown.push(chunk)
  }

  #settle(): void {
    for (const chunk of this.#grown) {
      if (chunk.grown) this.#state.set(chunk.key, chunk)
      chunk.grown = false
    }
    if (this.#grown.length > 0) this.#grown = []
  }

  /** Makes room: the oldest chunk of the oldest bucket goes. */
  #forgetChunk(number: number): void {
    const bucket = this.#buckets.get(number)!
    const [oldest, next] = bucket.chunks
    if (oldest !== undefined && oldest.lastMs > this.#forgottenMs) {
      this.#forgottenMs = oldest.lastMs
      this.#state.set(idsForgottenKey, this.#forgottenMs)
    }
    if (oldest === undefined || next === undefined) return this.#forgetBucket(number)
    bucket.chunks.shift()
    bucket.first++
    const text = oldest.text()
    for (let at = 0; at < text.length; at += digits) bucket.ids.delete(half(text, at), half(text, at + 8))
    this.#size -= oldest.size
    this.#forget(oldest)
  }

  #forgetBucket(number: number): void {
    const bucket = this.#buckets.get(number)!
    for (const chunk of bucket.chunks) {
      this.#forget(chunk)
      this.#size -= chunk.size
    }
    this.#buckets.delete(number)
    this.#order.splice(this.#order.indexOf(number), 1)
    this.#lastNumber = NaN
  }

  #forget(chunk: Chunk): void {
    chunk.grown = false
    this.#state.delete(chunk.key)
  }

  #restore(number: number, chunk: number, key: string, saved: string): void {
    const restored = Chunk.restored(key, saved, (number + 1) * this.#limits.bucketMs - 1)
    const text = restored.text()
    let bucket = this.#buckets.get(number)
    if (bucket === undefined) this.#buckets.set(number, (bucket = { ids: new IdSet(), chunks: [], first: chunk }))
    for (let at = 0; at < text.length; at += digits) bucket.ids.add(half(text, at), half(text, at + 8))
    bucket.chunks.push(restored)
    this.#size += restored.size
  }
}

/** The number that 8 hex digits of a text spell; -1 where they are none. */
function half(text: string, at: number): number {
  if (text.length < at + 8) return -1
  let value = 0
  for (let index = at; index < at + 8; index++) {
    const code = text.charCodeAt(index)
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}
