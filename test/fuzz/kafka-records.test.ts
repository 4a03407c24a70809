/**
 * Record sets as an attacker with write access, or a dying disk, could leave them.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from '../../adapters/kafka/crc32c.ts'
import { decodeRecords } from '../../adapters/kafka/decode.ts'
import { countRecord, encodeBatch } from '../../adapters/kafka/encode.ts'

const options = { topic: 't', partition: 0, from: 0, aborted: [], committed: true, inflatedBytesMax: 1_000_000 }
const identity = { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: false }

function expectSane(set: Buffer): void {
  const decoded = decodeRecords(set, options)
  expect(decoded.bytes).toBeLessThanOrEqual(set.length)
  for (const record of decoded.records) expect(record.topic).toBe('t')
}

test('any bytes end in records or in nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expectSane(Buffer.from(bytes))
    }),
    { numRuns: 2_000 },
  )
})

const arbitraryRecords = fc.array(
  fc.record({
    key: fc.option(fc.string({ unit: 'binary', maxLength: 20 }), { nil: undefined }),
    value: fc.option(fc.uint8Array({ maxLength: 60 })),
    headers: fc.dictionary(fc.string({ maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 }), { maxKeys: 3 }),
  }),
  { minLength: 1, maxLength: 10 },
)

test('records of any content come back as they were written', () => {
  fc.assert(
    fc.property(
      arbitraryRecords,
      fc.constantFrom('none' as const, 'gzip' as const, 'zstd' as const),
      (records, codec) => {
        const counted = records.map((record) => countRecord({ topic: 't', ...record }))
        const { records: back } = decodeRecords(encodeBatch(counted, identity, codec, 0), options)
        expect(
          back.map(({ key, value, headers }) => [key, value && [...value], Object.entries(headers).sort()]),
        ).toEqual(
          // What is no text (half a surrogate pair) is not kept as text by anyone.
          records.map(({ key, value, headers }) => [
            key?.toWellFormed(),
            value && [...value],
            Object.entries(headers)
              .map(([name, content]) => [name.toWellFormed(), content.toWellFormed()])
              .sort(),
          ]),
        )
      },
    ),
    { numRuns: 500 },
  )
})

test('batches with any byte changed under a checksum that fits end in records or in nothing', () => {
  const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(arbitraryRecords, change, (records, changes) => {
      const set = encodeBatch(
        records.map((record) => countRecord({ topic: 't', ...record })),
        identity,
        'none',
        0,
      )
      for (const [at, byte] of changes) set[21 + (at % (set.length - 21))] = byte
      set.writeUInt32BE(crc32c(set, 21), 17)
      expectSane(set)
    }),
    { numRuns: 3_000 },
  )
})
