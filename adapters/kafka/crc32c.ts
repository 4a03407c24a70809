/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), sixteen bytes a step (Intel's "slicing-by-8", twice as wide). Kafka's record
 * batches carry it, so every byte that comes or goes passes here: words are read, not bytes.
 */
const polynomial = 0x82f63b78
const stepBytes = 16
/** For each place in a step, from its last one back, what each byte does to the sum: 256 values. */
const table = makeTable()
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (!isLittleEndian) return ~byBytes(-1, bytes, start, end) >>> 0
  // Words stand at multiples of four.
  const first = Math.min(end, start + (-(bytes.byteOffset + start) & 3))
  const count = Math.floor((end - first) / stepBytes)
  let crc = byBytes(-1, bytes, start, first)
  if (count > 0) crc = bySteps(crc, new Int32Array(bytes.buffer, bytes.byteOffset + first, (count * stepBytes) / 4))
  return ~byBytes(crc, bytes, first + count * stepBytes, end) >>> 0
}

function byBytes(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let sum = crc
  for (let at = start; at < end; at += 1) sum = table[(sum ^ bytes[at]!) & 0xff]! ^ (sum >>> 8)
  return sum
}

function bySteps(crc: number, words: Int32Array): number {
  const t = table
  let sum = crc
  for (let at = 0; at < words.length; at += 4) {
    const a = sum ^ words[at]!
    const b = words[at + 1]!
    const c = words[at + 2]!
    const d = words[at + 3]!
    sum =
      t[0xf00 + (a & 0xff)]! ^
      t[0xe00 + ((a >>> 8) & 0xff)]! ^
      t[0xd00 + ((a >>> 16) & 0xff)]! ^
      t[0xc00 + (a >>> 24)]! ^
      t[0xb00 + (b & 0xff)]! ^
      t[0xa00 + ((b >>> 8) & 0xff)]! ^
      t[0x900 + ((b >>> 16) & 0xff)]! ^
      t[0x800 + (b >>> 24)]! ^
      t[0x700 + (c & 0xff)]! ^
      t[0x600 + ((c >>> 8) & 0xff)]! ^
      t[0x500 + ((c >>> 16) & 0xff)]! ^
      t[0x400 + (c >>> 24)]! ^
      t[0x300 + (d & 0xff)]! ^
      t[0x200 + ((d >>> 8) & 0xff)]! ^
      t[0x100 + ((d >>> 16) & 0xff)]! ^
      t[d >>> 24]!
  }
  return sum
}

function makeTable(): Int32Array {
  const made = new Int32Array(256 * stepBytes)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    made[byte] = crc
  }
  for (let at = 256; at < made.length; at += 1) {
    const crc = made[at - 256]!
    made[at] = made[crc & 0xff]! ^ (crc >>> 8)
  }
  return made
}
