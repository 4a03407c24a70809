/**
 * One partition as the main thread knows it: where it begins and ends, its newest records, and who waits for more.
 *
 * The main thread gives out offsets and so always knows the end; records come from the tail in memory as long as they are
 * there, else from the worker.
 */
import type { BusRecord } from '../../core/ports/bus.ts'
import { busLimits } from './config.ts'
import type { ReadBody, ReadResult } from './bus-store.ts'
import type { WorkerClient } from './client.ts'
import { readChunk, type Chunk } from './encode.ts'

export class PartitionLog {
  readonly id: number
  readonly topic: string
  readonly partition: number
  low: number
  high: number
  readonly #tail: Chunk[] = []
  readonly #listeners = new Set<() => void>()

  constructor(id: number, topic: string, partition: number, low: number, high: number) {
    this.id = id
    this.topic = topic
    this.partition = partition
    this.low = low
    this.high = high
  }

  /** Calls back whenever the log has grown; returns the way to stop it. */
  onGrowth(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes in chunks that have been committed. */
  grow(chunks: readonly Chunk[], end: number): void {
    this.#tail.push(...chunks)
    this.high = end
    for (const listener of [...this.#listeners]) listener()
  }

  /** Lets go of the oldest chunk in memory. */
  forget(): void {
    this.#tail.shift()
  }

  /** The chunks in memory from the one that holds `from` on; empty where it isn't in memory. */
  tailFrom(from: number, recordsMax: number): readonly Chunk[] {
    const tail = this.#tail
    if (tail.length === 0 || from < tail[0]!.base) return []
    let least = 0
    let most = tail.length - 1
    while (least < most) {
      const middle = (least + most + 1) >> 1
      if (tail[middle]!.base <= from) least = middle
      else most = middle - 1
    }
    let end = least
    for (let records = 0, bytes = 0; end < tail.length; end++) {
      if (records >= recordsMax || bytes >= busLimits.batchBytesMax) break
      records += tail[end]!.count
      bytes += tail[end]!.data.length
    }
    return tail.slice(least, end)
  }
}

/** Bounds what all partitions together keep in memory: the oldest goes first. */
export class TailBudget {
  readonly #kept: { readonly log: PartitionLog; readonly bytes: number }[] = []
  #first = 0
  #bytes = 0

  add(log: PartitionLog, bytes: number): void {
    this.#kept.push({ log, bytes })
    this.#bytes += bytes
    while (this.#bytes > busLimits.tailBytesMax) {
      const oldest = this.#kept[this.#first++]!
      this.#bytes -= oldest.bytes
      oldest.log.forget()
    }
    if (this.#first > 1_024 && this.#first * 2 > this.#kept.length) {
      this.#kept.splice(0, this.#first)
      this.#first = 0
    }
  }
}

/** Reads one partition in order, batch by batch. */
export class PartitionReader {
  readonly #log: PartitionLog
  readonly #worker: WorkerClient
  /** The next offset to look for. */
  #position: number
  #pending: BusRecord[] = []
  #taken = 0

  constructor(log: PartitionLog, worker: WorkerClient, from: number) {
    this.#log = log
    this.#worker = worker
    this.#position = Math.max(from, log.low)
  }

  /** The offset that the next record has at least. */
  get position(): number {
    return this.#taken < this.#pending.length ? this.#pending[this.#taken]!.offset : this.#position
  }

  /** Whether there is nothing more at present. */
  get atEnd(): boolean {
    return this.#taken >= this.#pending.length && this.#position >= this.#log.high
  }

  /** The next records; none where the log has no more at present. */
  async next(recordsMax: number): Promise<readonly BusRecord[]> {
    while (!this.atEnd) {
      if (this.#taken >= this.#pending.length) await this.#refill(recordsMax)
      if (this.#taken < this.#pending.length) return this.#take(recordsMax)
    }
    return []
  }

  #take(recordsMax: number): readonly BusRecord[] {
    const from = this.#taken
    this.#taken = Math.min(this.#pending.length, from + recordsMax)
    if (from === 0 && this.#taken === this.#pending.length) return this.#pending
    return this.#pending.slice(from, this.#taken)
  }

  async #refill(recordsMax: number): Promise<void> {
    const log = this.#log
    const from = Math.max(this.#position, log.low)
    const end = log.high
    let chunks = log.tailFrom(from, recordsMax)
    if (chunks.length === 0) {
      const body: ReadBody = { partition: log.id, from, recordsMax, bytesMax: busLimits.batchBytesMax }
      chunks = chunksOf(await this.#worker.ask<ReadResult>('read', body))
    }
    const pending: BusRecord[] = []
    for (const chunk of chunks) readChunk(chunk, log.topic, log.partition, from, pending)
    this.#pending = pending
    this.#taken = 0
    const last = chunks.at(-1)
    this.#position = last === undefined ? end : Math.max(from, last.base + last.count)
  }
}

function chunksOf({ meta, data }: ReadResult): Chunk[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const chunks: Chunk[] = []
  let at = 0
  for (let i = 0; i < meta.length; i += 4) {
    const length = meta[i + 3]!
    chunks.push({
      base: meta[i]!,
      count: meta[i + 1]!,
      appendedMs: meta[i + 2]!,
      data: bytes.subarray(at, at + length),
    })
    at += length
  }
  return chunks
}
