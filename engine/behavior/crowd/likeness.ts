/**
 * Accounts whose prompts are of one kind: as like each other's as one account's are among themselves, and unlike those of others.
 *
 * Of each account the mean of its embeddings is kept. Two samples of one distribution have means that differ by their own scatter alone
 * (the statistic of Hotelling's test, without a covariance); of unlike customers they differ by many times that. That says who may
 * belong together, not what for: a vendor's customers ask with one template. What is weighed of them is how they share a load
 * (balance.ts), which has nothing to do with what they ask.
 *
 * Promises: at most `accountsMax` accounts of a model; O(accounts) at an account's 8th, 16th, 32nd call and each 64th, O(members) else.
 */
import type { GroupEntries } from '../types.ts'
import { Balance, type BalanceJson } from './balance.ts'
import type { Sight } from './params.ts'

const accountsMax = 512
/** Calls at which an account is compared first; then at each power of two, and at each `compareEvery`-th. */
const compareFirst = 8
const compareEvery = 64
/** Calls that the mean is about. */
const meanOver = 128
/** Fewest accounts that are unlike those of one kind. */
const unlikeMin = 4
const unlikeShare = 0.1
/** Of the squared distance to those unlike: what two of one kind may differ, and the most that their scatter may make of it. */
const likeMost = 0.1
const scatterMost = 0.25
/** Beside it, in their scatter. */
const scatterRoom = 0.8

export interface AskedJson {
  readonly tenant: string
  readonly mean: string
  readonly calls: number
  readonly firstMs: number
  readonly lastMs: number
  readonly pool?: string
}

export interface PoolJson {
  readonly sinceMs: number
  readonly lastMs: number
  readonly balance: BalanceJson
}

/** What one account has asked. */
class Asked {
  readonly tenant: string
  /** To as many digits as the state has. */
  readonly mean: Float32Array
  calls: number
  readonly firstMs: number
  lastMs: number
  pool: string | undefined

  constructor({ tenant, mean, calls, firstMs, lastMs, pool }: AskedJson) {
    this.tenant = tenant
    this.mean = unpacked(mean)
    this.calls = calls
    this.firstMs = firstMs
    this.lastMs = lastMs
    this.pool = pool
  }

  add(x: Float64Array, timeMs: number): void {
    this.calls++
    const share = 1 / Math.min(this.calls, meanOver)
    for (let k = 0; k < x.length; k++) this.mean[k]! += share * (x[k]! - this.mean[k]!)
    this.lastMs = Math.max(this.lastMs, timeMs)
  }

  /** Expected squared distance of the mean to what it is the mean of: embeddings have length one. */
  get scatter(): number {
    let squares = 0
    for (const value of this.mean) squares += value * value
    return Math.max(1e-6, 1 - squares) / (Math.min(this.calls, meanOver) - 1)
  }

  toJSON(): AskedJson {
    const { tenant, calls, firstMs, lastMs, pool } = this
    const mean = Buffer.from(this.mean.buffer).toString('base64')
    return { tenant, mean, calls, firstMs, lastMs, ...(pool === undefined ? {} : { pool }) }
  }
}

/** Accounts of one kind of prompts. */
export class LikePool {
  readonly sinceMs: number
  lastMs: number
  readonly balance: Balance

  constructor({ sinceMs, lastMs, balance }: PoolJson) {
    this.sinceMs = sinceMs
    this.lastMs = lastMs
    this.balance = new Balance(balance)
  }

  toJSON(): PoolJson {
    return { sinceMs: this.sinceMs, lastMs: this.lastMs, balance: this.balance.toJSON() }
  }
}

