/** Bloom filters (Bloom 1970) of 1,024 bits, in words of 32: what was put in is found; a little else is, too. */

/** The bits of a key in the filter that begins at a word: four of 1,024. */
function hasBits(words: Uint32Array, first: number, key: number): boolean {
  const last = Math.imul(key, 0x9e3779b1) >>> 22
  return has(words, first, key & 1023) && has(words, first, (key >>> 10) & 1023) && has(words, first, (key >>> 20) & 1023) && has(words, first, last) // prettier-ignore
}

function has(words: Uint32Array, first: number, bit: number): boolean {
  return (words[first + (bit >>> 5)]! & (1 << (bit & 31))) !== 0
}

export function setBits(words: Uint32Array, first: number, key: number): void {
  for (const bit of [key & 1023, (key >>> 10) & 1023, (key >>> 20) & 1023, Math.imul(key, 0x9e3779b1) >>> 22]) {
    words[first + (bit >>> 5)]! |= 1 << (bit & 31)
  }
}

/**
 * Whether a key is in the newer of two filters, or in the older, which comes behind it. It is in the newer from here
 * on, so that what is asked again stays known; the older goes where the newer has `full` bits.
 */
export function see(filters: Uint32Array, full: number, key: number): boolean {
  const words = filters.length / 2
  if (hasBits(filters, 0, key)) return true
  const known = hasBits(filters, words, key)
  setBits(filters, 0, key)
  if (bitsIn(filters, words) >= full) {
    filters.copyWithin(words, 0, words)
    filters.fill(0, 0, words)
  }
  return known
}

function bitsIn(words: Uint32Array, count: number): number {
  let bits = 0
  for (let n = 0; n < count; n++) {
    let word = words[n]!
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    bits += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return bits
}
