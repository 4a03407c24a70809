/**
 * A file as parsers of model files see it: bytes at offsets, never the whole. What reads the disk stands in cli.
 */
import { WardenError } from '../../core/errors.ts'

export interface ByteSource {
  readonly size: number
  /** Exactly `length` bytes from `offset`; both lie within the file. */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** A model file is none, or not whole, or lies about itself. Never retried. */
export class ModelFileError extends WardenError {
  override readonly code = 'MODEL_FILE_INVALID'
  override readonly retryable = false
}

const bufferBytes = 64 * 1024

/** Reads forward through a small buffer. Every read is checked against the end of what may be read. */
export class Cursor {
  readonly #source: ByteSource
  readonly #end: number
  readonly #what: string
  #at: number
  #buffer: Uint8Array = new Uint8Array(0)
  #bufferAt = 0

  constructor(source: ByteSource, what: string, at = 0, end = source.size) {
    this.#source = source
    this.#what = what
    this.#at = at
    this.#end = end
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#end - this.#at
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  skip(bytes: number): void {
    this.#check(bytes)
    this.#at += bytes
  }

  async bytes(length: number): Promise<Uint8Array> {
    this.#check(length)
    if (length > bufferBytes) {
      const large = await this.#source.read(this.#at, length)
      this.#at += length
      return large
    }
    const from = this.#at - this.#bufferAt
    if (from < 0 || from + length > this.#buffer.length) {
      this.#bufferAt = this.#at
      this.#buffer = await this.#source.read(this.#at, Math.min(bufferBytes, this.#end - this.#at))
    }
    const start = this.#at - this.#bufferAt
    this.#at += length
    return this.#buffer.subarray(start, start + length)
  }

  async u8(): Promise<number> {
    return (await this.bytes(1))[0]!
  }

  async u32(): Promise<number> {
    return viewOf(await this.bytes(4)).getUint32(0, true)
  }

  /** Refuses what a number can't hold exactly. */
  async u64(): Promise<number> {
    const value = Number(viewOf(await this.bytes(8)).getBigUint64(0, true))
    if (value > Number.MAX_SAFE_INTEGER) throw this.invalid(`a length of ${value} at byte ${this.#at - 8}`)
    return value
  }

  /** A base-128 number as protobuf has it. */
  async varint(): Promise<number> {
    let value = 0
    for (let shift = 0; shift < 10; shift++) {
      const byte = await this.u8()
      value += (byte & 0x7f) * 2 ** (7 * shift)
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw this.invalid(`a number of ${value} at byte ${this.#at}`)
        return value
      }
    }
    throw this.invalid(`a number without an end at byte ${this.#at}`)
  }

  invalid(what: string): ModelFileError {
    return new ModelFileError(`The ${this.#what} file has ${what}.`, { hint: 'It may be cut short, or no such file.' })
  }

  #check(bytes: number): void {
    if (bytes < 0 || this.#at + bytes > this.#end) {
      throw this.invalid(`a part of ${bytes} bytes at byte ${this.#at}, which is past its end (${this.#end})`)
    }
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
