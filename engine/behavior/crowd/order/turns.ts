/**
 * Accounts that take turns: one hand that spreads its queries over many accounts, one after the other.
 *
 * Among n independent accounts the one that was silent longest comes next with a probability of at most 1/n where all are
 * equally busy, and less where they are not. A hand that deals in turn always takes that one. Machines with clocks of their
 * own keep an order too, but then their intervals are constant: a turn counts only where intervals vary by more than the
 * gap between neighbors, under which clocks would overtake each other.
 */
import type { Names } from '../queries/names.ts'

/** Tenants followed at a time; with more than that in turn nothing is seen here. */
const tenantsMax = 128
const intervalsMax = 64
/** Fewest that can take turns. */
const turnMin = 4
/** How far back, in mean returns, somebody still has a turn. */
const returnsBack = 3
/** Weight of the last return in the running mean of their logarithms. */
const returnWeight = 0.3
/** A crowd is dealt in turn with this probability, independent accounts with one and a half times their share. */
const inTurn = 0.8
const room = 1.5
const hitMax = 2.5
/**
 * Who comes later than that, in mean returns, was silent longest because it asks less often than those in turn: that is
 * no turn of its own.
 */
const lateMost = 1.5
/** Intervals must differ by this many gaps between neighbors. */
const variation = 1.5
/** Silence after which a return says nothing. */
const silentMsMax = 3_600_000
/**
 * Who comes in sessions comes again before most others have come, that have been heard within this time: the running
 * mean of how many have.
 */
const heardMs = 6 * 3_600_000
const placeWeight = 1 / 32
const sessionsBelow = 0.3

export interface TurnsJson {
  /** Silent longest first. */
  readonly tenants: readonly (readonly [tenant: string, lastMs: number])[]
  /** Of the last returns. */
  readonly intervals: readonly number[]
  /** Running mean of the logarithm of returns in ms; null: none yet. */
  readonly logReturn: number | null
  /** Share of the others that come before one comes again; states of before have none. */
  readonly place?: number
}

export class Turns {
  #names: Names
  /** Silent longest first, and when each was heard last. */
  readonly #tenants: number[]
  readonly #lastMs: number[]
  readonly #intervals: number[]
  #logReturn: number | null
  #place: number

  constructor(names: Names, { tenants, intervals, logReturn, place = 0.5 }: TurnsJson = empty) {
    this.#names = names
    this.#tenants = tenants.map(([tenant]) => names.of(tenant))
    this.#lastMs = tenants.map(([, lastMs]) => lastMs)
    this.#intervals = [...intervals]
    this.#logReturn = logReturn
    this.#place = place
  }

  /** Takes note, before a call is taken, of how many others have called since its tenant did; true: they come in sessions. */
  comeInSessions(tenant: number, timeMs: number): boolean {
    const at = this.#tenants.lastIndexOf(tenant)
    const first = this.#lastMs.findIndex((lastMs) => lastMs >= timeMs - heardMs)
    const others = this.#lastMs.length - 1 - first
    if (first >= 0 && at >= first && others >= turnMin - 1)
      this.#place += placeWeight * ((this.#lastMs.length - 1 - at) / others - this.#place)
    return this.#place < sessionsBelow
  }

  /** The logarithm of the evidence that this query brings; 0 where it says nothing. */
  take(tenant: number, timeMs: number): number {
    const tenants = this.#tenants
    const at = tenants.lastIndexOf(tenant)
    const end = tenants.length - 1
    if (at < 0) {
      this.#begin(tenant, timeMs)
      return 0
    }
    const last = this.#lastMs[at]!
    const evidence = this.#weigh(at, timeMs - last, timeMs)
    for (let n = at; n < end; n++) {
      tenants[n] = tenants[n + 1]!
      this.#lastMs[n] = this.#lastMs[n + 1]!
    }
    tenants[end] = tenant
    this.#lastMs[end] = Math.max(timeMs, last)
    this.#return(Math.max(1, timeMs - last))
    return evidence
  }

  /** Names have other numbers from here on. */
  renumber(names: Names): void {
    for (const [n, tenant] of this.#tenants.entries()) this.#tenants[n] = names.of(this.#names.nameOf(tenant))
    this.#names = names
  }

  toJSON(): TurnsJson {
    return {
      tenants: this.#tenants.map((tenant, n) => [this.#names.nameOf(tenant), this.#lastMs[n]!] as const),
      intervals: this.#intervals,
      logReturn: this.#logReturn,
      ...(this.#place === 0.5 ? {} : { place: this.#place }),
    }
  }

  #begin(tenant: number, timeMs: number): void {
    this.#tenants.push(tenant)
    this.#lastMs.push(timeMs)
    if (this.#tenants.length <= tenantsMax) return
    this.#tenants.shift()
    this.#lastMs.shift()
  }

  #return(interval: number): void {
    if (interval > silentMsMax) return
    this.#intervals.push(interval)
    if (this.#intervals.length > intervalsMax) this.#intervals.shift()
    const log = Math.log(interval)
    this.#logReturn = this.#logReturn === null ? log : this.#logReturn + returnWeight * (log - this.#logReturn)
  }

  #weigh(at: number, interval: number, timeMs: number): number {
    const lastMs = this.#lastMs
    const { length } = lastMs
    if (this.#logReturn === null || interval > silentMsMax || length < turnMin) return 0
    const since = timeMs - returnsBack * Math.exp(this.#logReturn)
    let first = 0
    while (first < length && lastMs[first]! < since) first++
    const many = length - first
    if (many < turnMin || at < first) return 0
    const share = Math.min(0.5, room / many)
    if (at !== first) return Math.log((1 - inTurn) / (1 - share))
    if (interval > lateMost * Math.exp(this.#logReturn)) return 0
    const intervals = this.#intervals
    const before = intervals[Math.max(0, intervals.length - (many >> 1))]
    const varies = before !== undefined && Math.abs(interval - before) >= (variation * interval) / many
    return varies ? Math.min(hitMax, Math.log(inTurn / share)) : 0
  }
}

const empty: TurnsJson = { tenants: [], intervals: [], logReturn: null }
