/**
 * How evenly an account covers what a model is asked: whether its next prompt is aside from what it asks most. Pure.
 *
 * Cells are ordered by how often the account asked them, for how much of the space they are. Its favorites are the
 * first of them, with a quarter of the space. Who asks evenly asks its favorites a quarter of the time; whose subjects
 * follow Zipf's law with an exponent of 1, two thirds.
 */

const favoritesShare = 0.25
/** Prompts that an account is thought to have asked of each cell before its first. */
const before = 0.5
/**
 * So many prompts in a row about one subject are one visit: a question, and what is asked about its answer. More of
 * them are a stay.
 */
const visitMost = 3

/** Where the last prompts of an account were. JSON. */
export interface Stay {
  /** -1: there was none. */
  readonly cell: number
  /** Prompts there, one after the other. */
  readonly prompts: number
}

export const nowhere: Stay = { cell: -1, prompts: 0 }

export function stayIn(cell: number, last: Stay): Stay {
  return { cell, prompts: cell === last.cell ? last.prompts + 1 : 1 }
}

/**
 * Whether a prompt in this cell is aside from the favorites; where the account stays long in one cell it is not.
 * Undefined: it belongs to the visit of the prompt before, and says nothing. `shares`: of the space, none of them 0.
 */
export function isAside(
  counts: ArrayLike<number>,
  shares: readonly number[],
  cell: number,
  last: Stay,
): boolean | undefined {
  if (cell === last.cell) return last.prompts < visitMost ? undefined : false
  const own = (counts[cell]! + before) / shares[cell]!
  let ahead = 0
  for (let n = 0; n < shares.length; n++) {
    const other = (counts[n]! + before) / shares[n]!
    if (other > own || (other === own && n > cell)) ahead += shares[n]!
  }
  return ahead + shares[cell]! / 2 > favoritesShare
}
