/**
 * Reads events from a file, streaming: one JSON object a line, an array of them, or objects one after the other; compressed with
 * gzip or zstd or not; `-` is standard input.
 *
 * Promises: events are numbered from 0: of a file with one object a line, the number is the line's; what is not a JSON object
 * is reported and passed over. Memory holds one chunk and one event, whatever the file's length.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { describeError } from '../../core/errors.ts'
import type { EventTree } from '../../engine/sigma/types.ts'
import { sniff } from '../../services/collect/sniff.ts'
import { RecordSplitter, type Unit } from '../../services/collect/splitter.ts'
import { CliError, exitCodes } from '../exit.ts'

export interface EventsFile {
  readonly path: string
  /** Bytes read so far of the file as it lies on the disk, and all of them. */
  readonly onProgress?: (bytesRead: number, bytesTotal: number) => void
  readonly onEvent: (event: EventTree, number: number) => void
  readonly onBroken: (number: number, problem: string) => void
  /** Takes the text of files with one event a line in `onEvent`'s stead. */
  readonly lines?: { write(text: string): void; end(): void }
  /** Called between chunks: who writes much waits here until it is written. */
  readonly pause?: () => Promise<void> | undefined
}

const headBytes = 64 * 1024
const newline = 0x0a

export async function readEventsFile(file: EventsFile): Promise<void> {
  // Looked at first: a stream of a file that is not there fails by itself, with nobody listening yet.
  const { size, magic } = file.path === '-' ? { size: 0, magic: 'none' } : await look(file.path)
  const raw = file.path === '-' ? process.stdin : createReadStream(file.path, { highWaterMark: 1 << 20 })
  const stream: Readable = magic === 'none' ? raw : raw.pipe(magic === 'gzip' ? createGunzip() : createZstdDecompress())
  raw.on('error', (error: Error) => stream.destroy(error))
  const reader = new EventReader(file)
  let read = 0
  raw.on('data', (chunk: Buffer) => (read += chunk.length))
  try {
    for await (const chunk of stream) {
      reader.push(chunk as Buffer)
      file.onProgress?.(read, size)
      await file.pause?.()
    }
  } catch (error) {
    const message = `${file.path} can't be read: ${describeError(error)}`
    throw new CliError(exitCodes.failure, 'FILE_UNREADABLE', message, { cause: error })
  }
  reader.end()
}

async function look(path: string): Promise<{ readonly size: number; readonly magic: 'none' | 'gzip' | 'zstd' }> {
  try {
    const handle = await open(path, 'r')
    try {
      const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0)
      const { size } = await handle.stat()
      const magic = buffer[0] === 0x1f && buffer[1] === 0x8b ? 'gzip' : 'none'
      return { size, magic: buffer.readUInt32BE() === 0x28b52ffd ? 'zstd' : magic }
    } finally {
      await handle.close()
    }
  } catch (error) {
    const message = `${path} can't be read: ${describeError(error)}`
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', message, { cause: error })
  }
}

class EventReader {
  readonly #file: EventsFile
  #head: Buffer | undefined = Buffer.alloc(0)
  #splitter: RecordSplitter | undefined
  /** Of a line that goes on in the next chunk. */
  #parts: Buffer[] = []
  #number = 0
  readonly #decoder = new TextDecoder()

  constructor(file: EventsFile) {
    this.#file = file
  }

  push(chunk: Buffer): void {
    if (this.#head === undefined) return this.#feed(chunk)
    this.#head = Buffer.concat([this.#head, chunk])
    if (this.#head.length >= headBytes) this.#begin(false)
  }

  end(): void {
    if (this.#head !== undefined) this.#begin(true)
    const { lines } = this.#file
    if (this.#splitter !== undefined) this.#take(this.#splitter.end())
    else if (lines !== undefined) {
      lines.write(this.#decoder.decode())
      lines.end()
    } else if (this.#parts.length > 0) this.#line(Buffer.concat(this.#parts))
  }

  #begin(complete: boolean): void {
    const head = this.#head!
    this.#head = undefined
    if (sniff(head, complete) === 'values') this.#splitter = new RecordSplitter({ mode: 'values' })
    this.#feed(head)
  }

  #feed(chunk: Buffer): void {
    if (this.#splitter !== undefined) return this.#take(this.#splitter.push(chunk))
    if (this.#file.lines !== undefined) return this.#file.lines.write(this.#decoder.decode(chunk, { stream: true }))
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, end)
      this.#line(this.#parts.length === 0 ? rest : Buffer.concat([...this.#parts.splice(0), rest]))
      from = end + 1
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from))
  }

  #line(bytes: Buffer): void {
    const text = bytes.toString('utf8')
    if (text.trim() === '') this.#number++
    else this.#one(text)
  }

  #take(units: readonly Unit[]): void {
    for (const { bytes, whole } of units) {
      if (whole === undefined) this.#one(bytes.toString('utf8'))
      else this.#file.onBroken(this.#number++, `It is longer than can be read: ${whole.bytes} bytes.`)
    }
  }

  #one(text: string): void {
    const number = this.#number++
    let value: unknown
    try {
      value = JSON.parse(number === 0 && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
    } catch {
      return this.#file.onBroken(number, 'It is not JSON.')
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      this.#file.onEvent(value as EventTree, number)
    } else this.#file.onBroken(number, 'An event is a JSON object.')
  }
}
