/**
 * One partition in a member's hands: assigned, then batch after batch, then revoked; never two of these at once, but that
 * a partition may be revoked while `assigned` is still at work (which then need not go on).
 *
 * Promises: records come in offset order, each batch after the one before is done; a batch that the handler rejects is
 * given again, the same records, after a pause that grows; no record is given after `revoked`.
 */
import type { BusRecord, PartitionHandler, TopicPartition } from '../../core/ports/bus.ts'
import type { KafkaLog } from './client.ts'
import type { DecodedRecords } from './decode.ts'
import { backoffMs, pause } from './retry.ts'

const retryFirstMs = 100
const retryMsMax = 10_000

/** Lets so many in at a time, in the order they came. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}

export interface LaneOptions {
  readonly handler: PartitionHandler
  readonly slots: Slots
  readonly batchRecordsMax: number
  readonly readAheadBytesMax: number
  readonly log: KafkaLog
  /** Where to begin if the handler doesn't say. Retried until the signal stops it. */
  startOf(at: TopicPartition, signal: AbortSignal): Promise<number>
  /** The lane wants data now and didn't before. */
  hungry(): void
}

export class Lane {
  readonly at: TopicPartition
  readonly #options: LaneOptions
  readonly #stopping = new AbortController()
  readonly #chunks: BusRecord[][] = []
  #firstLeft = 0
  #bytesAhead = 0
  #position: number | undefined
  #paused = false
  #wake: () => void = () => undefined
  readonly #life: Promise<void>
  #stopped: Promise<void> | undefined

  constructor(at: TopicPartition, options: LaneOptions) {
    this.at = at
    this.#options = options
    this.#life = this.#live()
  }

  /** Where the next fetch reads; `undefined` while none should. */
  get wants(): number | undefined {
    if (this.#paused || this.#isStopped() || this.#isFull()) return undefined
    return this.#position
  }

  /** Whether it will want data before long. */
  get isHeldBack(): boolean {
    return !this.#paused && !this.#isStopped() && (this.#position === undefined || this.#isFull())
  }

  /** Takes what was fetched at `from`; not if it has turned elsewhere meanwhile. */
  take(from: number, decoded: DecodedRecords): void {
    if (from !== this.#position || this.#isStopped()) return
    this.#position = decoded.nextOffset
    if (decoded.records.length === 0) return
    this.#chunks.push(decoded.records)
    this.#bytesAhead += bytesOf(decoded.records, 0)
    this.#wake()
  }

  seek(offset: number): void {
    this.#position = offset
    this.#options.hungry()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake()
    this.#options.hungry()
  }

  /** Whether the handler has taken it over, and nobody has asked for it back. */
  get isHeld(): boolean {
    return this.#position !== undefined && !this.#isStopped()
  }

  /** Waits for the batch under way, then revokes. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    this.#wake()
    if (this.#position !== undefined) await this.#life
    this.#chunks.length = 0
    try {
      await this.#options.handler.revoked(this.at)
    } catch (error) {
      this.#options.log.warn('Letting go of a partition failed.', { ...this.at, error: String(error) })
    }
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  #isFull(): boolean {
    return this.#bytesAhead >= this.#options.readAheadBytesMax
  }

  async #live(): Promise<void> {
    await this.#begin()
    while (!this.#isStopped()) {
      const batch: readonly BusRecord[] = this.#paused ? [] : this.#next()
      if (batch.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      else await this.#deliver(batch)
    }
  }

  async #begin(): Promise<void> {
    const { handler, log } = this.#options
    const { signal } = this.#stopping
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        const wanted = await handler.assigned(this.at)
        if (this.#isStopped()) return
        this.seek(wanted ?? (await this.#options.startOf(this.at, signal)))
        return
      } catch (error) {
        if (this.#isStopped()) return
        log.warn('Taking over a partition failed; it is tried again.', { ...this.at, attempt, error: String(error) })
        await pause(backoffMs(attempt, retryFirstMs, retryMsMax), signal)
      }
    }
  }

  /** Up to `batchRecordsMax` of what was read ahead. */
  #next(): readonly BusRecord[] {
    const { batchRecordsMax } = this.#options
    const wasFull = this.#isFull()
    const batch: BusRecord[] = []
    while (batch.length < batchRecordsMax) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) break
      const until = Math.min(chunk.length, this.#firstLeft + batchRecordsMax - batch.length)
      for (let index = this.#firstLeft; index < until; index += 1) batch.push(chunk[index]!)
      if (until === chunk.length) {
        this.#chunks.shift()
        this.#firstLeft = 0
      } else this.#firstLeft = until
    }
    this.#bytesAhead -= bytesOf(batch, 0)
    if (wasFull && !this.#isFull()) this.#options.hungry()
    return batch
  }

  async #deliver(batch: readonly BusRecord[]): Promise<void> {
    const { handler, slots, log } = this.#options
    const { signal } = this.#stopping
    for (let attempt = 1; ; attempt += 1) {
      await slots.enter()
      try {
        if (this.#isStopped()) return
        await handler.records(this.at, batch)
        return
      } catch (error) {
        const fields = { ...this.at, offset: batch[0]!.offset, attempt, error: String(error) }
        log.warn('A batch was not taken; it is given again.', fields)
      } finally {
        slots.leave()
      }
      await pause(backoffMs(attempt, retryFirstMs, retryMsMax), signal)
      while (this.#paused && !this.#isStopped()) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

const recordOverheadBytes = 64

function bytesOf(records: readonly BusRecord[], start: number): number {
  return records.reduce((sum, { value }) => sum + recordOverheadBytes + (value?.length ?? 0), start)
}
