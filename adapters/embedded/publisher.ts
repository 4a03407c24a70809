/**
 * Gathers what is published at the same time into one transaction after the other.
 *
 * While the worker commits one transaction, everything that arrives waits for the next: a lone record goes at once, a
 * flood goes in thousands. Offsets are given out here, in the order of the calls.
 *
 * Promises: a job resolves after its commit; its records are in one transaction (fenced) or in a few in order, and once
 * one of those fails, none of the later ones is tried; nothing of a transaction that failed is ever seen.
 */
import { BusUnavailableError, FencedError } from '../../core/errors.ts'
import type { AppendBody, StoredOffset } from './bus-store.ts'
import type { WorkerClient } from './client.ts'
import { busLimits } from './config.ts'
import { writeFrame, type Chunk, type Frame } from './encode.ts'
import type { PartitionLog, TailBudget } from './partition-log.ts'

/** One record on its way, with the log that it goes to. */
export interface Outbound {
  readonly log: PartitionLog
  readonly frame: Frame
  /** A chunk of its own, found by key. */
  readonly compacted: boolean
}

interface Job {
  readonly records: readonly Outbound[]
  readonly bytes: number
  readonly offsets: readonly StoredOffset[]
  /** Asked right before it is sent. */
  readonly allowed: (() => boolean) | undefined
  /** An earlier part of the same call; if that failed, this one is not tried. */
  readonly after: { failed: boolean }
  resolve(): void
  reject(error: unknown): void
}

/** One partition's share of a transaction. */
interface Share {
  readonly log: PartitionLog
  readonly records: Outbound[]
}

export class Publisher {
  readonly #worker: WorkerClient
  readonly #tails: TailBudget
  readonly #nowMs: () => number
  readonly #queue: Job[] = []
  #waitingBytes = 0
  #pumping: Promise<void> | undefined
  #sending: Promise<void> | undefined

  constructor(worker: WorkerClient, tails: TailBudget, nowMs: () => number) {
    this.#worker = worker
    this.#tails = tails
    this.#nowMs = nowMs
  }

  /** Resolves when all is committed. `allowed` makes it one transaction, refused with FencedError where it says no. */
  async publish(records: readonly Outbound[], allowed?: () => boolean): Promise<void> {
    const parts = allowed === undefined ? split(records) : [records]
    const after = { failed: false }
    await Promise.all(parts.map((part) => this.#enqueue(part, [], after, allowed)))
  }

  /** Stores groups' offsets, with whatever transaction goes next. */
  async commitOffsets(offsets: readonly StoredOffset[]): Promise<void> {
    await this.#enqueue([], offsets, { failed: false }, undefined)
  }

  /** Resolves when the transaction that is under way has ended; what has not been sent by then asks `allowed` first. */
  async sent(): Promise<void> {
    await this.#sending
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#pumping
  }

  #enqueue(
    records: readonly Outbound[],
    offsets: readonly StoredOffset[],
    after: Job['after'],
    allowed: Job['allowed'],
  ): Promise<void> {
    let bytes = 0
    for (const { frame } of records) bytes += frame.bytes
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > busLimits.waitingBytesMax) {
      after.failed = true
      const message = `More than ${busLimits.waitingBytesMax} bytes wait to be written to the bus.`
      return Promise.reject(
        new BusUnavailableError(message, { hint: 'Publish less at a time, or wait for its answer.' }),
      )
    }
    this.#waitingBytes += bytes
    const settled = new Promise<void>((resolve, reject) =>
      this.#queue.push({ records, bytes, offsets, allowed, after, resolve, reject }),
    )
    this.#pumping ??= this.#pump()
    return settled
  }

