/**
 * Copies of an input with noise in all values, as wide as noise may be: a label-only inference of membership asks some
 * of each candidate (Choquette-Choo et al. 2021). They lie nearer to it, one after the other, than inputs that have
 * nothing to do with it would, each by chance. Pure.
 */
import type { Table } from './fit.ts'
import { ringSize } from '../../input/input.ts'
import { keepable } from '../../input/rows.ts'

/** At most such a share of honest queries lies so about any of the last ones by chance. */
const chance = 0.01
/** What the share u of all pairs of honest inputs is nearer than, u to this of one account's own may be. */
const allowance = 0.5
/**
 * Square of how much further away than another one of those that are made of the same may be: noise in ten values and
 * more spreads less.
 */
const spread = 2.5 ** 2
/** Each query is held against so many of other accounts. */
const held = 16

/**
 * Squares of how near the k-th of so many in a row, and all before it, must be to the input before them; for k from 2
 * to `ringSize`. Of a share F of nearer pairs the k are so near to one of the last with a probability of at most
 * ringSize * F^(allowance * k). Distances as accounts keep them.
 */
export function reachOf({ rows, dimension, count, starts }: Table): readonly number[] {
  const kept = rows.map(keepable)
  const accountOf = new Int32Array(count)
  for (let account = 0; account + 1 < starts.length; account++) {
    accountOf.fill(account, starts[account], starts[account + 1])
  }
  const squares: number[] = []
  for (let n = 1; n <= held; n++) {
    const step = Math.max(1, Math.floor((count * n) / (held + 1)))
    for (let row = 0; row < count; row++) {
      const other = (row + step) % count
      if (accountOf[row] === accountOf[other]) continue
      let sum = 0
      for (let i = 0; i < dimension; i++) sum += (kept[row * dimension + i]! - kept[other * dimension + i]!) ** 2
      // What two customers ask alike is none of the one's copies.
      if (sum > 0) squares.push(sum)
    }
  }
  const sorted = Float64Array.from(squares).sort()
  return Array.from({ length: ringSize - 1 }, (_, n) => {
    const share = (chance / ringSize) ** (1 / (allowance * (n + 2)))
    return sorted[Math.floor(share * sorted.length)] ?? 0
  })
}

/**
 * The place in the ring (newest first) of an input that the query and all that was asked since then lie about; -1:
 * there is none. `squares`: of how far the query is from each.
 */
export function centerOf(
  ring: readonly ArrayLike<number>[],
  squares: ArrayLike<number>,
  reach: readonly number[] = [],
): number {
  for (let n = 1; n < ring.length; n++) {
    const near = reach[n - 1] ?? 0
    const own = squares[n]!
    if (own < near && liesAbout(ring, n, own, near)) return n
  }
  return -1
}

/** Whether all that was asked since the n-th is about as far from it as the query is, the square of which is `own`. */
function liesAbout(ring: readonly ArrayLike<number>[], n: number, own: number, near: number): boolean {
  let [nearest, farthest] = [own, own]
  for (let since = n - 1; since >= 0; since--) {
    const most = Math.min(near, spread * nearest)
    const square = squareOf(ring[since]!, ring[n]!, most)
    nearest = Math.min(nearest, square)
    farthest = Math.max(farthest, square)
    if (square >= most || farthest >= spread * nearest) return false
  }
  return true
}

/** Where it is more than `most` only so much of it as shows that. */
function squareOf(a: ArrayLike<number>, b: ArrayLike<number>, most: number): number {
  let sum = 0
  for (let i = 0; i < a.length && sum < most; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}
