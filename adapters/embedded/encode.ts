/**
 * How records stand in the bus's file: runs of frames, one after the other.
 *
 * A frame is four little-endian 32-bit numbers (length of the key + 1 with 0 for none, length of the headers' JSON, length
 * of the value + 1 with 0 for a tombstone, and how many bytes all three take), then key, headers and value. The same
 * bytes go to the worker, into the file, to the tail kept in memory, and from there to readers.
 *
 * Promises: what was written is read back byte for byte, header names like `__proto__` included; bytes that are no frames
 * are refused with an error, never read past.
 */
import type { BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { DataCorruptedError } from './errors.ts'

export const frameHeadBytes = 16

/** A record measured for encoding. */
export interface Frame {
  readonly key: string | undefined
  readonly keyBytes: number
  readonly headers: string
  readonly headersBytes: number
  readonly value: string | Uint8Array | null
  readonly valueBytes: number
  /** Head included. */
  readonly bytes: number
}

/** Frames that follow each other in one partition: offsets are dense from `base`. */
export interface Chunk {
  readonly base: number
  readonly count: number
  readonly appendedMs: number
  readonly data: Buffer
}

/** Measures a record. */
export function frameOf(record: OutgoingRecord): Frame {
  const { key, value } = record
  const headers = headersText(record.headers)
  const keyBytes = key === undefined ? 0 : Buffer.byteLength(key)
  const headersBytes = headers === '' ? 0 : Buffer.byteLength(headers)
  const valueBytes = value === null ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength
  const bytes = frameHeadBytes + keyBytes + headersBytes + valueBytes
  return { key, keyBytes, headers, headersBytes, value, valueBytes, bytes }
}

/** Writes a frame and returns where it ended. `into` must have room for `frame.bytes`. */
export function writeFrame(into: Buffer, at: number, frame: Frame): number {
  into.writeUInt32LE(frame.key === undefined ? 0 : frame.keyBytes + 1, at)
  into.writeUInt32LE(frame.headersBytes, at + 4)
  into.writeUInt32LE(frame.value === null ? 0 : frame.valueBytes + 1, at + 8)
  into.writeUInt32LE(frame.bytes - frameHeadBytes, at + 12)
  let to = at + frameHeadBytes
  if (frame.keyBytes > 0) into.write(frame.key!, to, 'utf8')
  to += frame.keyBytes
  if (frame.headersBytes > 0) into.write(frame.headers, to, 'utf8')
  to += frame.headersBytes
  if (typeof frame.value === 'string') into.write(frame.value, to, 'utf8')
  else if (frame.value !== null) into.set(frame.value, to)
  return to + frame.valueBytes
}

/** Where the key of the frame at `at` stands; undefined where it has none. For the worker, which compacts by key. */
export function keyOfFrame(data: Uint8Array, at: number): Uint8Array | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const length = view.getUint32(at, true)
  return length === 0 ? undefined : data.subarray(at + frameHeadBytes, at + frameHeadBytes + length - 1)
}

/** Reads the records of a chunk from an offset on, appending them to `into`. Values are views: not to be written to. */
export function readChunk(chunk: Chunk, topic: string, partition: number, from: number, into: BusRecord[]): void {
  const { data, appendedMs } = chunk
  let at = 0
  for (let i = 0; i < chunk.count; i++) {
    if (at + frameHeadBytes > data.length) throw torn(topic, partition, chunk.base + i)
    const keyLength = data.readUInt32LE(at)
    const headersBytes = data.readUInt32LE(at + 4)
    const valueLength = data.readUInt32LE(at + 8)
    const end = at + frameHeadBytes + data.readUInt32LE(at + 12)
    const keyStart = at + frameHeadBytes
    const headersStart = keyStart + Math.max(0, keyLength - 1)
    const valueStart = headersStart + headersBytes
    if (end > data.length || valueStart + Math.max(0, valueLength - 1) !== end) {
      throw torn(topic, partition, chunk.base + i)
    }
    at = end
    const offset = chunk.base + i
    if (offset < from) continue
    into.push({
      topic,
      partition,
      offset,
      key: keyLength === 0 ? undefined : keyLength === 1 ? '' : data.toString('utf8', keyStart, headersStart),
      value: valueLength === 0 ? null : data.subarray(valueStart, end),
      headers: headersBytes === 0 ? {} : headersFrom(data.toString('utf8', headersStart, valueStart)),
      appendedMs,
    })
  }
}

/** JSON keeps every name, `__proto__` included, and every character. */
function headersText(headers: OutgoingRecord['headers']): string {
  return headers === undefined || Object.keys(headers).length === 0 ? '' : JSON.stringify(headers)
}

function headersFrom(text: string): Record<string, string> {
  return JSON.parse(text) as Record<string, string>
}

function torn(topic: string, partition: number, offset: number): DataCorruptedError {
  return new DataCorruptedError(`A record of ${topic} does not end where it should: the bus's file is damaged.`, {
    place: { topic, partition, offset },
  })
}
