/**
 * A task's keyed state in memory, which remembers what has changed since the last checkpoint.
 */
import type { KeyedState } from './stage.ts'

/** Longest state key, in UTF-16 units. */
const keyCharsMax = 1_024

export class MemoryState implements KeyedState {
  readonly #entries = new Map<string, unknown>()
  readonly #dirty = new Set<string>()
  readonly #settling: (() => void)[] = []

  get size(): number {
    this.#settle()
    return this.#entries.size
  }

  beforeCheckpoint(settle: () => void): void {
    this.#settling.push(settle)
  }

  get<T>(key: string): T | undefined {
    return this.#entries.get(key) as T | undefined
  }

  set(key: string, value: unknown): void {
    if (key.length > keyCharsMax)
      throw new RangeError(`a state key has ${key.length} characters, at most ${keyCharsMax}`)
    if (value === undefined) throw new TypeError(`undefined is no state; delete the key '${key}' instead`)
    this.#entries.set(key, value)
    this.#dirty.add(key)
  }

  touch(key: string): void {
    if (!this.#entries.has(key)) throw new TypeError(`there is no state '${key}' that could have changed`)
    this.#dirty.add(key)
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#dirty.add(key)
  }

  *entries<T>(prefix: string): IterableIterator<[key: string, value: T]> {
    this.#settle()
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry as [string, T]
  }

  /** Puts an entry as a checkpoint had it: not a change. */
  restore(key: string, value: unknown): void {
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, value)
  }

  get changes(): number {
    this.#settle()
    return this.#dirty.size
  }

  /** The changed entries as JSON (`null`: deleted), and forgets that they changed. */
  takeChanges(): readonly (readonly [key: string, json: string | null])[] {
    this.#settle()
    const changes = [...this.#dirty].map((key) => {
      const value = this.#entries.get(key)
      return [key, value === undefined ? null : JSON.stringify(value)] as const
    })
    this.#dirty.clear()
    return changes
  }

  /** These keys have to go into the next checkpoint after all. */
  markChanged(keys: Iterable<string>): void {
    for (const key of keys) this.#dirty.add(key)
  }

  #settle(): void {
    for (const settle of this.#settling) settle()
  }
}
