/**
 * Finds the groups of one correlation that are in use, step by step: by scope, then by each value of the group.
 *
 * A cache beside the state. The texts of an event are looked up as they are: a key spelled of them would have to be put
 * together and hashed anew for each correlation that reads the event.
 */

/** By scope, or by a value; those of the last value are groups. */
type Level<Group> = Map<string, Level<Group> | Group>

export class LiveGroups<Group> {
  readonly #root: Level<Group> = new Map()
  readonly #values: number

  /** `values`: how many a group has. */
  constructor(values: number) {
    this.#values = values
  }

  get(scope: string, values: readonly string[]): Group | undefined {
    let level: Level<Group> | undefined = this.#root
    let step = scope
    for (let at = 0; level !== undefined && at < values.length; at++) {
      level = level.get(step) as Level<Group> | undefined
      step = values[at]!
    }
    return level?.get(step) as Group | undefined
  }

  set(scope: string, values: readonly string[], group: Group): void {
    let level = this.#root
    let step = scope
    for (const value of values) {
      let next = level.get(step) as Level<Group> | undefined
      if (next === undefined) level.set(step, (next = new Map()))
      level = next
      step = value
    }
    level.set(step, group)
  }

  delete(scope: string, values: readonly string[]): void {
    remove(this.#root, [scope, ...values], 0)
  }

  /** All of them. */
  all(): readonly Group[] {
    let level: readonly (Level<Group> | Group)[] = [this.#root]
    for (let depth = 0; depth <= this.#values; depth++) {
      level = level.flatMap((each) => [...(each as Level<Group>).values()])
    }
    return level as readonly Group[]
  }
}

/** What is left empty goes with it. */
function remove<Group>(level: Level<Group>, steps: readonly string[], depth: number): void {
  const step = steps[depth]!
  if (depth < steps.length - 1) {
    const next = level.get(step) as Level<Group> | undefined
    if (next === undefined) return
    remove(next, steps, depth + 1)
    if (next.size > 0) return
  }
  level.delete(step)
}
