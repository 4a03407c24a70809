/**
 * A list in a task's state that grows at its end: kept in chunks under keys of their own, so that a checkpoint writes the
 * chunks that have changed and not the whole list.
 *
 * The list itself is its owner's, who says before a checkpoint from which place on it has changed.
 */
import type { KeyedState } from '../../../runtime/stage/stage.ts'

/** What stands in the state under a chunk's key; spelled when a checkpoint wants it. */
class Chunk {
  readonly key: string
  readonly #list: ChunkedList
  readonly #number: number

  constructor(list: ChunkedList, number: number) {
    this.key = list.keyOf(number)
    this.#list = list
    this.#number = number
  }

  toJSON(): readonly unknown[] {
    return this.#list.slice(this.#number)
  }
}

export class ChunkedList {
  readonly #state: KeyedState
  readonly #prefix: string
  readonly #itemsPerChunk: number
  readonly #chunks: (Chunk | undefined)[]
  #items: readonly unknown[] = []

  /** `chunks`: how many there are of it in the state. */
  constructor(state: KeyedState, prefix: string, itemsPerChunk: number, chunks: number) {
    this.#state = state
    this.#prefix = prefix
    this.#itemsPerChunk = itemsPerChunk
    this.#chunks = new Array<Chunk | undefined>(chunks).fill(undefined)
  }

  /** Chunks in the state. */
  get chunks(): number {
    return this.#chunks.length
  }

  keyOf(number: number): string {
    return `${this.#prefix}${number}`
  }

  slice(number: number): readonly unknown[] {
    const from = number * this.#itemsPerChunk
    return this.#items.slice(from, from + this.#itemsPerChunk)
  }

  /** The list as the state has it; empty where a chunk of it is missing. */
  restore<T>(): T[] {
    const items: T[] = []
    for (let number = 0; number < this.#chunks.length; number++) {
      const chunk = this.#state.get<readonly T[] | Chunk>(this.keyOf(number))
      if (chunk === undefined) return []
      for (const item of chunk instanceof Chunk ? chunk.toJSON() : chunk) items.push(item as T)
    }
    this.#items = items
    return items
  }

  /** These are the items; from this place on they are others than at the last checkpoint, and in the places `also`. */
  settle(items: readonly unknown[], from: number, also: Iterable<number> = []): void {
    this.#items = items
    const chunks = this.#chunks
    const before = chunks.length
    const count = Math.ceil(items.length / this.#itemsPerChunk)
    const first = Math.min(count, Math.floor(from / this.#itemsPerChunk))
    for (const at of also) {
      const number = Math.floor(at / this.#itemsPerChunk)
      if (number < first) this.#put(number)
    }
    for (let number = first; number < count; number++) this.#put(number)
    for (let number = count; number < before; number++) this.#state.delete(this.keyOf(number))
    if (count < before) chunks.length = count
  }

  #put(number: number): void {
    const chunk = (this.#chunks[number] ??= new Chunk(this, number))
    this.#state.set(chunk.key, chunk)
  }

  delete(): void {
    this.settle([], 0)
  }
}
