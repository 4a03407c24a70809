/**
 * Which partition a key belongs to: murmur2 the way Kafka's own producers do it, so that a key lands alike on every bus.
 *
 * Pure.
 */

const encoder = new TextEncoder()
/** Reused between calls; keys past its size get an array of their own. */
const scratch = new Uint8Array(4_096)

/** 32-bit murmur2 with Kafka's seed; signed, as Java has it. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  const m = 0x5bd1e995
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(k, m)
  }
  const rest = length - whole
  if (rest === 3) hash ^= bytes[whole + 2]! << 16
  if (rest >= 2) hash ^= bytes[whole + 1]! << 8
  if (rest >= 1) {
    hash ^= bytes[whole]!
    hash = Math.imul(hash, m)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, m)
  return hash ^ (hash >>> 15)
}

/** The partition of a key among `partitions`. The empty key is a key. */
export function partitionOf(key: string, partitions: number): number {
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  if (key.length * 3 <= scratch.length) {
    const { written } = encoder.encodeInto(key, scratch)
    return (murmur2(scratch, written) & 0x7fffffff) % partitions
  }
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions
}
