/**
 * Takes a file's records in, streaming: constant memory, whatever the file's length.
 *
 * Compressed files (gzip, zstd) are known by their first bytes, not by their name. Positions are offsets in the decompressed
 * file under a fingerprint of its beginning: the same file under another name gives the same records.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { describeError } from '../../core/errors.ts'
import { sha256Hex } from '../../core/ids.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import type { Source } from '../../engine/sources/source.ts'
import { buildDeadLetter } from '../../runtime/dead-letters.ts'
import { headers } from '../../core/topics.ts'
import { Intake, type Rejection } from './intake.ts'
import { RecordSplitter, type Unit } from './splitter.ts'

export interface CollectFileOptions {
  readonly path: string
  readonly sources: ReadonlyMap<string, Source>
  readonly source: Source
  readonly hmacKey: Uint8Array
  /** Takes records, dead letters among them, in order; the file is read on when it has resolved. */
  readonly sink: (records: readonly OutgoingRecord[]) => Promise<void>
  readonly onProgress?: (progress: FileProgress) => void
  readonly signal?: AbortSignal
  readonly nowMs: () => number
}

export interface FileProgress {
  /** Of the file as it lies on the disk. */
  readonly bytesRead: number
  readonly bytesTotal: number
  readonly accepted: number
  readonly rejected: number
}

export interface FileResult extends FileProgress {
  /** The first of the rejections. */
  readonly rejections: readonly Rejection[]
}

const fingerprintBytes = 1_024
const sinkBytes = 1_000_000
const rejectionsKeptMax = 100

const magics: readonly { readonly bytes: readonly number[]; readonly open: (() => NodeJS.ReadWriteStream) | string }[] =
  [
    { bytes: [0x1f, 0x8b], open: () => createGunzip() },
    { bytes: [0x28, 0xb5, 0x2f, 0xfd], open: () => createZstdDecompress() },
    { bytes: [0x42, 0x5a, 0x68], open: 'bzip2' },
    { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], open: 'xz' },
    { bytes: [0x50, 0x4b, 0x03, 0x04], open: 'zip' },
  ]

/** Rejects with the system's error where the file can't be opened; whatever is in it ends as records and dead letters. */
export async function collectFile(options: CollectFileOptions): Promise<FileResult> {
  const { path, sink, signal } = options
  const beginning = await openFile(path)
  const raw = createReadStream(path, signal === undefined ? {} : { signal })
  const magic = magics.find(({ bytes }) => bytes.every((byte, index) => beginning.head[index] === byte))
  const run = new FileRun(options, beginning.bytesTotal, () => raw.bytesRead)
  if (typeof magic?.open === 'string') {
    raw.destroy()
    return run.refuse(`The file is compressed with ${magic.open}, which is not read.`)
  }
  const stream: Readable = magic === undefined ? raw : (raw.pipe(magic.open()) as unknown as Readable)
  raw.on('error', (error) => stream.destroy(error))
  try {
    for await (const chunk of stream) {
      run.push(chunk as Buffer)
      await run.deliver(sink, sinkBytes)
    }
  } catch (error) {
    if (signal?.aborted === true || magic === undefined) throw error
    await run.end(sink)
    return await run.refuse(`The file's compression is broken from here on: ${describeError(error)}.`)
  } finally {
    raw.destroy()
  }
  await run.end(sink)
  return run.result()
}

async function openFile(path: string): Promise<{ readonly head: Buffer; readonly bytesTotal: number }> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0)
    return { head: buffer.subarray(0, bytesRead), bytesTotal: size }
  } finally {
    await handle.close()
  }
}

class FileRun {
  readonly #options: CollectFileOptions
  readonly #bytesTotal: number
  readonly #bytesRead: () => number
  readonly #splitter: RecordSplitter
  readonly #rejections: Rejection[] = []
  #beginning: Buffer | undefined = Buffer.alloc(0)
  #waiting: Unit[] = []
  #intake: Intake | undefined
  #offset = 0
  #refused = 0

  constructor(options: CollectFileOptions, bytesTotal: number, bytesRead: () => number) {
    this.#options = options
    this.#bytesTotal = bytesTotal
    this.#bytesRead = bytesRead
    this.#splitter = new RecordSplitter({ recordsKey: options.source.recordsKey })
  }

  push(chunk: Buffer): void {
    if (this.#beginning !== undefined) {
      this.#beginning = Buffer.concat([this.#beginning, chunk.subarray(0, fingerprintBytes)])
      if (this.#beginning.length >= fingerprintBytes) this.#open()
    }
    this.#offset += chunk.length
    this.#take(this.#splitter.push(chunk))
  }

  /** The fingerprint is known: positions have their name. */
  #open(): Intake {
    const { sources, source, hmacKey, nowMs } = this.#options
    const fingerprint = sha256Hex((this.#beginning ?? Buffer.alloc(0)).subarray(0, fingerprintBytes)).slice(0, 32)
    this.#beginning = undefined
    this.#intake = new Intake({
      sources,
      door: source,
      hmacKey,
      origin: `file:${fingerprint}`,
      tenant: undefined,
      nowMs,
    })
    const waiting = this.#waiting
    this.#waiting = []
    this.#take(waiting)
    return this.#intake
  }

  #take(units: readonly Unit[]): void {
    if (this.#intake === undefined) this.#waiting.push(...units)
    else for (const unit of units) this.#intake.take(unit)
  }

  async deliver(sink: CollectFileOptions['sink'], atBytes: number): Promise<void> {
    if (this.#intake === undefined || this.#intake.pendingBytes < atBytes) return
    const { records, rejections } = this.#intake.takeOut()
    if (records.length > 0) await sink(records)
    this.#rejections.push(...rejections.slice(0, rejectionsKeptMax - this.#rejections.length))
    this.#options.onProgress?.(this.#progress())
  }

  async end(sink: CollectFileOptions['sink']): Promise<void> {
    this.#take(this.#splitter.end())
    if (this.#intake === undefined) this.#open()
    await this.deliver(sink, 0)
  }

  /** The rest of the file is one dead letter. */
  async refuse(message: string): Promise<FileResult> {
    const { source, sink, nowMs, path } = this.#options
    await sink([
      buildDeadLetter({
        stage: 'collect',
        code: 'BAD_ENCODING',
        message,
        hint: 'Decompress the file, or get it anew.',
        topic: `collect/file:${sha256Hex(path).slice(0, 32)}`,
        partition: 0,
        offset: this.#offset,
        value: null,
        headers: { [headers.source]: source.name },
        atMs: nowMs(),
      }),
    ])
    const index = (this.#intake?.accepted ?? 0) + (this.#intake?.rejected ?? 0)
    this.#rejections.push({ index, line: 0, code: 'BAD_ENCODING', message })
    this.#refused = 1
    return this.result()
  }

  #progress(): FileProgress {
    return {
      bytesRead: this.#bytesRead(),
      bytesTotal: this.#bytesTotal,
      accepted: this.#intake?.accepted ?? 0,
      rejected: (this.#intake?.rejected ?? 0) + this.#refused,
    }
  }

  result(): FileResult {
    return { ...this.#progress(), rejections: this.#rejections }
  }
}
