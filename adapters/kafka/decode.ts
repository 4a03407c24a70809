/**
 * Record batches as records: https://kafka.apache.org/documentation/#recordbatch (message format 2).
 *
 * Stands between the answer to a fetch and whoever reads. Pure: bytes in, records out.
 *
 * Promises: control markers and the records of aborted transactions are never shown; a batch that can't be read (its
 * checksum is wrong, it doesn't unfold, its records are not records) becomes one record with the header
 * `w-bad-encoding` and the raw bytes, and reading goes on behind it; any bytes end in records or in nothing, never in a
 * throw.
 */
import type { BusRecord } from '../../core/ports/bus.ts'
import { headers as headerNames } from '../../core/topics.ts'
import { codecNames, inflate } from './codecs.ts'
import { crc32c } from './crc32c.ts'
import { WireReader } from './wire.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface DecodeOptions {
  readonly topic: string
  readonly partition: number
  /** Records below are left out: a batch is sent whole, however far into it the reader asked. */
  readonly from: number
  readonly aborted: readonly AbortedTransaction[]
  /** Whether records of transactions that were aborted are hidden. */
  readonly committed: boolean
  readonly inflatedBytesMax: number
}

export interface DecodedRecords {
  readonly records: BusRecord[]
  /** Where to read on: behind the last whole batch, its holes included. */
  readonly nextOffset: number
  /** Bytes of whole batches taken. */
  readonly bytes: number
}

const lengthFieldsBytes = 12
const headerBytes = 61
const logAppendTimeFlag = 0x08
const transactionalFlag = 0x10
const controlFlag = 0x20
const codecMask = 0x07
const abortMarkerType = 0

interface Batch {
  readonly bytes: Buffer
  readonly baseOffset: number
  readonly lastOffset: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly count: number
}

export function decodeRecords(set: Buffer, options: DecodeOptions): DecodedRecords {
  const records: BusRecord[] = []
  const hidden = new AbortedTracker(options.committed ? options.aborted : [])
  let nextOffset = options.from
  let at = 0
  while (set.length - at >= lengthFieldsBytes) {
    const length = set.readInt32BE(at + 8)
    const end = at + lengthFieldsBytes + length
    // A fetch is cut at a byte limit: its last batch may be half there and comes again whole.
    if (length < 0 || end > set.length) break
    const bytes = set.subarray(at, end)
    at = end
    const batch = readHeader(bytes)
    nextOffset = Math.max(nextOffset, batch.lastOffset + 1)
    if (hidden.hides(batch) || batch.lastOffset < options.from) continue
    readBatch(batch, options, records)
  }
  return { records, nextOffset, bytes: at }
}

/** A batch older than format 2, or too short for its own header, keeps its offset and nothing else. */
function readHeader(bytes: Buffer): Batch {
  const baseOffset = Number(bytes.readBigInt64BE(0))
  if (bytes.length < headerBytes || bytes[16] !== 2) {
    return {
      bytes,
      baseOffset,
      lastOffset: baseOffset,
      attributes: -1,
      baseTimestamp: 0,
      maxTimestamp: 0,
      producerId: -1,
      count: 0,
    }
  }
  return {
    bytes,
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(23),
    attributes: bytes.readInt16BE(21),
    baseTimestamp: Number(bytes.readBigInt64BE(27)),
    maxTimestamp: Number(bytes.readBigInt64BE(35)),
    producerId: Number(bytes.readBigInt64BE(43)),
    count: bytes.readInt32BE(57),
  }
}

function readBatch(batch: Batch, options: DecodeOptions, records: BusRecord[]): void {
  const before = records.length
  if (batch.attributes < 0) {
    records.push(unreadable(batch, options, 'format'))
    return
  }
  if (crc32c(batch.bytes, 21) !== batch.bytes.readUInt32BE(17)) {
    records.push(unreadable(batch, options, 'crc'))
    return
  }
  const codec = codecNames[batch.attributes & codecMask]
  let body: Buffer
  try {
    if (codec === undefined) throw new Error('no such codec')
    body = inflate(codec, batch.bytes.subarray(headerBytes), options.inflatedBytesMax)
  } catch {
    records.push(unreadable(batch, options, codec ?? `codec-${batch.attributes & codecMask}`))
    return
  }
  try {
    readRecords(batch, body, options, records)
  } catch {
    // All or nothing: half a batch would be taken twice when it is read again.
    records.length = before
    records.push(unreadable(batch, options, codec === 'none' || codec === undefined ? 'records' : codec))
  }
}

