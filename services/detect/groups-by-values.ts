/**
 * Finds the groups of behavior rules by their values: those of one account lie beside each other, whatever their rules.
 *
 * An event asks for several groups of the same values one after the other, so where they are is remembered. A million groups
 * need no list for each account: each knows the next.
 */
import type { BehaviorGroup } from './behavior-group.ts'
import { isSame, nameOf } from './behavior-keys.ts'

/** Groups of different rules with the same values, and those whose values spell the same when put together. */
export interface Place {
  readonly name: string
  /** As they were asked for: the next rule asks with the same texts of the same event. */
  readonly asked: readonly string[]
  /** As groups have them. */
  readonly values: readonly string[]
  /** The others are beside it; undefined: there is none. */
  first: BehaviorGroup | undefined
}

export class GroupsByValues {
  /** By their values, the first of all groups; the others are beside it. */
  readonly #first = new Map<string, BehaviorGroup>()
  /** The places looked at last: of one value, and of several. */
  #lastOne: Place | undefined
  #lastMore: Place | undefined

  /** Where the groups of these values are; an empty one is not kept. */
  placeOf(values: readonly string[]): Place {
    const last = values.length === 1 ? this.#lastOne : this.#lastMore
    if (last !== undefined && isSame(last.asked, values)) return last
    const name = nameOf(values)
    const first = this.#first.get(name)
    let known = first
    while (known !== undefined && !isSame(known.values, values)) known = known.beside
    const place = { name, asked: values, values: known?.values ?? values, first }
    if (values.length === 1) this.#lastOne = place
    else this.#lastMore = place
    return place
  }

  put(group: BehaviorGroup): void {
    const place = this.placeOf(group.values)
    group.beside = place.first
    place.first = group
    this.#first.set(place.name, group)
    this.#forgetOthers(place)
  }

  takeOut(group: BehaviorGroup): void {
    const place = this.placeOf(group.values)
    if (place.first === group) {
      place.first = group.beside
      if (place.first === undefined) this.#first.delete(place.name)
      else this.#first.set(place.name, place.first)
    } else {
      let before = place.first
      while (before !== undefined && before.beside !== group) before = before.beside
      if (before !== undefined) before.beside = group.beside
    }
    group.beside = undefined
    this.#forgetOthers(place)
  }

  /** All of them. */
  *all(): IterableIterator<BehaviorGroup> {
    for (const first of this.#first.values()) {
      for (let group: BehaviorGroup | undefined = first; group !== undefined; group = group.beside) yield group
    }
  }

  /** All of them; none is left. */
  takeAll(): BehaviorGroup[] {
    const all = [...this.all()]
    for (const group of all) group.beside = undefined
    this.#first.clear()
    this.#lastOne = this.#lastMore = undefined
    return all
  }

  /** One value and several may have the same name: what was looked at of the others is not what it was. */
  #forgetOthers({ name, asked }: Place): void {
    if (asked.length === 1) {
      if (this.#lastMore?.name === name) this.#lastMore = undefined
    } else if (this.#lastOne?.name === name) this.#lastOne = undefined
  }
}
