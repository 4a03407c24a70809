/**
 * When the evidence of a dealt load begins anew, for those who are members then: whoever comes later is not weighed
 * until the next time.
 *
 * With 4 members, and whenever there are half as many more: with 6, 9, 14, ... 243. Also where most of the members have
 * come since, as in a pool that was large once, or where a hand changes its accounts. Each time is one more chance to
 * be mistaken: `beginnings` are in the line (pool.ts), and the n-th after these must bring `beginnings` n(n + 1) times
 * as much, so that all of them, however many, add one in a hundred. Pure.
 */

export const beginnings = 11
const membersMin = 4
const growth = 1.5

export class Beginnings {
  /** Members when it began last. */
  #size: number
  #count: number

  /** States of before have no `count`: it only began as members became more. */
  constructor(size: number, count = growingTo(size)) {
    this.#size = size
    this.#count = count
  }

  get size(): number {
    return this.#size
  }

  get count(): number {
    return this.#count
  }

  /** Logarithm of what the evidence must bring beside for having begun so often. */
  get cost(): number {
    const more = this.#count - beginnings
    return more > 0 ? Math.log(beginnings * more * (more + 1)) : 0
  }

  /** With so many members, of whom so many are weighed. */
  isDue(size: number, weighed: number): boolean {
    return size >= membersMin && (size >= growth * this.#size || 2 * weighed < size)
  }

  begin(size: number): void {
    this.#size = size
    this.#count++
  }
}

function growingTo(size: number): number {
  let count = 0
  for (let members = membersMin; members <= size; members = Math.ceil(growth * members)) count++
  return count
}
