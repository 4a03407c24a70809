/**
 * Record batches and produce requests as bytes: https://kafka.apache.org/documentation/#recordbatch, Produce version 7.
 *
 * Stands between `publish` and the socket. Sizes are counted once when a record comes in, so batches can be cut by bytes
 * and written without growing a buffer.
 */
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { codecNames, deflate } from './codecs.ts'
import { crc32c } from './crc32c.ts'
import { rawRequest, type RawRequest } from './internals.ts'
import { varintSize, WireReader, WireWriter } from './wire.ts'

const produceApi = { key: 0, version: 7, name: 'Produce' } as const
export const batchHeaderBytes = 61
const crcFrom = 21
const transactionalFlag = 0x10

/** A record with its sizes counted. */
export interface CountedRecord {
  readonly key: string | undefined
  readonly value: string | Uint8Array | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Bytes of its parts, -1 for null. */
  readonly keyBytes: number
  readonly valueBytes: number
  readonly headersBytes: number
  /** What it takes in a batch, at most. */
  readonly bytes: number
}

const recordOverheadBytes = 16

export function countRecord(record: OutgoingRecord): CountedRecord {
  const { key, value } = record
  const headers = record.headers === undefined ? [] : Object.entries(record.headers)
  const keyBytes = key === undefined ? -1 : Buffer.byteLength(key)
  const valueBytes = value === null ? -1 : typeof value === 'string' ? Buffer.byteLength(value) : value.length
  let headersBytes = 0
  for (const [name, content] of headers)
    headersBytes += sized(Buffer.byteLength(name)) + sized(Buffer.byteLength(content))
  const bytes = recordOverheadBytes + Math.max(0, keyBytes) + Math.max(0, valueBytes) + headersBytes
  return { key, value, headers, keyBytes, valueBytes, headersBytes, bytes }
}

function sized(length: number): number {
  return varintSize(length) + length
}

function optional(length: number): number {
  return length < 0 ? 1 : sized(length)
}

export interface BatchIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
}

export function encodeBatch(
  records: readonly CountedRecord[],
  identity: BatchIdentity,
  compression: 'none' | 'gzip' | 'zstd',
  nowMs: number,
): Buffer {
  let size = batchHeaderBytes
  const lengths = records.map((record, index) => {
    const length =
      2 +
      varintSize(index) +
      optional(record.keyBytes) +
      optional(record.valueBytes) +
      varintSize(record.headers.length) +
      record.headersBytes
    size += varintSize(length) + length
    return length
  })
  const writer = new WireWriter(size)
  writer.position = batchHeaderBytes
  records.forEach((record, index) => {
    writeRecord(writer, record, index, lengths[index]!)
  })
  return seal(writer.done(), records.length, identity, compression, nowMs)
}

function writeRecord(writer: WireWriter, record: CountedRecord, index: number, length: number): void {
  writer.varint(length)
  writer.int8(0)
  writer.varint(0)
  writer.varint(index)
  writer.varint(record.keyBytes)
  if (record.key !== undefined) writer.utf8(record.key)
  writer.varint(record.valueBytes)
  if (typeof record.value === 'string') writer.utf8(record.value)
  else if (record.value !== null) writer.bytes(record.value)
  writer.varint(record.headers.length)
  for (const [name, content] of record.headers) {
    writer.varint(Buffer.byteLength(name))
    writer.utf8(name)
    writer.varint(Buffer.byteLength(content))
    writer.utf8(content)
  }
}

/** Compresses the records if asked, and writes the header before them. */
function seal(
  plain: Buffer,
  count: number,
  identity: BatchIdentity,
  compression: 'none' | 'gzip' | 'zstd',
  nowMs: number,
): Buffer {
  const body = compression === 'none' ? undefined : deflate(compression, plain.subarray(batchHeaderBytes))
  const batch = body === undefined ? plain : Buffer.concat([plain.subarray(0, batchHeaderBytes), body])
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(codecNames.indexOf(compression) | (identity.transactional ? transactionalFlag : 0), 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(BigInt(nowMs), 27)
  batch.writeBigInt64BE(BigInt(nowMs), 35)
  batch.writeBigInt64BE(BigInt(identity.producerId), 43)
  batch.writeInt16BE(identity.producerEpoch, 51)
  batch.writeInt32BE(identity.baseSequence, 53)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(crc32c(batch, crcFrom), 17)
  return batch
}

export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

export interface PartitionAck {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
}

export function produceRequest(
  batches: readonly PartitionBatch[],
  options: { readonly transactionalId: string | undefined; readonly timeoutMs: number },
): RawRequest<readonly PartitionAck[]> {
  const byTopic = Map.groupBy(batches, (each) => each.topic)
  let size = 2 + Buffer.byteLength(options.transactionalId ?? '') + 2 + 4 + 4
  for (const [topic, ofTopic] of byTopic) {
    size += 2 + Buffer.byteLength(topic) + 4
    for (const { batch } of ofTopic) size += 8 + batch.length
  }
  const writer = new WireWriter(size)
  if (options.transactionalId === undefined) writer.int16(-1)
  else writer.string(options.transactionalId)
  writer.int16(-1)
  writer.int32(options.timeoutMs)
  writer.int32(byTopic.size)
  for (const [topic, ofTopic] of byTopic) {
    writer.string(topic)
    writer.int32(ofTopic.length)
    for (const { partition, batch } of ofTopic) {
      writer.int32(partition)
      writer.int32(batch.length)
      writer.bytes(batch)
    }
  }
  return rawRequest(produceApi, writer.done(), decodeProduceResponse)
}

function decodeProduceResponse(payload: Buffer): readonly PartitionAck[] {
  const reader = new WireReader(payload)
  const acks: PartitionAck[] = []
  for (let topics = reader.count(); topics > 0; topics -= 1) {
    const topic = reader.string()
    for (let partitions = reader.count(); partitions > 0; partitions -= 1) {
      const partition = reader.int32()
      const errorCode = reader.int16()
      reader.skip(24)
      acks.push({ topic, partition, errorCode })
    }
  }
  return acks
}
