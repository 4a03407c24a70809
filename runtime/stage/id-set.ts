/**
 * A set of 64-bit ids, two whole numbers of 32 bits each, in one flat table: a set of as many strings takes five times the
 * memory, and keeps the garbage collector busy.
 *
 * Open addressing, linear probing, at most half full. Pure.
 */
const slotsMin = 64

export class IdSet {
  /** High and low halves in turn. An empty slot has 0 in both; the id 0 is kept aside. */
  #table = new Uint32Array(2 * slotsMin)
  #mask = slotsMin - 1
  #filled = 0
  #zero = false

  /** False if it was there. */
  add(high: number, low: number): boolean {
    if (high === 0 && low === 0) {
      const added = !this.#zero
      this.#zero = true
      return added
    }
    if (2 * this.#filled > this.#mask) this.#grow()
    if (!this.#put(high, low)) return false
    this.#filled++
    return true
  }

  delete(high: number, low: number): void {
    if (high === 0 && low === 0) {
      this.#zero = false
      return
    }
    const table = this.#table
    let hole = this.#slotOf(high, low)
    if (table[2 * hole] === 0 && table[2 * hole + 1] === 0) return
    this.#filled--
    // Whatever stands behind the hole, and would be sought from before it, moves into it.
    for (let at = this.#next(hole); table[2 * at] !== 0 || table[2 * at + 1] !== 0; at = this.#next(at)) {
      const home = this.#home(table[2 * at]!, table[2 * at + 1]!)
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue
      table[2 * hole] = table[2 * at]!
      table[2 * hole + 1] = table[2 * at + 1]!
      hole = at
    }
    table[2 * hole] = 0
    table[2 * hole + 1] = 0
  }

  #put(high: number, low: number): boolean {
    const table = this.#table
    const slot = this.#slotOf(high, low)
    if (table[2 * slot] !== 0 || table[2 * slot + 1] !== 0) return false
    table[2 * slot] = high
    table[2 * slot + 1] = low
    return true
  }

  /** Where it stands, or else the empty slot where it would. */
  #slotOf(high: number, low: number): number {
    const table = this.#table
    for (let slot = this.#home(high, low); ; slot = this.#next(slot)) {
      const a = table[2 * slot]!
      const b = table[2 * slot + 1]!
      if ((a === high && b === low) || (a === 0 && b === 0)) return slot
    }
  }

  /** Digests are spread evenly, but an id that somebody chose need not be. */
  #home(high: number, low: number): number {
    return (Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) >>> 8) & this.#mask
  }

  #next(slot: number): number {
    return (slot + 1) & this.#mask
  }

  #grow(): void {
    const old = this.#table
    this.#mask = 2 * this.#mask + 1
    this.#table = new Uint32Array(2 * (this.#mask + 1))
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0 || old[at + 1] !== 0) this.#put(old[at]!, old[at + 1]!)
  }
}
