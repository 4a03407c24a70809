/** Numbers under pairs of numbers, by open addressing: millions of small maps would cost more to build than all rules. */
export class NumberTable {
  /** `high * 65,536 + low`; -1: free. */
  #keys = new Float64Array(16).fill(-1)
  #values = new Int32Array(16)
  #shift = 28
  #count = 0

  /** -1: there is none. */
  get(high: number, low: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    const key = high * 65_536 + low
    for (let at = hashOf(high, low) >>> this.#shift; ; at = (at + 1) & mask) {
      const here = keys[at]!
      if (here === key) return this.#values[at]!
      if (here < 0) return -1
    }
  }

  /** `high` is not negative, `low` a number of 16 bits. */
  set(high: number, low: number, value: number): void {
    if (++this.#count * 2 > this.#keys.length) this.#grow()
    const mask = this.#keys.length - 1
    const key = high * 65_536 + low
    let at = hashOf(high, low) >>> this.#shift
    while (this.#keys[at]! >= 0 && this.#keys[at] !== key) at = (at + 1) & mask
    this.#keys[at] = key
    this.#values[at] = value
  }

  #grow(): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = new Float64Array(keys.length * 4).fill(-1)
    this.#values = new Int32Array(keys.length * 4)
    this.#shift -= 2
    this.#count = 1
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at]!
      if (key < 0) continue
      const low = key % 65_536
      this.set((key - low) / 65_536, low, values[at]!)
    }
  }
}

/** 2^32 over the golden ratio: spreads numbers over all 32 bits. */
export const golden = 0x9e37_79b1

function hashOf(high: number, low: number): number {
  return Math.imul(Math.imul(high, golden) ^ low, golden) >>> 0
}
