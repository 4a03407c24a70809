/**
 * One group of a behavior rule as it stands in the task's state: its head, and the entries of its detector at hand.
 *
 * The head stands under the group's key, each entry under a key of its own. Keys are spelled once; an entry that is set
 * again and again is handed to the state once between two checkpoints, which is enough for it to be written.
 *
 * Promises: the state always has the values that were set last.
 */
import { derivedId } from '../../core/ids.ts'
import type { GroupEntries } from '../../engine/behavior/types.ts'
import type { KeyedState } from '../../runtime/stage.ts'
import type { Filed } from './due-index.ts'

/** Longest entry name that is spelled out in a state key. */
const nameCharsMax = 600
/** Entries of a group that are kept at hand; more are looked up in the state. */
const atHandMax = 4
/** Group keys are JSON or hexadecimal: neither has this character unescaped. */
const divider = '\u0000'

/** The head as JSON. */
export interface BehaviorHead {
  readonly scope: string
  readonly values: readonly string[]
  readonly version: number
  readonly names: readonly string[]
  readonly dueMs: number | null
  /** Append time of its first observation; none: known. */
  readonly newSinceMs?: number | undefined
}

/** The state that groups stand in, and how many checkpoints it has seen. */
export interface BehaviorStore {
  readonly state: KeyedState
  checkpoints: number
}

interface Entry {
  readonly name: string
  readonly key: string
  value: unknown
  /** `checkpoints` when it was handed to the state last. */
  setAt: number
}

export class BehaviorGroup implements GroupEntries {
  readonly key: string
  readonly scope: string
  readonly values: readonly string[]
  /** Of the step's state. */
  readonly version: number
  dueMs: number | null
  newSinceMs: number | undefined
  /** Where the group is filed by due time. */
  filed: Filed | undefined
  readonly #store: BehaviorStore
  readonly #names: string[]
  /** Some of the entries; all, where there are as many as names. */
  readonly #atHand: Entry[] = []

  constructor(store: BehaviorStore, key: string, head: BehaviorHead) {
    this.#store = store
    this.key = key
    this.scope = head.scope
    this.values = head.values
    this.version = head.version
    this.dueMs = head.dueMs
    this.newSinceMs = head.newSinceMs
    this.#names = [...head.names]
  }

  /** Whether an observation of this scope with these values belongs to it. */
  isFor(scope: string, values: readonly string[]): boolean {
    if (this.scope !== scope || this.values.length !== values.length) return false
    for (let at = 0; at < values.length; at++) if (this.values[at] !== values[at]) return false
    return true
  }

  /** Something of the head has changed. */
  keep(): void {
    this.#store.state.set(this.key, this)
  }

  get<T>(name: string): T | undefined {
    return this.#entry(name)?.value as T | undefined
  }

  set(name: string, value: unknown): void {
    const { state, checkpoints } = this.#store
    const entry = this.#entry(name)
    if (entry === undefined) {
      const key = entryKey(this.key, name)
      this.#names.push(name)
      this.keep()
      state.set(key, value)
      if (this.#atHand.length < atHandMax) this.#atHand.push({ name, key, value, setAt: checkpoints })
      return
    }
    if (entry.value === value && entry.setAt === checkpoints) return
    state.set(entry.key, value)
    entry.value = value
    entry.setAt = checkpoints
  }

  delete(name: string): void {
    const entry = this.#entry(name)
    if (entry === undefined) return
    this.#store.state.delete(entry.key)
    this.#names.splice(this.#names.indexOf(name), 1)
    const at = this.#atHand.indexOf(entry)
    if (at >= 0) this.#atHand.splice(at, 1)
    this.keep()
  }

  names(): readonly string[] {
    return [...this.#names]
  }

  /** Takes it out of the state, with all its entries. */
  forget(): void {
    const { state } = this.#store
    for (const key of keysOf(this.key, this.#names)) state.delete(key)
  }

  toJSON(): BehaviorHead {
    const { scope, values, version, dueMs, newSinceMs } = this
    return { scope, values, version, names: this.#names, dueMs, newSinceMs }
  }

  #entry(name: string): Entry | undefined {
    const atHand = this.#atHand
    for (let at = 0; at < atHand.length; at++) if (atHand[at]!.name === name) return atHand[at]
    if (atHand.length === this.#names.length) return undefined
    const key = entryKey(this.key, name)
    const value = this.#store.state.get(key)
    if (value === undefined) return undefined
    const entry: Entry = { name, key, value, setAt: -1 }
    if (atHand.length < atHandMax) atHand.push(entry)
    return entry
  }
}

/** The keys of a group's entries, and then its own. */
export function keysOf(key: string, names: readonly string[]): string[] {
  return [...names.map((name) => entryKey(key, name)), key]
}

/** Whether a key is that of an entry, not of a group. */
export function isEntryKey(key: string): boolean {
  return key.includes(divider)
}

function entryKey(key: string, name: string): string {
  return `${key}${divider}${name.length <= nameCharsMax ? name : derivedId('entry', name)}`
}
