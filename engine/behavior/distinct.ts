/**
 * How many different texts there were, in a fixed space: the k smallest hashes (Bar-Yossef et al. 2002). Exact up to k;
 * beyond, the relative error is about 1/√k.
 */
const kept = 64
const space = 2 ** 32

/** Adds one; `smallest` is ascending. Commutative. */
export function addDistinct(smallest: number[], text: string): void {
  const hash = hash32(text)
  const last = smallest[smallest.length - 1]
  if (smallest.length >= kept && hash >= last!) return
  let at = smallest.length
  while (at > 0 && smallest[at - 1]! > hash) at--
  if (at > 0 && smallest[at - 1] === hash) return
  smallest.splice(at, 0, hash)
  if (smallest.length > kept) smallest.pop()
}

export function distinctOf(smallest: readonly number[]): number {
  if (smallest.length < kept) return smallest.length
  return Math.round(((kept - 1) * space) / Math.max(1, smallest[kept - 1]!))
}

/** FNV-1a, finished by murmur3's mixer. */
export function hash32(text: string): number {
  let h = 0x811c9dc5
  for (let n = 0; n < text.length; n++) h = Math.imul(h ^ text.charCodeAt(n), 0x01000193)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
