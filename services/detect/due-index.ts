/**
 * Which keys want to hear of the watermark, and when. Rebuilt from the state after a restart.
 *
 * Due times mostly move on with every record, so a key is filed once and looked at again when the time it was filed under
 * has come: only its real due time counts, which the owner tells.
 *
 * Promises: `take` gives each key that is due exactly once, in order of due time and key, so that the order of what comes
 * of it does not depend on the past of the process.
 */
export class DueIndex {
  readonly #filed = new Map<string, Filed>()
  readonly #slots = new Map<number, Set<string>>()
  readonly #slotMs: number
  readonly #dueOf: (key: string) => number
  #next = Infinity

  /** `dueOf`: the real due time of a key; Infinity: it is not waiting for anything. */
  constructor(dueOf: (key: string) => number, slotMs = 60_000) {
    this.#dueOf = dueOf
    this.#slotMs = slotMs
  }

  /** The key is due no earlier than this. */
  set(key: string, dueMs: number): void {
    this.move(undefined, key, dueMs)
  }

  /** The same, for whom keeps what was given back the last time: mostly nothing is looked up then. */
  move(known: Filed | undefined, key: string, dueMs: number): Filed | undefined {
    if (known !== undefined && known.atMs <= dueMs) return known
    const filed = this.#filed.get(key)
    if (dueMs === Infinity || (filed !== undefined && filed.atMs <= dueMs)) return filed
    if (filed !== undefined) this.#slots.get(this.#slotOf(filed.atMs))?.delete(key)
    return this.#file(key, dueMs)
  }

  delete(key: string): void {
    const filed = this.#filed.get(key)
    if (filed === undefined) return
    this.#slots.get(this.#slotOf(filed.atMs))?.delete(key)
    this.#unfile(key)
  }

  /** The keys due at this watermark; they are not due any more until `set` again. */
  take(watermarkMs: number): string[] {
    const last = Math.floor(watermarkMs / this.#slotMs)
    if (this.#next > last) return []
    const due: [number, string][] = []
    const later: [number, string][] = []
    for (const [slot, keys] of this.#slots) {
      if (slot > last) continue
      for (const key of keys) {
        const dueMs = this.#dueOf(key)
        if (dueMs <= watermarkMs) due.push([dueMs, key])
        else later.push([dueMs, key])
        this.#unfile(key)
      }
      this.#slots.delete(slot)
    }
    this.#next = Infinity
    for (const slot of this.#slots.keys()) if (slot < this.#next) this.#next = slot
    for (const [dueMs, key] of later) if (dueMs !== Infinity) this.#file(key, dueMs)
    return due.sort(byDue).map(([, key]) => key)
  }

  /** The keys that are due first, at most so many, in order. Looks at the slots that they are in, not at all keys. */
  earliest(count: number): string[] {
    const found: [number, string][] = []
    const never: [number, string][] = []
    let slot = -Infinity
    while (found.length < count) {
      let next = Infinity
      for (const each of this.#slots.keys()) if (each > slot && each < next) next = each
      if (next === Infinity) break
      slot = next
      const here: [number, string][] = []
      for (const [dueMs, key] of this.#dueIn(slot)) {
        if (dueMs === Infinity) never.push([dueMs, key])
        else here.push([dueMs, key])
      }
      found.push(...leastOf(here, count - found.length, slot * this.#slotMs, this.#slotMs))
    }
    return [...found, ...never.sort(byDue)].slice(0, count).map(([, key]) => key)
  }

  /** The keys of a slot; those that are due after it go where they belong. */
  #dueIn(slot: number): readonly (readonly [number, string])[] {
    const due = Array.from(this.#slots.get(slot) ?? [], (key): [number, string] => [this.#dueOf(key), key])
    const end = (slot + 1) * this.#slotMs
    const here: [number, string][] = []
    for (const each of due) {
      const [dueMs, key] = each
      if (dueMs < end || dueMs === Infinity) here.push(each)
      else {
        this.#slots.get(slot)?.delete(key)
        this.#file(key, dueMs)
      }
    }
    return here
  }

  get size(): number {
    return this.#filed.size
  }

  #slotOf(dueMs: number): number {
    return Math.max(0, Math.floor(dueMs / this.#slotMs))
  }

  #unfile(key: string): void {
    const filed = this.#filed.get(key)
    if (filed !== undefined) filed.atMs = NaN
    this.#filed.delete(key)
  }

  #file(key: string, dueMs: number): Filed {
    let filed = this.#filed.get(key)
    if (filed === undefined) this.#filed.set(key, (filed = { atMs: dueMs }))
    else filed.atMs = dueMs
    const slot = this.#slotOf(dueMs)
    const keys = this.#slots.get(slot)
    if (keys === undefined) this.#slots.set(slot, new Set([key]))
    else keys.add(key)
    if (slot < this.#next) this.#next = slot
    return filed
  }
}

/** Stretches that the keys of a slot are divided into, so that not all of them are sorted. */
const stretches = 256

/** Those that are due first, in order; all of them are due within the slot, or before it. */
function leastOf(
  all: readonly [number, string][],
  count: number,
  fromMs: number,
  slotMs: number,
): readonly [number, string][] {
  if (all.length <= count) return [...all].sort(byDue)
  const stretchOf = (dueMs: number): number => Math.max(0, Math.floor(((dueMs - fromMs) * stretches) / slotMs))
  const sizes = new Array<number>(stretches).fill(0)
  for (const [dueMs] of all) sizes[stretchOf(dueMs)]!++
  let last = 0
  for (let sum = sizes[0]!; sum < count; sum += sizes[++last]!);
  const among = all.filter(([dueMs]) => stretchOf(dueMs) <= last)
  return among.sort(byDue).slice(0, count)
}

function byDue([a, x]: readonly [number, string], [b, y]: readonly [number, string]): number {
  return a - b || (x < y ? -1 : x > y ? 1 : 0)
}

/** Where a key is filed. */
export interface Filed {
  /** Never later than the key's real due time; not a number: it is not filed any more. */
  atMs: number
}
