/**
 * Remembers what a principal's last events belonged to, so that the next one need not look it up.
 *
 * A cache: what comes out is equal with and without it.
 */
import type { Entity } from '../../core/signal.ts'
import { keyOfText } from '../../engine/behavior/input/input.ts'
import type { BehaviorGroup } from './behavior/behavior-group.ts'
import type { KeptGroup } from './correlations/kept-group.ts'

/** What the last events of one principal had: mostly the next one has the same. */
export class Familiar {
  /** A list that is handed on as it is shows at a glance, to whom keeps it, that it is the same. */
  entities: readonly Entity[] = []
  /** The group of each correlation, by the correlation's number. */
  readonly groups: (KeptGroup | undefined)[] = []
  /** And of each behavior rule. */
  readonly behavior: (BehaviorGroup | undefined)[] = []
}

/** A power of two. */
const slotCount = 8_192

/**
 * Each principal has one slot, by its hash, and there is what the last one had that came twice in a row there.
 *
 * Most of many principals are not asked for again before another comes to their slot: until then they share one, so
 * that nothing of theirs waits to be forgotten. What is there is mostly another's; whoever takes something out of it
 * asks first whose it is.
 */
export class FamiliarPrincipals {
  readonly #passing = new Familiar()
  readonly #known = new Array<Familiar | undefined>(slotCount).fill(undefined)
  /** Whose `known` is. */
  readonly #names = new Array<string>(slotCount).fill('')
  /** The hash of who came last. */
  readonly #last = new Uint32Array(slotCount)

  get(principal: string): Familiar {
    const hash = keyOfText(principal)
    const slot = hash & (slotCount - 1)
    const known = this.#known[slot]
    if (known !== undefined && this.#names[slot] === principal) return known
    if (this.#last[slot] !== hash) {
      this.#last[slot] = hash
      return this.#passing
    }
    this.#names[slot] = principal
    return (this.#known[slot] = new Familiar())
  }
}
