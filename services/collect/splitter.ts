/**
 * Splits a stream of bytes into records: an object, an array, `{"Records": […]}`, objects one after the other (pretty-printed
 * or not), or one a line.
 *
 * Holds one record at a time, whatever the stream's length. Promises: records come out byte for byte as they went in, each
 * with the offset and line where it began; a record longer than `recordBytesMax` comes out as its beginning with its
 * length and digest, and the next is found; in a stream of lines a broken line costs that line alone.
 */
import { createHash, type Hash } from 'node:crypto'
import { limits } from '../../core/limits.ts'
import { sniff } from './sniff.ts'

export interface Unit {
  readonly bytes: Buffer
  /** Byte offset in the (decompressed) stream. */
  readonly offset: number
  /** From 1. */
  readonly line: number
  /** Of a record too long to hold: `bytes` is its beginning. */
  readonly whole: { readonly bytes: number; readonly sha256: string } | undefined
}

export interface SplitterOptions {
  /** `auto` looks at the beginning. */
  readonly mode?: 'auto' | 'lines' | 'values'
  /** The key whose array of an envelope holds the records. */
  readonly recordsKey?: string | undefined
  readonly recordBytesMax?: number
}

/** Longest record or line held: an envelope on one line may be longer than a record. */
const heldBytesMax = 16 * 1024 * 1024
/** What is looked at to tell lines from other forms. */
const headBytes = 64 * 1024

const newline = 0x0a
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openArray = 0x5b
const backslash = 0x5c
const closeArray = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

export class RecordSplitter {
  readonly #options: SplitterOptions
  readonly #max: number
  #mode: 'lines' | 'values' | undefined
  #head: Buffer | undefined = Buffer.alloc(0)
  #offset = 0
  #line = 1
  #units: Unit[] = []
  // The record under way.
  #parts: Buffer[] = []
  #length = 0
  #hash: Hash | undefined
  #unitOffset = 0
  #unitLine = 1
  #inUnit = false
  // Values, not lines: where in the structure.
  #around: 'top' | 'array' | 'envelope' | 'tail' = 'top'
  #kind: 'container' | 'text' | 'scalar' | 'garbage' = 'container'
  #inString = false
  #escaped = false
  /** Containers open within the record under way, or within an envelope's tail. */
  #depth = 0
  /** Progress towards `"Records" : [`; the bytes of a text that may be that key. */
  #step: 'none' | 'key' | 'colon' = 'none'
  #key = ''

  constructor(options: SplitterOptions = {}) {
    this.#options = options
    this.#max = options.recordBytesMax ?? heldBytesMax
  }

