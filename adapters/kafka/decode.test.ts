import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { codecNames, inflate } from './codecs.ts'
import { crc32c } from './crc32c.ts'
import { decodeRecords } from './decode.ts'
import { countRecord, encodeBatch } from './encode.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { headers } from '../../core/topics.ts'

const plain = { producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: false }
const options = { topic: 't', partition: 3, from: 0, aborted: [], committed: true, inflatedBytesMax: 1_000_000 }

function batch(records: readonly Partial<OutgoingRecord>[], baseOffset = 0, identity = plain, codec?: 'gzip' | 'zstd') {
  const counted = records.map((record) => countRecord({ topic: 't', value: 'v', ...record }))
  const bytes = encodeBatch(counted, identity, codec ?? 'none', 1_700_000_000_000)
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  return bytes
}

/** As the broker writes it at the end of a transaction. */
function marker(producerId: number, type: 'abort' | 'commit', baseOffset: number): Buffer {
  const bytes = batch([{ key: 'xxxx', value: 'v' }], baseOffset, { ...plain, producerId, transactional: true })
  bytes.writeInt16BE(0x20 | 0x10, 21)
  const key = bytes.indexOf('xxxx')
  bytes.writeInt16BE(0, key)
  bytes.writeInt16BE(type === 'abort' ? 0 : 1, key + 2)
  return sealed(bytes)
}

function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
  return bytes
}

/** The same records under another codec's number. */
function recoded(bytes: Buffer, codec: number, body: Buffer): Buffer {
  const changed = Buffer.concat([bytes.subarray(0, 61), body])
  changed.writeInt32BE(changed.length - 12, 8)
  changed.writeInt16BE((changed.readInt16BE(21) & ~7) | codec, 21)
  return sealed(changed)
}

const values = (bytes: Buffer, more = {}) =>
  decodeRecords(bytes, { ...options, ...more }).records.map((record) => record.value?.toString())

describe('a record batch', () => {
  test('comes back as it was written, parts that are missing or empty included', () => {
    const written = [
      { key: 'żółw', value: 'ż', headers: { a: '1', '': '', __proto__x: 'é' } },
      { value: null },
      { key: '', value: '' },
      { key: 'bytes', value: Uint8Array.from([0, 255, 128]) },
      { value: 'x'.repeat(70_000) },
    ]
    const { records, nextOffset } = decodeRecords(batch(written, 40), options)
    expect(nextOffset).toBe(45)
    expect(records.map((record) => record.offset)).toEqual([40, 41, 42, 43, 44])
    expect(records.map((record) => record.key)).toEqual(['żółw', undefined, '', 'bytes', undefined])
    expect(records.map((record) => record.value && [...record.value].length)).toEqual([2, null, 0, 3, 70_000])
    expect(records[0]).toMatchObject({
      topic: 't',
      partition: 3,
      headers: { a: '1', '': '', __proto__x: 'é' },
      appendedMs: 1_700_000_000_000,
    })
  })

  test('that is cut off is left for the next fetch, whole', () => {
    const both = Buffer.concat([batch([{ value: 'a' }]), batch([{ value: 'b' }], 1)])
    for (let cut = both.length - 1; cut > both.length / 2 + 1; cut -= 7) {
      expect(decodeRecords(both.subarray(0, cut), options)).toMatchObject({ nextOffset: 1 })
    }
  })

  test('gives only what was asked for, though it begins before', () => {
    expect(values(batch([{ value: 'a' }, { value: 'b' }, { value: 'c' }], 10), { from: 11 })).toEqual(['b', 'c'])
  })
})

describe('transactions', () => {
  const of = (producerId: number, value: string, offset: number) =>
    batch([{ value }], offset, { ...plain, producerId, transactional: true })
  const log = Buffer.concat([
    of(1, 'aborted', 0),
    of(2, 'committed', 1),
    batch([{ value: 'none' }], 2),
    of(1, 'aborted too', 3),
    marker(1, 'abort', 4),
    of(1, 'next one', 5),
    marker(2, 'commit', 6),
    marker(1, 'commit', 7),
  ])
  const aborted = [{ producerId: 1, firstOffset: 0 }]

  test('that were aborted are hidden, up to their marker', () => {
    expect(values(log, { aborted })).toEqual(['committed', 'none', 'next one'])
  })

  test('that were aborted are shown to who asks for everything; markers never are', () => {
    expect(values(log, { aborted, committed: false })).toHaveLength(5)
  })

  test('leave holes that reading goes on behind', () => {
    expect(decodeRecords(log, { ...options, aborted }).nextOffset).toBe(8)
    expect(decodeRecords(marker(1, 'commit', 99), options)).toEqual({
      records: [],
      nextOffset: 100,
      bytes: expect.any(Number),
    })
  })

  test('two that begin within one batch of another are both followed', () => {
    const set = Buffer.concat([
      batch([{ value: 'a' }, { value: 'b' }], 0),
      of(1, 'x', 2),
      of(2, 'y', 3),
      batch([{ value: 'c' }], 4),
    ])
    const two = [
      { producerId: 2, firstOffset: 1 },
      { producerId: 1, firstOffset: 0 },
    ]
    expect(values(set, { aborted: two })).toEqual(['a', 'b', 'c'])
  })
})

