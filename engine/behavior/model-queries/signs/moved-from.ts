/**
 * Of an account that asks training records or is under suspicion, whether a picture is one of its last ones moved
 * (moved.ts): a label-only inference of membership asks some such of each candidate (Choquette-Choo et al. 2021), and
 * who wants a surer answer does of each of its own.
 *
 * What was asked before its first record is not known, so that of what is made of this one nothing is told, unless the
 * account begins with it.
 */
import type { GroupEntries } from '../../types.ts'
import { noted, type Account } from '../account/account.ts'
import { membersName } from '../account/asked-members.ts'
import { Bases } from '../account/bases.ts'
import { suspicionName } from '../account/suspicion.ts'
import type { Reference } from '../honest/reference.ts'
import type { QueryInput } from '../../input/input.ts'
import { closeShare } from '../shapes/geometry.ts'
import { pictureOf, pixels } from '../shapes/moved.ts'

const name = 'bases'
const picture = new Float64Array(pixels)

export class Moved {
  readonly #bases: Bases
  /** Of the bases that the query is, moved. */
  readonly #places: readonly number[]
  readonly #isBegun: boolean

  constructor(bases: Bases, places: readonly number[], isBegun: boolean) {
    this.#bases = bases
    this.#places = places
    this.#isBegun = isBegun
  }

  get isMoved(): boolean {
    return this.#places.length > 0
  }

  get isOfRecord(): boolean {
    return this.#places.some((place) => this.#bases.isRecord(place))
  }

  /**
   * Whether it was told if that is a record which the query is made of: moved from, or, if `inRing`, made of the last
   * inputs `ring` (a bit each, from the newest on).
   */
  isTold(ring: number, inRing: boolean, account: Account): boolean {
    if (inRing) return this.#of(ring, account).some((place) => this.#bases.isTold(place))
    return this.#places.some((place) => this.#bases.isTold(place) || this.#bases.isFirst(place))
  }

  tell(ring: number, account: Account): void {
    for (const place of this.#of(ring, account)) this.#bases.tell(place)
  }

  #of(ring: number, account: Account): readonly number[] {
    return [...this.#places, ...this.#bases.among(ring, account.taken)]
  }

  /** Bits of `noted`; the account has yet to remember the query. */
  keep(entries: GroupEntries, account: Account, notes: number): void {
    if ((notes & noted.made) === 0) {
      const isFirst = this.#isBegun && account.distinct > 1
      this.#bases.keep(picture, account.taken, { isRecord: (notes & noted.member) !== 0, isFirst })
    }
    entries.set(name, this.#bases)
  }
}

/** Suspicion has ended: what was kept for it alone goes. */
export function endBases(entries: GroupEntries): void {
  if (entries.get(membersName) === undefined) entries.delete(name)
}

/** Undefined: the account asked no record so far and is under no suspicion, or this is no picture. Good until the next query. */
export function movedFrom(
  entries: GroupEntries,
  { kind, values }: QueryInput,
  member: boolean,
  reference: Reference | undefined,
): Moved | undefined {
  if (reference === undefined || kind !== 'features' || values === undefined) return undefined
  const kept = Bases.of(entries.get(name))
  if (kept === undefined && !member && entries.get(suspicionName) === undefined) return undefined
  const grain = pictureOf(values, picture)
  if (grain === 0) return undefined
  const bases = kept ?? new Bases()
  return new Moved(bases, bases.movedTo(picture, (closeShare * reference.told.scale) / grain), kept === undefined)
}