  /** The records that end in this chunk. */
  push(chunk: Buffer): readonly Unit[] {
    if (this.#head === undefined) this.#scan(chunk)
    else {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      if (this.#head.length >= headBytes) this.#begin(false)
    }
    return this.#take()
  }

  /** What was still under way. */
  end(): readonly Unit[] {
    if (this.#head !== undefined) this.#begin(true)
    if (this.#inUnit) this.#finish()
    return this.#take()
  }

  #take(): readonly Unit[] {
    const units = this.#units
    if (units.length > 0) this.#units = []
    return units
  }

  #begin(complete: boolean): void {
    let head = this.#head!
    this.#head = undefined
    if (head.length >= 3 && head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) {
      head = head.subarray(3)
      this.#offset = 3
    }
    const { mode = 'auto' } = this.#options
    this.#mode = mode === 'auto' ? sniff(head, complete) : mode
    this.#scan(head)
  }

  #scan(chunk: Buffer): void {
    if (this.#mode === 'lines') this.#scanLines(chunk)
    else this.#scanValues(chunk)
    this.#offset += chunk.length
  }

  #scanLines(chunk: Buffer): void {
    let from = 0
    while (from < chunk.length) {
      if (!this.#inUnit) from = this.#passBlankLines(chunk, from)
      if (from === chunk.length) return
      const end = chunk.indexOf(newline, from)
      const part = chunk.subarray(from, end < 0 ? chunk.length : end)
      if (!this.#inUnit) this.#start(from)
      this.#append(part)
      if (end < 0) return
      this.#finish()
      this.#line++
      from = end + 1
    }
  }

  /** Where the first line from here on begins that has something in it: a body may have millions that don't. */
  #passBlankLines(chunk: Buffer, from: number): number {
    let begin = from
    for (let at = from; at < chunk.length && isSpace(chunk[at]!); at++) {
      if (chunk[at] !== newline) continue
      this.#line++
      begin = at + 1
    }
    return begin
  }

  #scanValues(chunk: Buffer): void {
    // Where in this chunk the record under way goes on.
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte === newline) this.#line++
      if (this.#inString) {
        if (!this.#endsText(byte)) continue
        if (this.#inUnit && this.#kind === 'text') this.#finishAt(chunk, from, at + 1)
      } else if (this.#inUnit) {
        if (this.#endsBefore(byte)) {
          this.#finishAt(chunk, from, at)
          at -= byte === newline ? 0 : 1
        } else if (this.#kind === 'container' && this.#follow(byte)) this.#finishAt(chunk, from, at + 1)
      } else if (this.#around === 'tail') {
        if (this.#follow(byte)) this.#around = 'top'
      } else if (this.#begins(byte)) {
        this.#start(at)
        from = at
        if (this.#kind === 'container') this.#follow(byte)
        else if (this.#kind === 'text') this.#inString = true
      }
    }
    if (this.#inUnit) this.#append(chunk.subarray(from))
  }

  /** Within a text; true on its last byte. */
  #endsText(byte: number): boolean {
    if (this.#escaped) this.#escaped = false
    else if (byte === backslash) this.#escaped = true
    else if (byte === quote) {
      this.#inString = false
      this.#step = this.#watching() && this.#key === this.#options.recordsKey ? 'key' : 'none'
      return true
    }
    if (this.#watching() && this.#key.length < 64) this.#key += String.fromCharCode(byte)
    return false
  }

  /** Whether a key here may be that of an envelope's records. */
  #watching(): boolean {
    return this.#inUnit && this.#around === 'top' && this.#depth === 1 && this.#options.recordsKey !== undefined
  }

  /** Whether a record without brackets or quotes ends before this byte. */
  #endsBefore(byte: number): boolean {
    if (this.#kind === 'garbage') return byte === newline
    if (this.#kind !== 'scalar') return false
    return isSpace(byte) || byte === comma || byte === closeArray || byte === closeObject
  }

  /** Follows brackets and texts; true where the outermost bracket closes. */
  #follow(byte: number): boolean {
    if (byte === quote) {
      this.#inString = true
      this.#key = ''
    } else if (byte === openObject || byte === openArray) {
      if (byte === openArray && this.#step === 'colon' && this.#watching()) {
        // The object is an envelope: what was gathered of it is no record.
        this.#forget()
        this.#around = 'envelope'
      } else this.#depth++
      this.#step = 'none'
    } else if (byte === closeObject || byte === closeArray) {
      this.#depth--
      this.#step = 'none'
      return this.#depth <= 0
    } else if (!isSpace(byte)) {
      this.#step = byte === colon && this.#step === 'key' ? 'colon' : 'none'
    }
    return false
  }

  /** Between records: whether this byte begins one, and of which kind. */
  #begins(byte: number): boolean {
    if (isSpace(byte) || byte === comma) return false
    if (this.#around === 'top' && byte === openArray) {
      this.#around = 'array'
      return false
    }
    if (this.#around !== 'top' && byte === closeArray) {
      // Of an envelope the other fields follow, and its closing bracket.
      this.#depth = this.#around === 'envelope' ? 1 : 0
      this.#around = this.#around === 'envelope' ? 'tail' : 'top'
      return false
    }
    this.#depth = 0
    if (byte === openObject || byte === openArray) this.#kind = 'container'
    else if (byte === quote) this.#kind = 'text'
    else this.#kind = byte === closeArray || byte === closeObject ? 'garbage' : 'scalar'
    return true
  }

  #finishAt(chunk: Buffer, from: number, end: number): void {
    this.#append(chunk.subarray(from, end))
    this.#finish()
  }

  #start(at: number): void {
    this.#inUnit = true
    this.#unitOffset = this.#offset + at
    this.#unitLine = this.#line
  }

  #append(part: Buffer): void {
    this.#length += part.length
    if (this.#length <= this.#max) {
      if (part.length > 0) this.#parts.push(part)
      return
    }
    if (this.#hash === undefined) {
      this.#hash = createHash('sha256')
      for (const held of this.#parts) this.#hash.update(held)
      this.#parts = [Buffer.concat(this.#parts).subarray(0, limits.deadLetterBytesMax)]
    }
    this.#hash.update(part)
  }

  #forget(): void {
    this.#inUnit = false
    this.#parts = []
    this.#length = 0
    this.#hash = undefined
  }

  #finish(): void {
    const [only, second] = this.#parts
    const bytes = second === undefined ? (only ?? Buffer.alloc(0)) : Buffer.concat(this.#parts)
    const whole = this.#hash === undefined ? undefined : { bytes: this.#length, sha256: this.#hash.digest('hex') }
    if (whole !== undefined || !isBlank(bytes)) {
      this.#units.push({ bytes, offset: this.#unitOffset, line: this.#unitLine, whole })
    }
    this.#forget()
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (!isSpace(byte)) return false
  return true
}
