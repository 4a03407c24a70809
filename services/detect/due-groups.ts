/**
 * Which groups of behavior rules want to hear of the watermark, and when. Rebuilt from the state after a restart.
 *
 * Due times mostly move on with every record, so a group is filed once and looked at again when the time it was filed under
 * has come: only its real due time counts. Groups of one slot are a list that runs through them, so that of a million each
 * costs three fields. They are ordered when they are due: only then each says its key.
 *
 * Promises: `take` gives each group that is due exactly once, in order of due time and key, so that the order of what comes
 * of it does not depend on the past of the process.
 */
import type { BehaviorGroup } from './behavior-group.ts'

const slotMs = 60_000
const notFiled = -1

export class DueGroups {
  /** The first of each slot. */
  readonly #slots = new Map<number, BehaviorGroup>()
  #next = Infinity

  /** Its due time has changed. */
  file(group: BehaviorGroup): void {
    if (group.dueMs === Infinity) return
    const slot = Math.max(0, Math.floor(group.dueMs / slotMs))
    if (group.slot >= 0) {
      if (group.slot <= slot) return
      this.remove(group)
    }
    const first = this.#slots.get(slot)
    group.slot = slot
    group.later = first
    if (first !== undefined) first.earlier = group
    this.#slots.set(slot, group)
    if (slot < this.#next) this.#next = slot
  }

  remove(group: BehaviorGroup): void {
    const { slot, earlier, later } = group
    if (slot < 0) return
    if (earlier !== undefined) earlier.later = later
    else if (later !== undefined) this.#slots.set(slot, later)
    else this.#slots.delete(slot)
    if (later !== undefined) later.earlier = earlier
    unlink(group)
  }

  /** The groups due at this watermark; they are not due any more until they are filed again. */
  take(watermarkMs: number): BehaviorGroup[] {
    const last = Math.floor(watermarkMs / slotMs)
    if (this.#next > last) return []
    const due: BehaviorGroup[] = []
    const later: BehaviorGroup[] = []
    for (const [slot, first] of this.#slots) {
      if (slot > last) continue
      for (let group: BehaviorGroup | undefined = first; group !== undefined;) {
        const next: BehaviorGroup | undefined = group.later
        unlink(group)
        if (group.dueMs <= watermarkMs) due.push(group)
        else later.push(group)
        group = next
      }
      this.#slots.delete(slot)
    }
    this.#next = Infinity
    for (const slot of this.#slots.keys()) if (slot < this.#next) this.#next = slot
    for (const group of later) this.file(group)
    if (due.length === 1) return due
    return due
      .map((group): Due => [group.dueMs, group.key, group])
      .sort(byDue)
      .map(([, , group]) => group)
  }
}

type Due = readonly [dueMs: number, key: string, group: BehaviorGroup]

function unlink(group: BehaviorGroup): void {
  group.slot = notFiled
  group.earlier = undefined
  group.later = undefined
}

function byDue([a, x]: Due, [b, y]: Due): number {
  return a - b || (x < y ? -1 : x > y ? 1 : 0)
}
