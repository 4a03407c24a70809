/**
 * One group of a behavior rule, of which the task's state has the head under the group's key: kept here, spelled when a
 * checkpoint wants it.
 *
 * Most groups have one entry, the one without a name: it stands in the head. Others stand in the state under keys
 * of their own, and where there are many, so does that one, so that it can change without the long list of names being
 * written again. What changes is handed to the state once between two checkpoints.
 *
 * Promises: a checkpoint has the values that were set last. Of a million groups each costs a few hundred bytes beside what
 * its detector keeps.
 */
import { Block, type BlockRoom } from '../../../engine/behavior/block.ts'
import type { GroupEntries } from '../../../engine/behavior/types.ts'
import { entryKey, isSame, keyOf } from './behavior-keys.ts'
import type { GroupOwner, Place } from './behavior-store.ts'
import { notFiled, type Filed } from '../due-groups.ts'
import { MoreEntries, type Entry } from './more-entries.ts'

/** In place of a slot: it is not filed, and not known any more. */
const forgotten = -2

/** The head as JSON. */
export interface BehaviorHead {
  readonly scope: string
  readonly values: readonly string[]
  readonly version: number
  readonly names: readonly string[]
  readonly dueMs: number | null
  /** Append time of its first observation; none: known. */
  readonly newSinceMs?: number | undefined
  /** The entry without a name. It stands under a key of its own where it is not here; always so in version 2 of the state. */
  readonly own?: unknown
}

export class BehaviorGroup implements GroupEntries, Filed<BehaviorGroup> {
  readonly scope: string
  readonly values: readonly string[]
  owner: GroupOwner
  /** Infinity: it waits for nothing. A number from the start: then it is changed in place, and not made anew with each change. */
  dueMs = Infinity
  newSinceMs: number | undefined
  /** The next group of the same values, of another rule or scope. */
  beside: BehaviorGroup | undefined = undefined
  /** Where it is found; undefined: nowhere yet. */
  place: Place<BehaviorGroup> | undefined = undefined
  /** Where it is filed by due time, and beside whom: see DueGroups. */
  slot: number = notFiled
  earlier: BehaviorGroup | undefined = undefined
  later: BehaviorGroup | undefined = undefined
  /** The entry without a name. */
  #own: unknown
  /** Undefined: it has no other. */
  #more: MoreEntries | undefined
  /** `checkpoints` when it was last marked as changed. */
  #keptAt = -1
  /** The state has it. */
  #isHandedOn: boolean