  async #pump(): Promise<void> {
    // Calls of the same turn of the event loop join the first transaction.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const jobs = this.#take()
      if (jobs.length === 0) continue
      this.#sending = this.#send(jobs)
      await this.#sending
    }
    this.#sending = undefined
    this.#pumping = undefined
  }

  #take(): readonly Job[] {
    const jobs: Job[] = []
    let bytes = 0
    let records = 0
    let taken = 0
    for (const job of this.#queue) {
      const fits =
        bytes + job.bytes <= busLimits.transactionBytesMax &&
        records + job.records.length <= busLimits.transactionRecordsMax
      if (!fits && jobs.length > 0) break
      taken++
      this.#waitingBytes -= job.bytes
      if (job.after.failed) job.reject(new BusUnavailableError('An earlier part of the same call was not written.'))
      else if (job.allowed?.() === false) job.reject(new FencedError('Another holder took the name of this producer.'))
      else {
        jobs.push(job)
        bytes += job.bytes
        records += job.records.length
      }
    }
    this.#queue.splice(0, taken)
    return jobs
  }

  async #send(jobs: readonly Job[]): Promise<void> {
    const shares = sharesOf(jobs)
    let chunks: readonly (readonly Chunk[])[]
    try {
      const encoded = encode(shares, Math.trunc(this.#nowMs()), jobs)
      chunks = encoded.chunks
      await this.#worker.ask('append', encoded.body)
    } catch (error) {
      for (const job of jobs) {
        job.after.failed = true
        job.reject(error)
      }
      return
    }
    for (const job of jobs) job.resolve()
    for (const [i, { log, records }] of shares.entries()) {
      log.grow(chunks[i]!, log.high + records.length)
      for (const chunk of chunks[i]!) this.#tails.add(log, chunk.data.length)
    }
  }
}

/** Cuts a large call into parts of one transaction each. */
function split(records: readonly Outbound[]): readonly (readonly Outbound[])[] {
  const parts: Outbound[][] = []
  let part: Outbound[] = []
  let bytes = 0
  for (const record of records) {
    const full =
      bytes + record.frame.bytes > busLimits.transactionBytesMax || part.length >= busLimits.transactionRecordsMax
    if (full && part.length > 0) {
      parts.push(part)
      part = []
      bytes = 0
    }
    part.push(record)
    bytes += record.frame.bytes
  }
  parts.push(part)
  return parts
}

function sharesOf(jobs: readonly Job[]): readonly Share[] {
  const shares = new Map<number, Share>()
  for (const job of jobs) {
    for (const record of job.records) {
      const share = shares.get(record.log.id)
      if (share === undefined) shares.set(record.log.id, { log: record.log, records: [record] })
      else share.records.push(record)
    }
  }
  return [...shares.values()]
}

/** Lays all frames out in one buffer, and says which bytes make which chunk. */
function encode(
  shares: readonly Share[],
  appendedMs: number,
  jobs: readonly Job[],
): { readonly body: AppendBody; readonly chunks: readonly (readonly Chunk[])[] } {
  let total = 0
  for (const job of jobs) total += job.bytes
  // Not from Buffer's shared pool: the whole buffer is copied to the worker.
  const data = Buffer.from(new ArrayBuffer(total))
  const meta: number[] = []
  const chunks: Chunk[][] = []
  let at = 0
  for (const { log, records } of shares) {
    const own: Chunk[] = []
    let next = log.high
    let i = 0
    while (i < records.length) {
      const start = at
      const base = next
      const { compacted, frame: first } = records[i]!
      const end = endOfChunk(records, i)
      for (; i < end; i++, next++) at = writeFrame(data, at, records[i]!.frame)
      const tombstone = compacted && first.value === null ? 1 : 0
      meta.push(log.id, base, next - base, start, at - start, compacted ? 1 : 0, tombstone)
      own.push({ base, count: next - base, appendedMs, data: data.subarray(start, at) })
    }
    chunks.push(own)
  }
  const offsets = jobs.flatMap((job) => job.offsets)
  return { body: { meta: Float64Array.from(meta), data, appendedMs, offsets }, chunks }
}

/** Where the chunk that starts with the `from`-th record ends. */
function endOfChunk(records: readonly Outbound[], from: number): number {
  if (records[from]!.compacted) return from + 1
  let bytes = 0
  let end = from
  while (end < records.length && end - from < busLimits.chunkRecordsMax) {
    bytes += records[end]!.frame.bytes
    if (bytes > busLimits.chunkBytesMax && end > from) break
    end++
  }
  return end
}