function readRecords(batch: Batch, body: Buffer, options: DecodeOptions, records: BusRecord[]): void {
  const { topic, partition, from } = options
  const reader = new WireReader(body)
  const logAppendTime = (batch.attributes & logAppendTimeFlag) !== 0
  for (let index = 0; index < batch.count; index += 1) {
    const length = reader.varint()
    const end = reader.position + length
    if (length < 0 || end > reader.end) throw new RangeError('a record is longer than its batch')
    reader.skip(1)
    const timestampDelta = logAppendTime ? (reader.skipVarlong(), 0) : readVarlong(reader)
    const offset = batch.baseOffset + reader.varint()
    const keyBytes = reader.varint()
    const key = keyBytes < 0 ? undefined : reader.text(keyBytes)
    const valueBytes = reader.varint()
    const value = valueBytes < 0 ? null : reader.bytes(valueBytes)
    const headers = readHeaders(reader)
    if (reader.position !== end) throw new RangeError('a record is not as long as it says')
    if (offset < from) continue
    const appendedMs = logAppendTime ? batch.maxTimestamp : batch.baseTimestamp + timestampDelta
    records.push({ topic, partition, offset, key, value, headers, appendedMs })
  }
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

function readHeaders(reader: WireReader): Readonly<Record<string, string>> {
  const count = reader.varint()
  if (count === 0) return noHeaders
  if (count < 0 || count > reader.left) throw new RangeError('more headers than bytes')
  const headers: Record<string, string> = {}
  for (let index = 0; index < count; index += 1) {
    const name = reader.text(reader.varint())
    const bytes = reader.varint()
    const content = bytes < 0 ? '' : reader.text(bytes)
    if (name === '__proto__')
      Object.defineProperty(headers, name, { value: content, enumerable: true, configurable: true })
    else headers[name] = content
  }
  return headers
}

/** Timestamps may lie further apart than 32 bits of milliseconds tell. */
function readVarlong(reader: WireReader): number {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.int8()
    value |= BigInt(byte & 0x7f) << shift
    if (byte >= 0) return Number((value >> 1n) ^ -(value & 1n))
  }
  throw new RangeError('a varint is longer than 64 bits')
}

function unreadable(batch: Batch, options: DecodeOptions, what: string): BusRecord {
  return {
    topic: options.topic,
    partition: options.partition,
    // Its last offset: who has taken it reads on behind the whole batch.
    offset: batch.lastOffset,
    key: undefined,
    value: batch.bytes.subarray(batch.attributes < 0 ? 0 : headerBytes),
    headers: {
      [headerNames.badEncoding]: what,
      [headerNames.badEncodingRecords]: String(Math.max(1, batch.count)),
    },
    appendedMs: batch.maxTimestamp,
  }
}

/**
 * Follows which producers' transactions are being aborted at a place in the log: the broker names their first offsets,
 * the log itself has the marker that ends each.
 */
class AbortedTracker {
  readonly #waiting: AbortedTransaction[]
  readonly #aborting = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = aborted.toSorted((a, b) => b.firstOffset - a.firstOffset)
  }

  hides(batch: Batch): boolean {
    for (let next = this.#waiting.at(-1); next !== undefined && next.firstOffset <= batch.lastOffset;) {
      this.#aborting.add(next.producerId)
      this.#waiting.pop()
      next = this.#waiting.at(-1)
    }
    if (batch.attributes < 0) return false
    if ((batch.attributes & controlFlag) !== 0) {
      if (markerType(batch) === abortMarkerType) this.#aborting.delete(batch.producerId)
      return true
    }
    return (batch.attributes & transactionalFlag) !== 0 && this.#aborting.has(batch.producerId)
  }
}

/** A control record's key: version, then type (0 abort, 1 commit). */
function markerType(batch: Batch): number {
  try {
    const reader = new WireReader(batch.bytes, headerBytes)
    reader.varint()
    reader.skip(1)
    reader.skipVarlong()
    reader.varint()
    reader.varint()
    reader.skip(2)
    return reader.int16()
  } catch {
    return -1
  }
}
