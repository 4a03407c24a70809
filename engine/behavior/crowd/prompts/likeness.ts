/**
 * Accounts whose prompts are of one kind: as like each other's as one account's are among themselves, and unlike those of others.
 *
 * Of each account the mean of its embeddings is kept. Two samples of one distribution have means that differ by their
 * own scatter alone (the statistic of Hotelling's test, without a covariance); of unlike customers they differ by many
 * times that. That says who may belong together, not what for: a vendor's customers ask with one template. What is
 * weighed of them is how they share a load (balance.ts), which has nothing to do with what they ask.
 *
 * Promises: at most `accountsMax` accounts of a model; O(accounts) at an account's 8th, 16th, 32nd call and each 64th,
 * O(members) else.
 */
import type { GroupEntries } from '../../types.ts'
import {
  apartOf,
  Asked,
  centerOf,
  mayBeOf,
  packedZeros,
  spreadOf,
  squaredDistance,
  squaredDistanceUpTo,
  type AskedJson,
  type Center,
} from '../../asked.ts'
import { Balance } from './balance.ts'
import { LikePool, type PoolJson } from './like-pool.ts'
import type { Sight } from '../params.ts'

const accountsMax = 512
/** Calls at which an account is compared: first, then, and at each `compareEvery`-th. */
const compareFirst = 8
const comparedAt: ReadonlySet<number> = new Set([compareFirst, 12, 16, 24, 32, 48])
const compareEvery = 64
/** Fewest accounts that are unlike those of one kind. */
const unlikeMin = 4
const unlikeShare = 0.1
/** Of the squared distance to those unlike: what two of one kind may differ, and the most that their scatter may make of it. */
const likeMost = 0.1
const scatterMost = 0.45
/** Of one alone, from which on it is sure. */
const sureMost = 0.3
/**
 * And so many times what its scatter makes of the distance: chance makes 2.5 of one in a hundred where prompts vary in
 * some eight directions.
 */
const ownMost = 2.5
/** How many of a kind must be sure before anything is said of them all. */
const sureShare = 0.75
/** Beside it, in their scatter. */
const scatterRoom = 0.8

export class Likeness {
  readonly #asked = new Map<string, Asked>()
  readonly #pools = new Map<string, LikePool>()

  /** As they stand in the state. */
  constructor(entries: GroupEntries) {
    for (const name of entries.names()) {
      if (name.startsWith(askedPrefix)) this.#asked.set(name.slice(2), opened(entries.get<AskedJson>(name)!))
      if (name.startsWith(poolPrefix)) this.#pools.set(name.slice(2), openedPool(entries.get<PoolJson>(name)!))
    }
  }

  /** Takes note of a call; the pool that its account is in, where it is in one. */
  take(
    entries: GroupEntries,
    { principal, tenant, timeMs, answer, prompt }: Sight,
    x: Float64Array,
  ): { readonly id: string; readonly pool: LikePool } | undefined {
    const asked = this.#of(entries, principal, tenant, x.length, timeMs)
    // Weighed by what was known before it; what makes an account a member is not weighed.
    const before = this.#poolOf(asked)
    before?.balance.take(principal, timeMs)
    before?.gathered.take(principal, answer, prompt)
    asked.add(x, timeMs, answer)
    if (before !== undefined) before.center = undefined
    const { calls } = asked
    if (comparedAt.has(calls) || calls % compareEvery === 0) {
      this.#compare(entries, principal, asked)
      this.#learn(asked)
    }
    entries.set(askedPrefix + principal, asked)
    const [id, pool] = [asked.pool, this.#poolOf(asked)]
    if (id === undefined || pool === undefined) return undefined
    pool.lastMs = Math.max(pool.lastMs, timeMs)
    entries.set(poolPrefix + id, pool)
    return { id, pool }
  }

  /** What is dropped of the state. */
  forget(entries: GroupEntries, name: string): void {
    const of = name.slice(2)
    if (name.startsWith(poolPrefix)) this.#pools.delete(of)
    const asked = name.startsWith(askedPrefix) ? this.#asked.get(of) : undefined
    if (asked === undefined) return
    this.#leave(entries, of, asked)
    this.#asked.delete(of)
  }

  #poolOf({ pool }: Asked): LikePool | undefined {
    return pool === undefined ? undefined : this.#pools.get(pool)
  }

  #of(entries: GroupEntries, principal: string, tenant: string, length: number, timeMs: number): Asked {
    let asked = this.#asked.get(principal)
    if (asked === undefined || asked.mean.length !== length || asked.tenant !== tenant) {
      if (asked !== undefined) this.#leave(entries, principal, asked)
      else if (this.#asked.size >= accountsMax) this.#makeRoom(entries)
      asked = new Asked({ tenant, mean: packedZeros(length), calls: 0, firstMs: timeMs, lastMs: timeMs })
      this.#asked.set(principal, asked)
    }
    return asked
  }