  /** `isHandedOn`: the head is what the state has. */
  constructor(owner: GroupOwner, head: BehaviorHead, isHandedOn = false) {
    this.owner = owner
    this.#isHandedOn = isHandedOn
    this.scope = head.scope
    this.values = head.values
    this.dueMs = head.dueMs ?? Infinity
    this.newSinceMs = head.newSinceMs
    this.#own = head.own
    this.#more = undefined
    const { names } = head
    if (names.length > 1 || (names.length === 1 && head.own === undefined)) {
      this.#more = new MoreEntries([...names], head.own === undefined && names.includes(''))
      if (this.#more.apart && !this.#more.isLong) this.#joinHead(this.#more)
    }
  }

  /** Of the state that its entries hold. */
  get version(): number {
    return this.owner.version
  }

  get room(): BlockRoom {
    return this.owner.store.room
  }

  /** Under which the state has its head. Spelled anew each time: few are asked for it. */
  get key(): string {
    return keyOf(this.owner.rule, this.scope, this.values)
  }

  /** It is kept as it is for the next time: neither the state nor anybody else has it. */
  get isForgotten(): boolean {
    return this.slot === forgotten
  }

  /** After it was forgotten. */
  beginAnew(newSinceMs: number | undefined): void {
    this.slot = notFiled
    this.dueMs = Infinity
    this.newSinceMs = newSinceMs
  }

  /**
   * Whether an observation of this rule and scope with these values belongs to it. `areSame`: tells whether values are
   * the same.
   */
  isFor(rule: string, scope: string, values: readonly string[], areSame = isSame): boolean {
    if (this.isForgotten || this.owner.rule !== rule || this.scope !== scope) return false
    return areSame(this.values, values)
  }

  compareTo(other: BehaviorGroup): number {
    const ofRule = compared(this.owner.rule, other.owner.rule) || compared(this.scope, other.scope)
    if (ofRule !== 0) return ofRule
    const { values } = this
    for (let at = 0; at < values.length; at++) {
      const ofValue = compared(values[at]!, other.values[at]!)
      if (ofValue !== 0) return ofValue
    }
    return 0
  }

  /** Something of the head has changed. */
  keep(): void {
    const { store } = this.owner
    if (this.#keptAt === store.checkpoints) return
    store.changed[store.changes++] = this
    this.#keptAt = store.checkpoints
  }

  /** Before a checkpoint. */
  handOn(): void {
    if (this.isForgotten) return
    this.owner.store.state.handOn(this.key, this)
    this.#isHandedOn = true
  }

  get<T>(name: string): T | undefined {
    if (name === '' && this.#more?.apart !== true) return this.#own as T | undefined
    return this.#entry(name)?.value as T | undefined
  }

  set(name: string, value: unknown): void {
    if (name === '' && this.#more?.apart !== true) {
      if (this.#own === undefined) this.#more?.names.push('')
      if (value !== this.#own) {
        leave(this.#own)
        this.#own = value
        if (value instanceof Block) value.moveInto(this.owner.store.room)
      }
      this.keep()
      return
    }
    const { state, checkpoints } = this.owner.store
    const entry = this.#entry(name)
    if (entry === undefined) return this.#add(name, value)
    if (entry.value === value && entry.setAt === checkpoints) return
    state.set(entry.key, value)
    if (entry.value !== value) leave(entry.value)
    entry.value = value
    entry.setAt = checkpoints
  }

  delete(name: string): void {
    const more = this.#more
    if (name === '' && more?.apart !== true) {
      if (this.#own === undefined) return
      leave(this.#own)
      this.#own = undefined
      if (more !== undefined) more.names.splice(more.names.indexOf(''), 1)
      return this.keep()
    }
    const entry = this.#entry(name)
    if (entry === undefined || more === undefined) return
    this.owner.store.state.delete(entry.key)
    leave(entry.value)
    more.drop(entry)
    this.keep()
  }

  names(): readonly string[] {
    if (this.#more !== undefined) return [...this.#more.names]
    return this.#own === undefined ? [] : ['']
  }

  /** Takes it out of the state, with all its entries. */
  forget(): void {
    const { state } = this.owner.store
    leave(this.#own)
    if (this.#more !== undefined) {
      const own = this.key
      for (const name of this.#more.names) {
        const key = entryKey(own, name)
        leave(state.get(key))
        state.delete(key)
      }
    }
    if (this.#isHandedOn) state.handOn(this.key, undefined)
    this.#own = this.#more = undefined
    this.slot = forgotten
  }

  toJSON(): BehaviorHead {
    const { scope, values, version, newSinceMs } = this
    const dueMs = this.dueMs === Infinity ? null : this.dueMs
    return { scope, values, version, names: this.names(), dueMs, newSinceMs, own: this.#own }
  }

  #add(name: string, value: unknown): void {
    const { state, checkpoints } = this.owner.store
    const more = (this.#more ??= new MoreEntries(this.#own === undefined ? [] : [''], false))
    const key = more.keyOf(name, this)
    more.names.push(name)
    state.set(key, value)
    more.put({ name, key, value, setAt: checkpoints })
    if (more.isLong && this.#own !== undefined) {
      state.set(entryKey(this.key, ''), this.#own)
      more.apart = true
      this.#own = undefined
    }
    this.keep()
  }

  /** Puts the entry without a name into the head, where it stood apart. */
  #joinHead(more: MoreEntries): void {
    const { state } = this.owner.store
    const key = entryKey(this.key, '')
    this.#own = state.get(key)
    more.apart = false
    if (this.#own === undefined) more.names.splice(more.names.indexOf(''), 1)
    state.delete(key)
    if (more.names.length <= 1 && this.#own !== undefined) this.#more = undefined
    this.keep()
  }

  #entry(name: string): Entry | undefined {
    return this.#more?.find(name, this, this.owner.store.state)
  }
}

function compared(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** A value that nobody asks for any more makes room. */
function leave(value: unknown): void {
  if (value instanceof Block) value.leave()
}
