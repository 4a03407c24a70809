/**
 * A compact filter over the input hashes of a training set: made once, where the set is; asked by detectors for each query.
 *
 * A Bloom filter (Bloom 1970) with double hashing (Kirsch and Mitzenmacher 2006). With 20 bits a record and 14 hashes a
 * stranger's record passes with a probability of 7e-5; the records themselves can't be read out of it.
 */
import type { RecordFilter } from './inventory.ts'

const bitsPerRecord = 20
const hashes = 14
/** Records in one filter: its text stays below the limit of a content file. */
export const filterRecordsMax = 120_000

/** The filters of a training set; `inputHashes` are as the gateway logs them, such as SHA-256 in hexadecimal. */
export function buildRecordFilters(inputHashes: Iterable<string>): RecordFilter[] {
  const distinct = [...new Set(inputHashes)]
  const filters: RecordFilter[] = []
  for (let at = 0; at < distinct.length; at += filterRecordsMax) {
    filters.push(buildOne(distinct.slice(at, at + filterRecordsMax)))
  }
  return filters
}

function buildOne(inputHashes: readonly string[]): RecordFilter {
  const bits = Math.max(32, Math.ceil((inputHashes.length * bitsPerRecord) / 32) * 32)
  const words = new Uint32Array(bits / 32)
  for (const hash of inputHashes) {
    const [first, step] = startOf(hash)
    for (let k = 0, at = first; k < hashes; k++, at = (at + step) >>> 0)
      words[(at % bits) >>> 5]! |= 1 << ((at % bits) & 31)
  }
  const bytes = Buffer.alloc(words.length * 4)
  for (const [n, word] of words.entries()) bytes.writeUInt32LE(word, n * 4)
  return { hashes, bits, words: bytes.toString('base64'), records: inputHashes.length }
}

/** Whether a record may be among those of a filter. Reads the text once. */
export function openRecordFilter(filter: RecordFilter): (inputHash: string) => boolean {
  const bytes = Buffer.from(filter.words, 'base64')
  const words = new Uint32Array(filter.bits / 32)
  for (let n = 0; n < words.length && n * 4 + 4 <= bytes.length; n++) words[n] = bytes.readUInt32LE(n * 4)
  return (inputHash) => {
    const [first, step] = startOf(inputHash)
    for (let k = 0, at = first; k < filter.hashes; k++, at = (at + step) >>> 0) {
      const bit = at % filter.bits
      if ((words[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
    }
    return true
  }
}

/** Two 32-bit numbers of a hash's text (FNV-1a from two bases, finished by murmur3's mixer); the second is odd. */
function startOf(hash: string): readonly [first: number, step: number] {
  let a = 0x811c9dc5
  let b = 0x01000193
  for (let n = 0; n < hash.length; n++) {
    const code = hash.charCodeAt(n)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x85ebca6b)
  }
  return [mixed(a), (mixed(b) | 1) >>> 0]
}

function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
