/**
 * Where the groups of behavior rules are kept, and how the task's state hears of them.
 *
 * The state has a head for each under the group's key, but neither key nor head stands there: the groups themselves are what is
 * kept, and those that have changed are handed on before a checkpoint. So that of a million accounts none needs keys that are
 * only asked for when it has called.
 */
import { BlockRoom } from '../../engine/behavior/block.ts'
import type { KeyedState } from '../../runtime/stage.ts'

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
  /** What must go into the next one. */
  changed: Kept[]
}

/** The groups of a store. */
export interface KeptGroups {
  readonly size: number
  all(): Iterable<Kept>
}

export function openStore(state: KeyedState, groups: KeptGroups): BehaviorStore {
  const store: BehaviorStore = { state, room: new BlockRoom(), checkpoints: 0, changed: [] }
  state.keptBy({
    get size() {
      return groups.size
    },
    *entries() {
      for (const group of groups.all()) yield [group.key, group]
    },
  })
  state.beforeCheckpoint(() => {
    const { changed } = store
    for (const group of changed) group.handOn()
    // Not before all is handed on: what is left by an error goes with the next checkpoint.
    if (changed.length > 0) store.changed = []
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