  /** A tenth goes at once, longest silent first, those of a pool last. */
  #makeRoom(entries: GroupEntries): void {
    const worth = ({ lastMs, pool }: Asked): number => lastMs + (pool === undefined ? 0 : 86_400_000)
    const all = [...this.#asked].sort(([a, one], [b, other]) => worth(one) - worth(other) || (a < b ? -1 : 1))
    for (const [principal, asked] of all.slice(0, accountsMax / 10)) {
      this.#leave(entries, principal, asked)
      this.#asked.delete(principal)
      entries.delete(askedPrefix + principal)
    }
  }

  /** How long the answers are, and how various the prompts, of all who are not of its pool. */
  #learn({ pool: id, mean }: Asked): void {
    const pool = id === undefined ? undefined : this.#pools.get(id)
    const center = pool === undefined ? undefined : this.#centerOf(pool, mean.length)
    if (center === undefined) return
    const others = [...this.#asked.values()].filter(
      (each) =>
        each.pool !== id &&
        each.calls >= compareFirst &&
        each.mean.length === mean.length &&
        (each.sessions === true || !mayBeOf(each, center)),
    )
    pool!.gathered.learn(
      others.map(({ answers }) => answers),
      { own: spreadOf(center), others: others.map((each) => spreadOf(each)), apart: this.#apartOf(pool!, center) },
    )
  }

