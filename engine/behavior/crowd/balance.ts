/**
 * Accounts that are dealt equal loads: one hand that spreads its calls over many accounts, in turn, at random or to whoever is free.
 *
 * Customers who have nothing to do with one another use a model unequally: their shares are taken to vary at least as Gamma variables
 * with a coefficient of variation of a half do, so that the next call is an account's with a probability that grows with what it has asked
 * so far (Pólya's urn). A hand takes each with the same one, or with shares that vary by a fifth: the mean of two products of likelihood
 * ratios against the urn. Clocks of one period are equal too: while an account's last two intervals are the same, by less than a tenth,
 * nothing is bet on it. Evidence is of all calls since there were half as many members, and does not begin anew: customers come in sessions, whose
 * order is no urn's, but their sizes are. Pure.
 */
import { evidenceOfBets } from '../bets.ts'

/** Shapes of the Gamma distribution, 1 over the squared coefficient of variation: of customers, and of a hand that deals about equally. */
const shape = 4
const dealtShape = 25
/** Fewest accounts between which a load is balanced; most that are followed. */
const activeMin = 4
const membersMax = 256
/** Evidence begins anew with 4 members, 8, ... 256. */
export const beginnings = 7
/** Who has not asked for so many rounds is not waited for. */
const roundsBack = 6
/** A clock's intervals differ by less than this share. */
const clockMost = 0.1
const mostLog = 40
const leastLog = -30
/** Shares of members vary by so much at most, beside chance, to be taken for equal. */
const equalMost = 0.15
const deviations = 2.5

/** JSON. */
interface Dealt {
  readonly tenant: string
  /** Calls since it is a member, and what it would have had if all who were active by then were equal. */
  calls: number
  even: number
  /** Number of its last call among those of all. */
  last: number
  lastMs: number
  gapMs: number
  /** Its last two intervals were the same, or none are known: it is not bet on which of these comes next. */
  isClock: boolean
}

export interface DealtMember {
  readonly principal: string
  readonly tenant: string
  /** Calls, and what they would be if all were equal. */
  readonly calls: number
  readonly even: number
}

export interface BalanceJson {
  readonly count: number
  readonly active: number
  readonly logs: readonly number[]
  readonly begunWith: number
  readonly members: readonly (readonly [principal: string, Dealt])[]
}

export class Balance {
  /** Calls of all. */
  #count: number
  #active: number
  /** Logarithms of the evidence of each way to deal, since there were so many members. */
  readonly #logs: number[]
  #begunWith: number
  readonly #members: Map<string, Dealt>

  constructor(json: BalanceJson = empty) {
    this.#count = json.count
    this.#active = json.active
    this.#logs = [...json.logs]
    this.#begunWith = json.begunWith
    this.#members = new Map(json.members.map(([principal, dealt]) => [principal, { ...dealt }]))
  }

  /** For each time that it begins anew, of which there are `beginnings` at most: ever passes e^n with a probability of at most e^-n. */
  get evidence(): number {
    return evidenceOfBets(this.#logs)
  }

  get size(): number {
    return this.#members.size
  }

  principals(): string[] {
    return [...this.#members.keys()]
  }

  /** `timeMs`: of its last call. False where there is no room. */
  welcome(principal: string, tenant: string, timeMs: number): boolean {
    if (this.#members.has(principal)) return true
    if (this.#members.size >= membersMax) return false
    const last = this.#count
    this.#members.set(principal, { tenant, calls: 0, even: 0, last, lastMs: timeMs, gapMs: 0, isClock: true })
    if (this.#members.size >= 2 * this.#begunWith) this.#begin()
    return true
  }

  leave(principal: string): void {
    this.#members.delete(principal)
  }

  /** A call of a member: weighed, and taken note of. */
  take(principal: string, timeMs: number): void {
    const one = this.#members.get(principal)
    if (one === undefined) return
    const since = this.#count - roundsBack * Math.max(activeMin, this.#active)
    const active = [...this.#members.values()].filter(({ last }) => last >= since)
    this.#active = active.length
    const gapMs = timeMs - one.lastMs
    if (one.last >= since && new Set(active.map(({ tenant }) => tenant)).size >= activeMin) {
      if (!one.isClock)
        this.#weigh(
          active.filter(({ isClock }) => !isClock),
          one,
        )
      for (const each of active) each.even += 1 / active.length
      one.calls++
    }
    this.#count++
    one.last = this.#count
    one.lastMs = timeMs
    one.isClock = one.gapMs === 0 || Math.abs(gapMs - one.gapMs) < clockMost * gapMs
    one.gapMs = gapMs
  }

  /** Those with about as many calls as all would have had if all were equal, but for chance and a little. */
  dealt(): readonly DealtMember[] {
    return [...this.#members]
      .map(([principal, { tenant, calls, even }]) => ({ principal, tenant, calls, even }))
      .filter(
        ({ calls, even }) =>
          calls >= callsMin && Math.abs(calls - even) <= 1 + deviations * Math.hypot(Math.sqrt(even), equalMost * even),
      )
  }

  toJSON(): BalanceJson {
    return {
      count: this.#count,
      active: this.#active,
      logs: this.#logs,
      begunWith: this.#begunWith,
      members: [...this.#members],
    }
  }

  /** Which of those who are no clocks comes next, given that one of them does. */
  #weigh(active: readonly Dealt[], one: Dealt): void {
    let [total, dealt] = [0, 0]
    for (const each of active) {
      total += this.#weightOf(each, shape)
      dealt += this.#weightOf(each, dealtShape)
    }
    const byUrn = this.#weightOf(one, shape) / total
    this.#add(0, Math.log(1 / active.length / byUrn))
    this.#add(1, Math.log(this.#weightOf(one, dealtShape) / dealt / byUrn))
  }

  #add(way: number, log: number): void {
    this.#logs[way] = Math.min(mostLog, Math.max(leastLog, this.#logs[way]! + log))
  }

  /** Whoever they were before, twice as many are others. */
  #begin(): void {
    this.#begunWith = this.#members.size
    this.#logs.fill(0)
    for (const [principal, one] of this.#members) {
      this.#members.set(principal, { ...one, calls: 0, even: 0 })
    }
  }

  /** Relative to others', what its rate is as far as its calls tell. */
  #weightOf({ calls, even }: Dealt, shape: number): number {
    return (shape + calls) / (shape + even)
  }
}

const callsMin = 4
const empty: BalanceJson = { count: 0, active: 0, logs: [0, 0], begunWith: 2, members: [] }
