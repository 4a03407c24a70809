/**
 * Where the groups of behavior rules are kept, and how the task's state hears of them.
 *
 * The state has a head for each under the group's key, but neither key nor head stands there: the groups themselves are what is
 * kept, and those that have changed are handed on before a checkpoint. So that of a million accounts none needs keys that are
 * only asked for when it has called.
 */
import { BlockRoom } from '../../../engine/behavior/block.ts'
import type { KeyedState } from '../../../runtime/stage/stage.ts'

/** Places in the list of changes that are kept, however few are used. */
const spareMax = 4_096

/** A group (behavior-group.ts), as its store knows it. */
interface Kept {
  readonly key: string
  /** To the state, as it is now. */
  handOn(): void
}

/** Where groups are kept, and what their state is told. */
export interface BehaviorStore {
  readonly state: KeyedState
  /** Where the blocks of its groups lie. */
  readonly room: BlockRoom
  /** How many checkpoints it has seen. */
  checkpoints: number
  /** What must go into the next one: the first so many. The list keeps its room: it is as long each time. */
  readonly changed: (Kept | undefined)[]
  changes: number
}

/** The groups of a store. */
export interface KeptGroups {
  readonly size: number
  all(): Iterable<Kept>
}

export function openStore(state: KeyedState, groups: KeptGroups): BehaviorStore {
  const store: BehaviorStore = { state, room: new BlockRoom(), checkpoints: 0, changed: [], changes: 0 }
  state.keptBy({
    get size() {
      return groups.size
    },
    *entries() {
      for (const group of groups.all()) yield [group.key, group]
    },
  })
  state.beforeCheckpoint(() => {
    const { changed, changes } = store
    for (let n = 0; n < changes; n++) changed[n]!.handOn()
    // Not before all is handed on: what is left by an error goes with the next checkpoint.
    if (changed.length > spareMax && changed.length > 4 * changes) changed.length = 0
    else changed.fill(undefined, 0, changes)
    store.changes = 0
    store.checkpoints++
  })
  return store
}

/** What all groups of one rule have in common. */
export interface GroupOwner {
  /** Key of the rule. */
  readonly rule: string
  /** Of its step's state. */
  readonly version: number
  readonly store: BehaviorStore
}

/** Groups of different rules with the same values. */
export class Place<Group> {
  /** Of the groups: what several rules are grouped by is kept once. */
  readonly values: readonly string[]
  /** The others are beside it; undefined: there is none, and the place is not kept. */
  first: Group | undefined = undefined
  /** Another one whose values spell the same when put together. */
  beside: Place<Group> | undefined = undefined
  /** The place of more values, beginning with these, that was asked for last after this one. */
  further: Place<Group> | undefined = undefined

  constructor(values: readonly string[]) {
    this.values = values
  }
}
