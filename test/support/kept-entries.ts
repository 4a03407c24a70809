/** A group's entries as its task keeps them: for tests of a step without a task. */
import type { GroupEntries } from '../../engine/behavior/types.ts'

export class KeptEntries implements GroupEntries {
  #kept = new Map<string, unknown>()

  get<T>(name: string): T | undefined {
    return this.#kept.get(name) as T | undefined
  }

  set(name: string, value: unknown): void {
    this.#kept.set(name, value)
  }

  delete(name: string): void {
    this.#kept.delete(name)
  }

  names(): string[] {
    return [...this.#kept.keys()]
  }

  /** How long they are in a checkpoint. */
  get bytes(): number {
    return JSON.stringify([...this.#kept]).length
  }

  /** They come back from a checkpoint. */
  restart(): void {
    this.#kept = new Map(JSON.parse(JSON.stringify([...this.#kept])) as [string, unknown][])
  }
}
