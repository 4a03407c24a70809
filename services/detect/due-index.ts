/**
 * Which keys want to hear of the watermark, and when. Rebuilt from the state after a restart.
 *
 * Promises: `take` gives each key that is due exactly once, in order of due time and key, so that the order of what comes
 * of it does not depend on the past of the process.
 */
export class DueIndex {
  readonly #dueOf = new Map<string, number>()
  /** Slot of event time -> keys that had their due time there when filed. Lazily cleaned. */
  readonly #slots = new Map<number, Set<string>>()
  readonly #slotMs: number
  #next = Infinity

  constructor(slotMs = 60_000) {
    this.#slotMs = slotMs
  }

  set(key: string, dueMs: number): void {
    const before = this.#dueOf.get(key)
    if (before === dueMs) return
    if (dueMs === Infinity) {
      this.#dueOf.delete(key)
      return
    }
    this.#dueOf.set(key, dueMs)
    const slot = Math.floor(dueMs / this.#slotMs)
    if (before !== undefined && Math.floor(before / this.#slotMs) === slot) return
    const keys = this.#slots.get(slot)
    if (keys === undefined) this.#slots.set(slot, new Set([key]))
    else keys.add(key)
    if (slot < this.#next) this.#next = slot
  }

  delete(key: string): void {
    this.#dueOf.delete(key)
  }

  /** The keys due at this watermark; they are not due any more until `set` again. */
  take(watermarkMs: number): string[] {
    const last = Math.floor(watermarkMs / this.#slotMs)
    if (this.#next > last) return []
    const due: [number, string][] = []
    // Due keys are put in order below; the order of slots does not matter.
    for (const [slot, keys] of this.#slots) {
      if (slot > last) continue
      for (const key of keys) {
        const dueMs = this.#dueOf.get(key)
        if (dueMs !== undefined && Math.floor(dueMs / this.#slotMs) === slot) {
          if (dueMs > watermarkMs) continue
          due.push([dueMs, key])
          this.#dueOf.delete(key)
        }
        keys.delete(key)
      }
      if (keys.size === 0) this.#slots.delete(slot)
    }
    this.#next = Infinity
    for (const slot of this.#slots.keys()) if (slot < this.#next) this.#next = slot
    due.sort(([a, x], [b, y]) => a - b || (x < y ? -1 : x > y ? 1 : 0))
    return due.map(([, key]) => key)
  }

  /** The keys that are due first, at most so many. O(all keys). */
  earliest(count: number): string[] {
    const all = [...this.#dueOf].sort(([x, a], [y, b]) => a - b || (x < y ? -1 : x > y ? 1 : 0))
    return all.slice(0, count).map(([key]) => key)
  }

  get size(): number {
    return this.#dueOf.size
  }
}
