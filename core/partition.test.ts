import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './partition.ts'

/** From Apache Kafka's own test of its hash, so that both agree on every length modulo 4. */
const vectors: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

test.for(vectors)('%s hashes as in Kafka', ([text, hash]) => {
  expect(murmur2(new TextEncoder().encode(text))).toBe(hash)
})

test('a key falls on the partition that Kafka gives it', () => {
  for (const [text, hash] of vectors) expect(partitionOf(text, 12)).toBe((hash & 0x7fffffff) % 12)
})

test('a key of any length and script falls inside the partitions, the empty one included', () => {
  for (const key of ['', 'é', '日本語', '\u{1f511}', 'k'.repeat(5_000), '鍵'.repeat(2_000)]) {
    const partition = partitionOf(key, 7)
    expect(partition).toBeGreaterThanOrEqual(0)
    expect(partition).toBeLessThan(7)
    expect(partitionOf(key, 7)).toBe(partition)
  }
})

test('a long key hashes as its bytes do', () => {
  const key = 'é'.repeat(3_000)
  expect(partitionOf(key, 1_000)).toBe((murmur2(new TextEncoder().encode(key)) & 0x7fffffff) % 1_000)
})
