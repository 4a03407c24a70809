/**
 * One group of a correlation as it stands in the task's state.
 *
 * Under the group's key stands its head: whose it is, and all that stays small: who was named when is let go with what
 * no finding needs, and takes 128 KiB at most. What grows with every event (the operator's `entries`, the exposure of
 * each event) stands beside it in chunks, once there is more of it than fits into one. So a checkpoint writes what is
 * new of a busy group, and of others, which are most, the head alone.
 */
import type { GroupState } from '../../../engine/sigma/types.ts'
import type { KeyedState } from '../../../runtime/stage/stage.ts'
import { ChunkedList } from './chunked-list.ts'
import { notFiled, type Filed } from '../due-groups.ts'
import { newContext, note, type GroupContext, type Reach } from './group-context.ts'
import type { Named } from './named-entities.ts'
import type { ObservationContext } from '../observed.ts'

/** Group keys are JSON or hexadecimal: neither has this character unescaped. */
const divider = '\u0000'
/** Entries, of about 70 bytes, or 330 with their evidence. */
const entriesPerChunk = 16
/** Numbers, three an event. */
const exposedPerChunk = 96

const nowhere: readonly number[] = []

/** The head as JSON. */
interface Head {
  readonly scope: string
  readonly values: readonly string[]
  readonly version: number
  readonly state: object
  /** Who was named when. */
  readonly sets: readonly Named[]
  readonly told: Record<string, number>
  /** Chunks of the lists, or a list itself, whole; null: the operator keeps no entries. */
  readonly entries: number | null | readonly unknown[]
  readonly exposed: number | readonly number[]
}

/** A group as version 1 of detect's state had it: in one piece. */
interface WholeGroup extends Pick<Head, 'scope' | 'values' | 'version' | 'told'> {
  readonly state: WithEntries
  readonly context: {
    readonly sets: readonly Named[]
    readonly times: readonly number[]
    readonly bytes: readonly number[]
    readonly queries: readonly number[]
  }
}

/** The head of a group that version 1 has kept; its lists go into chunks with the next checkpoint. */
export function headOfWhole({ context, state, ...of }: WholeGroup): Head {
  const { sets, times, bytes, queries } = context
  const { entries = null, ...rest } = state
  const exposed = times.flatMap((time, at) => [time, bytes[at] ?? 0, queries[at] ?? 0])
  return { ...of, state: rest, sets, entries, exposed }
}

/** What an operator's state may hold that grows with every event. */
interface WithEntries {
  entries?: readonly unknown[]
}

export class KeptGroup implements Filed<KeptGroup> {
  readonly key: string
  readonly scope: string
  readonly values: readonly string[]
  /** Of the operator's state. */
  version: number
  readonly context: GroupContext
  /** Findings handed to correlations that stand on this one: anchor -> when it held. */
  readonly told: Record<string, number>
  /** Where it is filed by due time, and beside whom: see DueGroups. */
  slot: number = notFiled
  earlier: KeptGroup | undefined = undefined
  later: KeptGroup | undefined = undefined
  /** False: it was forgotten. */
  alive = true
  state: GroupState
  readonly #store: KeyedState
  /** Undefined: as long as it is short it stands in the head. */
  #entries: ChunkedList | undefined
  #exposed: ChunkedList | undefined
  /** Something has changed since the last checkpoint: of the lists, what stands from here on. */
  #touched = false
  #entriesFrom = Infinity
  /** Before that, these alone. */
  #entriesAlso: Set<number> | undefined
  #exposedFrom = Infinity

  private constructor(store: KeyedState, key: string, head: Head) {
    this.#store = store
    this.key = key
    this.scope = head.scope
    this.values = head.values
    this.version = head.version
    this.told = head.told
    if (typeof head.entries === 'number' && head.entries > 0) this.#entries = this.#chunked('e', head.entries)
    if (typeof head.exposed === 'number' && head.exposed > 0) this.#exposed = this.#chunked('x', head.exposed)
    this.state = head.state
    this.context = newContext(head.sets)
  }

