/**
 * Finds the groups of behavior rules by their values: those of one account lie beside each other, whatever their rules.
 *
 * An event asks for several groups of the same values one after the other, so where they are is remembered; and mostly
 * for those of an account and then for those of the account and its model, so the one place knows the other. A million
 * groups need no list for each account: each knows the next.
 *
 * A group that is forgotten stays beside the others, empty, for it mostly begins anew with the next event: some are
 * forgotten each hour. It goes with the last of the others, and when there are too many of them.
 */
import type { BehaviorGroup } from './behavior-group.ts'
import { isSame, nameOf } from './behavior-keys.ts'
import { Place as PlaceOf } from './behavior-store.ts'

type Place = PlaceOf<BehaviorGroup>

/** Empty groups of the same values. */
const emptyMax = 16

export class GroupsByValues {
  /** By their values put together, the first of all places; the others are beside it. */
  readonly #places = new Map<string, Place>()
  /**
   * The places looked at last, of one value and of several, and the list they were asked for with: the next rule asks
   * with that of the same event.
   */
  #one: Place | undefined
  #askedOne: readonly string[] = []
  #more: Place | undefined
  #askedMore: readonly string[] = []

  /** Where the groups of these values are, or would be. */
  placeOf(values: readonly string[]): Place {
    if (values.length === 1) {
      if (this.#one === undefined || !isSame(this.#askedOne, values)) {
        this.#one = this.#find(values)
        this.#askedOne = values
      }
      return this.#one
    }
    if (this.#more === undefined || !isSame(this.#askedMore, values)) {
      this.#more = this.#findFurther(values)
      this.#askedMore = values
    }
    return this.#more
  }

  put(group: BehaviorGroup): void {
    const place = this.placeOf(group.values)
    if (place.first === undefined) {
      const name = nameOf(place.values)
      place.beside = this.#places.get(name)
      this.#places.set(name, place)
    }
    group.beside = place.first
    group.place = place
    place.first = group
  }

  /** A group was forgotten. */
  forgotten({ place }: BehaviorGroup): void {
    if (place === undefined) return
    let kept = 0
    let empty = 0
    for (let group = place.first; group !== undefined; group = group.beside) {
      if (group.isForgotten) empty++
      else kept++
    }
    if (kept === 0) this.#drop(place)
    else if (empty > emptyMax) dropEmpty(place)
  }

  /** All of them but those that are forgotten. */
  *all(): IterableIterator<BehaviorGroup> {
    for (const first of this.#places.values()) {
      for (let place: Place | undefined = first; place !== undefined; place = place.beside) {
        for (let group = place.first; group !== undefined; group = group.beside) if (!group.isForgotten) yield group
      }
    }
  }

  /** The same; none is left. */
  takeAll(): BehaviorGroup[] {
    const all = [...this.all()]
    for (const group of all) group.beside = group.place = undefined
    this.#places.clear()
    this.#one = this.#more = undefined
    return all
  }

  /** Of several values: mostly they are those that were asked for last after the first of them. */
  #findFurther(values: readonly string[]): Place {
    const one = this.#one?.values[0] === values[0] ? this.#one : undefined
    const known = one?.further
    if (known?.first !== undefined && isSame(known.values, values)) return known
    const place = this.#find(values)
    if (one !== undefined) one.further = place
    return place
  }

  #find(values: readonly string[]): Place {
    let place = this.#places.get(nameOf(values))
    while (place !== undefined && !isSame(place.values, values)) place = place.beside
    return place ?? new PlaceOf(values)
  }

  #drop(place: Place): void {
    const name = nameOf(place.values)
    const first = this.#places.get(name)
    if (first === place) {
      if (place.beside === undefined) this.#places.delete(name)
      else this.#places.set(name, place.beside)
    } else {
      let before = first
      while (before !== undefined && before.beside !== place) before = before.beside
      if (before !== undefined) before.beside = place.beside
    }
    place.first = place.beside = place.further = undefined
  }
}

function dropEmpty(place: Place): void {
  const kept: BehaviorGroup[] = []
  for (let group = place.first; group !== undefined; group = group.beside) if (!group.isForgotten) kept.push(group)
  for (const [n, group] of kept.entries()) group.beside = kept[n + 1]
  place.first = kept[0]
}