  /** Of those who are sure; too few of them tell nothing of all. */
  #apartOf({ balance }: LikePool, center: Center): number {
    const sure = balance.principals().flatMap((principal) => {
      const each = balance.isSure(principal) ? this.#asked.get(principal) : undefined
      return each?.mean.length === center.mean.length ? [each] : []
    })
    return sure.length < sureShare * balance.size ? Infinity : apartOf(sure, center)
  }

  /** Puts an account into the pool that it is of, or out of one that it isn't. */
  #compare(entries: GroupEntries, principal: string, asked: Asked): void {
    if (this.#poolOf(asked)?.balance.hasSessions(principal) === true) asked.sessions = true
    if (asked.sessions === true) return this.#leave(entries, principal, asked)
    const others = [...this.#asked].filter(
      ([, each]) =>
        each !== asked &&
        each.tenant !== asked.tenant &&
        each.calls >= compareFirst &&
        each.mean.length === asked.mean.length,
    )
    const unlike = unlikeOf(
      asked,
      others.map(([, each]) => each),
    )
    const { scatter } = asked
    /** How far away one that is of its kind is; Infinity: it isn't. */
    const distanceTo = (center: Center): number => {
      const both = scatter + center.scatter
      if (!(both <= scatterMost * unlike)) return Infinity
      const most = (1 + scatterRoom) * both + likeMost * unlike
      const distance = squaredDistanceUpTo(asked.mean, center.mean, most)
      return distance <= most ? distance : Infinity
    }
    this.#merge(entries, asked.mean.length, unlike)
    let [best, least]: [string | undefined, number] = [undefined, Infinity]
    for (const [id, pool] of this.#pools) {
      const center = this.#centerOf(pool, asked.mean.length, id === asked.pool ? principal : undefined)
      const distance = center === undefined ? Infinity : distanceTo(center)
      if (distance < least) [best, least] = [id, distance]
    }
    if (best === undefined) {
      let other: (typeof others)[number] | undefined
      for (const one of others) {
        const [, each] = one
        if (each.pool !== undefined || each.sessions !== undefined) continue
        const distance = distanceTo(each)
        if (distance < least) [other, least] = [one, distance]
      }
      if (other === undefined) return this.#leave(entries, principal, asked)
      best = `${principal}/${asked.lastMs}`
      this.#pools.set(
        best,
        new LikePool({ sinceMs: asked.lastMs, lastMs: asked.lastMs, balance: new Balance().toJSON() }),
      )
      this.#join(entries, best, ...other)
    }
    this.#join(entries, best, principal, asked)
    const isSure = asked.scatter <= sureMost * unlike && this.#isOf(best, principal, asked)
    this.#poolOf(asked)?.balance.settle(principal, isSure)
    this.#sift(entries, asked, unlike)
  }

  /** Whether it is as far from the mean of the others as its scatter makes it, with no subject of its own. */
  #isOf(id: string, principal: string, { mean, scatter }: Asked): boolean {
    const center = this.#centerOf(this.#pools.get(id)!, mean.length, principal)
    return center === undefined || squaredDistance(mean, center.mean) <= ownMost * (scatter + center.scatter)
  }

  /**
   * Those that its pool has become unlike: who has fallen silent is not compared any more, while others may have moved
   * the pool.
   */
  #sift(entries: GroupEntries, { pool: id, mean: { length } }: Asked, unlike: number): void {
    const pool = id === undefined ? undefined : this.#pools.get(id)
    const center = pool === undefined ? undefined : this.#centerOf(pool, length)
    if (center === undefined) return
    const size = pool!.balance.size
    for (const principal of pool!.balance.principals()) {
      const each = this.#asked.get(principal)
      if (each?.mean.length !== length) continue
      // How far it is from the mean of the others, by how far from that of all.
      const others = size / Math.max(1, size - 1)
      const most = (1 + scatterRoom) * (each.scatter + center.scatter) + likeMost * unlike
      const isLike = others ** 2 * squaredDistanceUpTo(each.mean, center.mean, most / others ** 2) <= most
      if (isLike) continue
      this.#leave(entries, principal, each)
      entries.set(askedPrefix + principal, each)
    }
  }

  /** Two pools of one kind begin where two pairs are alike first: those of the smaller go over to the larger. */
  #merge(entries: GroupEntries, length: number, unlike: number): void {
    if (this.#pools.size < 2) return
    const pools = [...this.#pools].flatMap(([id, pool]) => {
      const center = this.#centerOf(pool, length)
      return center === undefined ? [] : [{ id, pool, center }]
    })
    for (let n = 0; n < pools.length; n++) {
      const one = pools[n]!
      for (let m = n + 1; m < pools.length; m++) {
        const other = pools[m]!
        const scatter = one.center.scatter + other.center.scatter
        const most = (1 + scatterRoom) * scatter + likeMost * unlike
        if (squaredDistanceUpTo(one.center.mean, other.center.mean, most) > most) continue
        const [into, from] = one.pool.balance.size >= other.pool.balance.size ? [one, other] : [other, one]
        for (const principal of from.pool.balance.principals()) {
          const asked = this.#asked.get(principal)
          if (asked !== undefined) this.#join(entries, into.id, principal, asked)
        }
        return
      }
    }
  }

  #join(entries: GroupEntries, id: string, principal: string, asked: Asked): void {
    if (asked.pool === id) return
    this.#leave(entries, principal, asked)
    const pool = this.#pools.get(id)!
    if (pool.balance.welcome(principal, asked)) {
      asked.pool = id
      pool.center = undefined
      // It isn't forgotten before its members are.
      pool.lastMs = Math.max(pool.lastMs, asked.lastMs)
      entries.set(poolPrefix + id, pool)
    }
    entries.set(askedPrefix + principal, asked)
  }

  #leave(entries: GroupEntries, principal: string, asked: Asked): void {
    const [id, pool] = [asked.pool, this.#poolOf(asked)]
    asked.pool = undefined
    if (id === undefined || pool === undefined) return
    pool.balance.leave(principal)
    pool.gathered.leave(principal)
    pool.center = undefined
    if (pool.balance.size > 0) return entries.set(poolPrefix + id, pool)
    this.#pools.delete(id)
    entries.delete(poolPrefix + id)
  }

  /** The mean of the members' means, but of one of them: each has the same say. */
  #centerOf(pool: LikePool, length: number, but?: string): Center | undefined {
    if (but === undefined && pool.center?.mean.length === length) return pool.center
    const members: Asked[] = []
    for (const principal of pool.balance.principals()) {
      const asked = principal === but ? undefined : this.#asked.get(principal)
      if (asked?.mean.length === length) members.push(asked)
    }
    const center = centerOf(members, length)
    if (but === undefined) pool.center = center
    return center
  }
}

export const askedPrefix = 'q/'
export const poolPrefix = 'l/'

/** Squared distance, without scatter, to those that are least like it: a tenth of all, and at least four, are at least as far. */
function unlikeOf(asked: Asked, others: readonly Asked[]): number {
  const at = Math.max(unlikeMin, Math.ceil(unlikeShare * others.length)) - 1
  const excess = others.map((each) => squaredDistance(asked.mean, each.mean) - asked.scatter - each.scatter)
  return excess.sort((a, b) => b - a)[at] ?? 0
}

function opened(kept: Asked | AskedJson): Asked {
  return kept instanceof Asked ? kept : new Asked(kept)
}

function openedPool(kept: LikePool | PoolJson): LikePool {
  return kept instanceof LikePool ? kept : new LikePool(kept)
}