interface Center {
  readonly mean: Float32Array | Float64Array
  readonly scatter: number
}

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
    { principal, tenant, timeMs }: Sight,
    x: Float64Array,
  ): { readonly id: string; readonly pool: LikePool } | undefined {
    const asked = this.#of(entries, principal, tenant, x.length, timeMs)
    // Weighed by what was known before it; what makes an account a member is not weighed.
    this.#poolOf(asked)?.balance.take(principal, timeMs)
    asked.add(x, timeMs)
    const { calls } = asked
    if (calls >= compareFirst && ((calls < compareEvery && (calls & (calls - 1)) === 0) || calls % compareEvery === 0))
      this.#compare(entries, principal, asked)
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

  /** Puts an account into the pool that it is of, or out of one that it isn't. */
  #compare(entries: GroupEntries, principal: string, asked: Asked): void {
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
    const isLike = (center: Center): boolean => {
      const scatter = asked.scatter + center.scatter
      return (
        scatter <= scatterMost * unlike &&
        squaredDistance(asked.mean, center.mean) <= (1 + scatterRoom) * scatter + likeMost * unlike
      )
    }
    let [best, least]: [string | undefined, number] = [undefined, Infinity]
    for (const [id, pool] of this.#pools) {
      const center = this.#centerOf(pool, principal, asked.mean.length)
      if (center === undefined || !isLike(center)) continue
      const distance = squaredDistance(asked.mean, center.mean)
      if (distance < least) [best, least] = [id, distance]
    }
    if (best === undefined) {
      const like = others.filter(([, each]) => each.pool === undefined && isLike(each))
      like.sort(([, a], [, b]) => squaredDistance(asked.mean, a.mean) - squaredDistance(asked.mean, b.mean))
      const [other] = like
      if (other === undefined) return this.#leave(entries, principal, asked)
      best = `${principal}/${asked.lastMs}`
      this.#pools.set(
        best,
        new LikePool({ sinceMs: asked.lastMs, lastMs: asked.lastMs, balance: new Balance().toJSON() }),
      )
      this.#join(entries, best, ...other)
    }
    this.#join(entries, best, principal, asked)
  }

  #join(entries: GroupEntries, id: string, principal: string, asked: Asked): void {
    if (asked.pool === id) return
    this.#leave(entries, principal, asked)
    const pool = this.#pools.get(id)!
    if (!pool.balance.welcome(principal, asked)) return
    asked.pool = id
    entries.set(askedPrefix + principal, asked)
    entries.set(poolPrefix + id, pool)
  }

  #leave(entries: GroupEntries, principal: string, asked: Asked): void {
    const [id, pool] = [asked.pool, this.#poolOf(asked)]
    asked.pool = undefined
    if (id === undefined || pool === undefined) return
    pool.balance.leave(principal)
    if (pool.balance.size > 0) return entries.set(poolPrefix + id, pool)
    this.#pools.delete(id)
    entries.delete(poolPrefix + id)
  }

  /** The mean of the members' means, but this one's: each has the same say. */
  #centerOf({ balance }: LikePool, but: string, length: number): Center | undefined {
    const members = balance
      .principals()
      .filter((principal) => principal !== but)
      .flatMap((principal) => this.#asked.get(principal) ?? [])
      .filter(({ mean }) => mean.length === length)
    if (members.length === 0) return undefined
    const mean = new Float64Array(length)
    let scatter = 0
    for (const each of members) {
      for (let k = 0; k < length; k++) mean[k]! += each.mean[k]! / members.length
      scatter += each.scatter / members.length ** 2
    }
    return { mean, scatter }
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

function squaredDistance(a: Center['mean'], b: Center['mean']): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2
  return sum
}

function opened(kept: Asked | AskedJson): Asked {
  return kept instanceof Asked ? kept : new Asked(kept)
}

function openedPool(kept: LikePool | PoolJson): LikePool {
  return kept instanceof LikePool ? kept : new LikePool(kept)
}

function unpacked(mean: string): Float32Array {
  const bytes = Buffer.from(mean, 'base64')
  return Float32Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readFloatLE(4 * k))
}

function packedZeros(length: number): string {
  return Buffer.alloc(4 * length).toString('base64')
}