  static create(
    store: KeyedState,
    key: string,
    of: {
      readonly scope: string
      readonly values: readonly string[]
      readonly version: number
      readonly state: GroupState
    },
  ): KeptGroup {
    return new KeptGroup(store, key, { ...of, sets: [], told: {}, entries: null, exposed: 0 })
  }

  /** All groups in the state. */
  static *restore(store: KeyedState, prefix: string): IterableIterator<KeptGroup> {
    const heads = [...store.entries<Head | KeptGroup>(prefix)].filter(([key]) => !key.includes(divider))
    for (const [key, value] of heads) {
      const head = value instanceof KeptGroup ? value.toJSON() : value
      const group = new KeptGroup(store, key, { ...head, state: { ...head.state } })
      const { entries, exposed } = head
      if (entries !== null)
        (group.state as WithEntries).entries =
          typeof entries === 'number' ? (group.#entries?.restore() ?? []) : [...entries]
      group.context.exposed = typeof exposed === 'number' ? (group.#exposed?.restore() ?? []) : [...exposed]
      yield group
    }
  }

  compareTo({ key }: KeptGroup): number {
    return this.key === key ? 0 : this.key < key ? -1 : 1
  }

  /** Whether an event of this scope with these values belongs to it. */
  isFor(scope: string, values: readonly string[]): boolean {
    if (!this.alive || this.scope !== scope || this.values.length !== values.length) return false
    for (let at = 0; at < values.length; at++) if (this.values[at] !== values[at]) return false
    return true
  }

  /** The group's event of this time is taken in. */
  note(timestampMs: number, context: ObservationContext, reach: Reach): void {
    const from = note(this.context, timestampMs, context, reach)
    if (from < this.#exposedFrom) this.#exposedFrom = from
  }

  /**
   * The operator's state is this now; of its entries only those from `from` on have changed, and those in the places
   * `also`. True: the first time since `settle`.
   */
  keep(state: GroupState, from: number, also: readonly number[] = nowhere): boolean {
    this.state = state
    if (from < this.#entriesFrom) this.#entriesFrom = from
    if (also.length > 0) this.#entriesAlso ??= new Set()
    for (const at of also) this.#entriesAlso!.add(at)
    const first = !this.#touched
    this.#touched = true
    return first
  }

  /** The group was of an earlier version: all of it goes into the next checkpoint. */
  renew(state: GroupState, version: number): void {
    this.version = version
    this.keep(state, 0)
  }

  /** Before a checkpoint: what has changed goes into it. */
  settle(): void {
    if (!this.#touched || !this.alive) return
    const { entries = nowhere } = this.state as WithEntries
    if (this.#entries !== undefined) this.#entries.settle(entries, this.#entriesFrom, this.#entriesAlso)
    else if (entries.length > entriesPerChunk) (this.#entries = this.#chunked('e')).settle(entries, 0)
    if (this.#entries?.chunks === 0) this.#entries = undefined
    const { exposed } = this.context
    if (this.#exposed !== undefined) this.#exposed.settle(exposed, this.#exposedFrom)
    else if (exposed.length > exposedPerChunk) (this.#exposed = this.#chunked('x')).settle(exposed, 0)
    if (this.#exposed?.chunks === 0) this.#exposed = undefined
    this.#store.set(this.key, this)
    this.#touched = false
    this.#entriesFrom = Infinity
    this.#entriesAlso = undefined
    this.#exposedFrom = Infinity
  }

  forget(): void {
    this.alive = false
    this.#entries?.delete()
    this.#exposed?.delete()
    this.#store.delete(this.key)
  }

  toJSON(): Head {
    const { scope, values, version, told } = this
    const { entries, ...state } = this.state as WithEntries
    return {
      scope,
      values,
      version,
      state,
      sets: this.context.named.toJSON(),
      told,
      entries: entries === undefined ? null : (this.#entries?.chunks ?? entries),
      exposed: this.#exposed?.chunks ?? this.context.exposed,
    }
  }

  #chunked(list: 'e' | 'x', chunks = 0): ChunkedList {
    const perChunk = list === 'e' ? entriesPerChunk : exposedPerChunk
    return new ChunkedList(this.#store, `${this.key}${divider}${list}`, perChunk, chunks)
  }
}
