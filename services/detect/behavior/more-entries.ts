/**
 * The entries of a group of a behavior rule (behavior-group.ts) that has more than the one without a name: their names, and
 * those that were asked for last, so that not each question looks into the state.
 */
import type { KeyedState } from '../../../runtime/stage/stage.ts'
import { entryKey } from './behavior-keys.ts'

/** Entries that are kept at hand in a list; more of them by name, and past that they are looked up in the state. */
const atHandMax = 4
const atHandByNameMax = 4_096
/** Names up to which the entry without a name stands in the head. */
const namesInHeadMax = 8

export interface Entry {
  readonly name: string
  readonly key: string
  value: unknown
  /** `checkpoints` when it was handed to the state last. */
  setAt: number
}

/** The state's key of a group is spelled anew each time that it is asked for. */
interface Keyed {
  readonly key: string
}

export class MoreEntries {
  readonly names: string[]
  /** The entry without a name stands under a key of its own. */
  apart: boolean
  /** Some of those under keys of their own. */
  readonly #atHand: Entry[] = []
  /** More of them, of a group that has many: a state key is long, and would have to be spelled and hashed each time. */
  #byName: Map<string, Entry> | undefined
  /** Of the group, where it has many: it is long, and each of them begins with it. */
  #key: string | undefined

  constructor(names: string[], apart: boolean) {
    this.names = names
    this.apart = apart
  }

  /** They are too many for the entry without a name to stand in the head. */
  get isLong(): boolean {
    return this.names.length > namesInHeadMax
  }

  keyOf(name: string, group: Keyed): string {
    return entryKey(this.isLong ? (this.#key ??= group.key) : group.key, name)
  }

  find(name: string, group: Keyed, state: KeyedState): Entry | undefined {
    const atHand = this.#atHand
    for (let at = 0; at < atHand.length; at++) if (atHand[at]!.name === name) return atHand[at]
    const known = this.#byName?.get(name)
    if (known !== undefined) return known
    if (!this.isLong && !this.names.includes(name)) return undefined
    const key = this.keyOf(name, group)
    const value = state.get(key)
    if (value === undefined) return undefined
    const entry: Entry = { name, key, value, setAt: -1 }
    this.put(entry)
    return entry
  }

  put(entry: Entry): void {
    if (this.#atHand.length < atHandMax) {
      this.#atHand.push(entry)
      return
    }
    this.#byName ??= new Map()
    if (this.#byName.size >= atHandByNameMax) this.#byName.clear()
    this.#byName.set(entry.name, entry)
  }

  drop(entry: Entry): void {
    const { name } = entry
    this.names.splice(this.names.indexOf(name), 1)
    const at = this.#atHand.indexOf(entry)
    if (at >= 0) this.#atHand.splice(at, 1)
    this.#byName?.delete(name)
    if (name === '') this.apart = false
  }
}
