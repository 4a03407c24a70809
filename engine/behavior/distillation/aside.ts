/**
 * How evenly an account covers what a model is asked: whether its next prompt is aside from what it asks most. Pure.
 *
 * Cells are ordered by how often the account asked them, for how often all honest accounts together do. Its favorites are the first of
 * them, with a quarter of all honest prompts. Who asks evenly asks its favorites a quarter of the time; whose subjects follow Zipf's law with an exponent of 1, two thirds.
 */

const favoritesShare = 0.25
/** Prompts that an account is thought to have asked of each cell before its first. */
const before = 0.5

/** `shares` of all honest prompts, none of them 0; `last`: the cell of the prompt before, -1 for none. */
export function isAside(counts: ArrayLike<number>, shares: readonly number[], cell: number, last: number): boolean {
  if (cell === last) return false
  const own = (counts[cell]! + before) / shares[cell]!
  let ahead = 0
  for (let n = 0; n < shares.length; n++) {
    const other = (counts[n]! + before) / shares[n]!
    if (other > own || (other === own && n > cell)) ahead += shares[n]!
  }
  return ahead + shares[cell]! / 2 > favoritesShare
}
