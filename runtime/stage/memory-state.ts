/**
 * A task's keyed state in memory, which remembers what has changed since the last checkpoint.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/ports/clock.ts'
import type { KeyedState, StateKeeper } from './stage.ts'

/** The value stands under its key. */
const here = Symbol('here')
/** Longest state key, in UTF-16 units. */
const keyCharsMax = 1_024
const sliceMs = 1

export type Change = readonly [key: string, json: string | null]

export class MemoryState implements KeyedState {
  readonly #entries = new Map<string, unknown>()
  readonly #settling: (() => void)[] = []
  readonly #keepers: StateKeeper[] = []
  /**
   * What goes into the next checkpoint: `here`, or what a keeper has handed on. And what went into the last, which may
   * have failed.
   */
  #changed = new Map<string, unknown>()
  #taken = new Map<string, unknown>()

  get size(): number {
    this.#settle()
    return this.#keepers.reduce((sum, { size }) => sum + size, this.#entries.size)
  }

  beforeCheckpoint(settle: () => void): void {
    this.#settling.push(settle)
  }

  get<T>(key: string): T | undefined {
    return this.#entries.get(key) as T | undefined
  }

  set(key: string, value: unknown): void {
    checkKey(key)
    if (value === undefined) throw new TypeError(`undefined is no state; delete the key '${key}' instead`)
    this.#entries.set(key, value)
    this.#changed.set(key, here)
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#changed.set(key, here)
  }

  keptBy(keeper: StateKeeper): void {
    this.#keepers.push(keeper)
  }

  handOver(key: string, value: unknown): void {
    // It may be one that was migrated, and no checkpoint has it yet as it is now.
    if (this.#entries.delete(key) && this.#changed.has(key)) this.#changed.set(key, value)
  }

  handOn(key: string, value: unknown): void {
    checkKey(key)
    this.#changed.set(key, value)
  }

  *entries<T>(prefix: string): IterableIterator<[key: string, value: T]> {
    this.#settle()
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry as [string, T]
    for (const keeper of this.#keepers) {
      for (const entry of keeper.entries()) if (entry[0].startsWith(prefix)) yield entry as [string, T]
    }
  }

  /** Puts an entry as a checkpoint had it: not a change. */
  restore(key: string, value: unknown): void {
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, value)
  }

  get changes(): number {
    this.#settle()
    return this.#changed.size
  }

  /** The changed entries as JSON (`null`: deleted), and forgets that they changed. */
  takeChanges(): readonly Change[] {
    const changed = this.#takeChanged()
    try {
      return changed.map(([key, value]) => [key, spelled(value)])
    } catch (error) {
      this.markChanged(this.#taken.keys())
      throw error
    }
  }

  /** The same without holding the event loop for longer than a slice. Nothing may change the state until it resolves. */
  async takeChangesInSlices(clock: Pick<Clock, 'monotonicMs'>): Promise<readonly Change[]> {
    const changes: Change[] = []
    let sliceStartMs = clock.monotonicMs()
    const changed = this.#takeChanged()
    try {
      for (const [key, value] of changed) {
        changes.push([key, spelled(value)])
        if (clock.monotonicMs() - sliceStartMs < sliceMs) continue
        await nextTurn()
        sliceStartMs = clock.monotonicMs()
      }
      return changes
    } catch (error) {
      this.markChanged(this.#taken.keys())
      throw error
    }
  }

  #takeChanged(): readonly (readonly [key: string, value: unknown])[] {
    this.#settle()
    const changed = Array.from(this.#changed, ([key, handedOn]) => {
      return [key, handedOn === here ? this.#entries.get(key) : handedOn] as const
    })
    this.#taken = this.#changed
    this.#changed = new Map()
    return changed
  }

  /** These keys, of those that were taken last, have to go into the next checkpoint after all. */
  markChanged(keys: Iterable<string>): void {
    for (const key of keys) if (!this.#changed.has(key)) this.#changed.set(key, this.#taken.get(key))
  }

  #settle(): void {
    for (const settle of this.#settling) settle()
  }
}

function spelled(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function checkKey({ length }: string): void {
  if (length > keyCharsMax) throw new RangeError(`a state key has ${length} characters, at most ${keyCharsMax}`)
}
