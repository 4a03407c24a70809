/**
 * Which groups want to hear of the watermark, and when. Rebuilt from the state after a restart.
 *
 * Due times mostly move on with every record, so a group is filed once and looked at again when the time it was filed under
 * has come: only its real due time counts. Groups of one slot are a list that runs through them, so that of a million each
 * costs three fields.
 *
 * Promises: `take` gives each group that is due exactly once, in order of due time and of rule, scope and values, so
 * that the order of what comes of it does not depend on the past of the process.
 */
import { leastOf, type Due, type Ordered } from './least-due.ts'

const slotMs = 60_000
/** In place of a slot. */
export const notFiled = -1

/** A group, as it is filed. */
export interface Filed<Group> extends Ordered<Group> {
  /** `notFiled`, or less: it is not. */
  slot: number
  earlier: Group | undefined
  later: Group | undefined
}

export class DueGroups<Group extends Filed<Group>> {
  /** The first of each slot. */
  readonly #slots = new Map<number, Group>()
  readonly #dueOf: (group: Group) => number
  #next = Infinity

  /** `dueOf`: the real due time of a group; Infinity: it is not waiting for anything. */
  constructor(dueOf: (group: Group) => number) {
    this.#dueOf = dueOf
  }

  /** Its due time has changed. */
  file(group: Group, dueMs = this.#dueOf(group)): void {
    if (dueMs === Infinity) return
    const slot = slotOf(dueMs)
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

  remove(group: Group): void {
    const { slot, earlier, later } = group
    if (slot < 0) return
    if (earlier !== undefined) earlier.later = later
    else if (later !== undefined) this.#slots.set(slot, later)
    else this.#slots.delete(slot)
    if (later !== undefined) later.earlier = earlier
    unlink(group)
  }

  /** The groups due at this watermark; they are not due any more until they are filed again. */
  take(watermarkMs: number): Group[] {
    const last = Math.floor(watermarkMs / slotMs)
    if (this.#next > last) return []
    const due: Due<Group>[] = []
    const later: Due<Group>[] = []
    for (const [slot, first] of this.#slots) {
      if (slot > last) continue
      for (let group: Group | undefined = first; group !== undefined;) {
        const next: Group | undefined = group.later
        unlink(group)
        const dueMs = this.#dueOf(group)
        if (dueMs <= watermarkMs) due.push({ dueMs, group })
        else later.push({ dueMs, group })
        group = next
      }
      this.#slots.delete(slot)
    }
    this.#next = Infinity
    for (const slot of this.#slots.keys()) if (slot < this.#next) this.#next = slot
    for (const { group, dueMs } of later) this.file(group, dueMs)
    return leastOf(due, due.length)
  }

  /** Those that are due first, at most so many, in order. Looks at the slots that they are in, not at all groups. */
  earliest(count: number): Group[] {
    const found: Group[] = []
    const never: Due<Group>[] = []
    let slot = -Infinity
    while (found.length < count) {
      let next = Infinity
      for (const each of this.#slots.keys()) if (each > slot && each < next) next = each
      if (next === Infinity) break
      slot = next
      const here: Due<Group>[] = []
      for (const each of this.#dueIn(slot)) (each.dueMs === Infinity ? never : here).push(each)
      found.push(...leastOf(here, count - found.length))
    }
    return found.length < count ? [...found, ...leastOf(never, count - found.length)] : found
  }

  /** The groups of a slot; those that are due after it go where they belong. */
  #dueIn(slot: number): Due<Group>[] {
    const here: Due<Group>[] = []
    for (let group = this.#slots.get(slot); group !== undefined;) {
      const next: Group | undefined = group.later
      const dueMs = this.#dueOf(group)
      if (dueMs === Infinity || slotOf(dueMs) <= slot) here.push({ dueMs, group })
      else {
        this.remove(group)
        this.file(group, dueMs)
      }
      group = next
    }
    return here
  }
}

function slotOf(dueMs: number): number {
  return Math.max(0, Math.floor(dueMs / slotMs))
}

function unlink<Group>(group: Filed<Group>): void {
  group.slot = notFiled
  group.earlier = undefined
  group.later = undefined
}