describe('compression', () => {
  const bytes = batch([{ value: 'one' }, { value: 'two' }])
  const body = bytes.subarray(61)
  const xerial = (block: Buffer) =>
    Buffer.concat([Buffer.from('82534e41505059000000000100000001', 'hex'), Buffer.from([0, 0, 0, block.length]), block])

  test.each([
    ['gzip', gzipSync(body)],
    ['snappy', compressSync(body)],
    ['snappy', xerial(compressSync(body))],
    ['lz4', compressFrameSync(body)],
    ['zstd', zstdCompressSync(body)],
  ] as const)('%s is read', (codec, compressed) => {
    expect(values(recoded(bytes, codecNames.indexOf(codec), Buffer.from(compressed)))).toEqual(['one', 'two'])
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    '%s that does not unfold becomes one record that says so, and reading goes on behind it',
    (codec) => {
      const garbage = Buffer.from('this is not compressed by anything')
      const broken = recoded(batch([{}, {}, {}], 5), codecNames.indexOf(codec), garbage)
      const { records, nextOffset } = decodeRecords(Buffer.concat([broken, batch([{ value: 'next' }], 8)]), options)
      expect(records[0]).toMatchObject({
        offset: 7,
        headers: { [headers.badEncoding]: codec, [headers.badEncodingRecords]: '3' },
      })
      expect(records[0]!.value).toEqual(garbage)
      expect(records[1]!.value!.toString()).toBe('next')
      expect(nextOffset).toBe(9)
    },
  )

  test.each([
    ['gzip', gzipSync(Buffer.alloc(2_000_000))],
    ['snappy', compressSync(Buffer.alloc(2_000_000))],
    ['lz4', compressFrameSync(Buffer.alloc(2_000_000))],
    ['zstd', zstdCompressSync(Buffer.alloc(2_000_000))],
  ] as const)('%s that unfolds to more than the limit is refused', (codec, bomb) => {
    expect(() => inflate(codec, Buffer.from(bomb), 1_000_000)).toThrow()
    expect(inflate(codec, Buffer.from(bomb), 3_000_000)).toHaveLength(2_000_000)
  })

  test('a codec that nobody knows is named by its number', () => {
    const [record] = decodeRecords(recoded(bytes, 6, body), options).records
    expect(record!.headers[headers.badEncoding]).toBe('codec-6')
  })
})

describe('a damaged batch', () => {
  test('whose checksum is wrong becomes one record that says so', () => {
    const bytes = batch([{ value: 'precious' }, { value: 'b' }])
    bytes[bytes.length - 3]! ^= 1
    const { records, nextOffset } = decodeRecords(bytes, options)
    expect(records).toHaveLength(1)
    expect(records[0]!.headers[headers.badEncoding]).toBe('crc')
    expect(nextOffset).toBe(2)
  })

  test('whose records are not records becomes one record, not half of them', () => {
    const bytes = batch([{ value: 'first is fine' }, { value: 'second' }])
    bytes[61] = 0x7f
    const { records } = decodeRecords(sealed(bytes), options)
    expect(records.map((record) => record.headers[headers.badEncoding])).toEqual(['records'])
  })

  test('of a format older than 2 is kept as it is', () => {
    const bytes = batch([{}], 4)
    bytes[16] = 1
    const { records, nextOffset } = decodeRecords(bytes, options)
    expect(records[0]).toMatchObject({ offset: 4, headers: { [headers.badEncoding]: 'format' } })
    expect(nextOffset).toBe(5)
  })
})

test('the checksum is CRC-32C: the check value of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
})

test('the checksum is the same wherever in memory the bytes lie, and however many they are', () => {
  const bitByBit = (bytes: Uint8Array): number => {
    let crc = -1
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return ~crc >>> 0
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(9), fc.nat(9), (bytes, before, start) => {
      const lying = new Uint8Array(new ArrayBuffer(before + bytes.length), before)
      lying.set(bytes)
      const from = Math.min(start, bytes.length)
      expect(crc32c(lying, from)).toBe(bitByBit(bytes.subarray(from)))
    }),
    { numRuns: 1_000 },
  )
})
