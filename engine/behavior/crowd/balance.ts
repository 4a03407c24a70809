/**
 * Accounts that are dealt equal loads: one hand that spreads its calls over many accounts, in turn, at random or to whoever is free.
 *
 * Customers who have nothing to do with one another use a model unequally: their rates are taken to vary at least as Gamma variables
 * with a coefficient of variation of a half do. Given all calls of an account since its first, its rate is such a variable again, with as
 * much more shape as it had calls and as much more exposure as has gone by (the conjugate prior of a Poisson process), whatever they were
 * chosen by; so the next call of members is an account's with a probability in proportion to the mean of its rate (Pólya's urn). A hand
 * takes each with the same one, or with shares that vary by a fifth: the mean of two products of likelihood ratios against the urn.
 *
 * An account is weighed from when it is a member on, against all members, however long they are silent: who asks just now is chosen by
 * what is weighed, and customers come in sessions, whose order is no urn's, but whose sizes are. Clocks of one period are equal too: while an
 * account's last two intervals are the same, by less than a tenth, nothing is bet on it. Pure.
 */
import { evidenceOfBets } from '../bets.ts'

/** Shapes of the Gamma distribution, 1 over the squared coefficient of variation: of customers, and of a hand that deals about equally. */
const shape = 4
const dealtShape = 25
/** Fewest tenants between which a load is dealt; most members that are followed. */
export const tenantsMin = 4
const membersMax = 256
/** Evidence begins anew with 4 members, and whenever there are so many times as many: with 6, 9, 14, ... 243. */
const growth = 1.5
export const beginnings = 11
/** A clock's intervals differ by less than this share. */
const clockMost = 0.1
const mostLog = 40
const leastLog = -1e4
/** Shares of members vary by so much at most, beside chance, to be taken for equal. */
const equalMost = 0.15
const deviations = 2.5

/** What an account has asked when it becomes a member. */
export interface Load {
  readonly tenant: string
  /** Calls from its first on. */
  readonly calls: number
  readonly firstMs: number
  readonly lastMs: number
}

/** JSON. */
interface Dealt extends Load {
  calls: number
  lastMs: number
  /** Calls when the evidence began; undefined: it became a member later, and is not weighed yet. */
  before?: number
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
  readonly logs: readonly number[]
  readonly begunWith: number
  readonly members: readonly (readonly [principal: string, Dealt])[]
}

export class Balance {
  /** Logarithms of the evidence of each way to deal, since there were so many members. */
  readonly #logs: number[]
  #begunWith: number
  readonly #members: Map<string, Dealt>

  constructor(json: BalanceJson = empty) {
    this.#logs = [...json.logs]
    this.#begunWith = json.begunWith
    this.#members = new Map(json.members.map(([principal, dealt]) => [principal, { ...dealt }]))
  }

  /** For each time that it begins anew, of which there are `beginnings` at most: ever passes e^n with a probability of at most e^-n. */
  get evidence(): number {
    return Math.min(evidenceOfBets(this.#logs.slice(0, 2)), evidenceOfBets(this.#logs.slice(2)))
  }

  get size(): number {
    return this.#members.size
  }

  principals(): string[] {
    return [...this.#members.keys()]
  }

  /** False where there is no room. */
  welcome(principal: string, { tenant, calls, firstMs, lastMs }: Load): boolean {
    if (this.#members.has(principal)) return true
    if (this.#members.size >= membersMax) return false
    this.#members.set(principal, { tenant, calls, firstMs, lastMs, gapMs: 0, isClock: true })
    if (this.#members.size >= Math.max(tenantsMin, growth * this.#begunWith)) this.#begin()
    return true
  }

  leave(principal: string): void {
    this.#members.delete(principal)
  }

  /** A call of a member: weighed, and taken note of. */
  take(principal: string, timeMs: number): void {
    const one = this.#members.get(principal)
    if (one === undefined) return
    if (!one.isClock && one.before !== undefined) this.#weigh(one, timeMs)
    const gapMs = timeMs - one.lastMs
    one.calls++
    one.lastMs = timeMs
    one.isClock = one.gapMs === 0 || Math.abs(gapMs - one.gapMs) < clockMost * gapMs
    one.gapMs = gapMs
  }

  /** Those with about as many calls as all would have had if all were equal, but for chance and a little. */
  dealt(timeMs: number): readonly DealtMember[] {
    const mean = this.#meanAt(timeMs)
    return [...this.#members]
      .map(([principal, each]) => ({
        principal,
        tenant: each.tenant,
        calls: each.calls,
        even: mean * exposureOf(each, timeMs),
      }))
      .filter(
        ({ calls, even }) => Math.abs(calls - even) <= 1 + deviations * Math.hypot(Math.sqrt(even), equalMost * even),
      )
  }

  toJSON(): BalanceJson {
    return { logs: this.#logs, begunWith: this.#begunWith, members: [...this.#members] }
  }

  /** Which of those who are weighed, and are no clocks, comes next, given that one of them does. */
  #weigh(one: Dealt, timeMs: number): void {
    const weighed = [...this.#members.values()].filter(({ before }) => before !== undefined)
    if (new Set(weighed.map(({ tenant }) => tenant)).size < tenantsMin) return
    const others = weighed.filter(({ isClock }) => !isClock)
    const mean = this.#meanAt(timeMs)
    const urns = [
      ({ calls, before = 0 }: Dealt, shape: number): number => shape + calls - before,
      (each: Dealt, shape: number): number => (shape + each.calls) / (shape + mean * exposureOf(each, timeMs)),
    ]
    for (const [n, rateOf] of urns.entries()) {
      const shareOf = (shape: number): number =>
        rateOf(one, shape) / others.reduce((sum, each) => sum + rateOf(each, shape), 0)
      const byUrn = shareOf(shape)
      this.#add(2 * n, Math.log(1 / others.length / byUrn))
      this.#add(2 * n + 1, Math.log(shareOf(dealtShape) / byUrn))
    }
  }

  /** Calls of a member in a millisecond. */
  #meanAt(timeMs: number): number {
    let [calls, exposure] = [0, 0]
    for (const each of this.#members.values()) {
      calls += each.calls
      exposure += exposureOf(each, timeMs)
    }
    return calls / Math.max(1, exposure)
  }

  #add(way: number, log: number): void {
    this.#logs[way] = Math.min(mostLog, Math.max(leastLog, this.#logs[way]! + log))
  }

  /** Of those who are members now. */
  #begin(): void {
    this.#begunWith = this.#members.size
    this.#logs.fill(0)
    for (const one of this.#members.values()) one.before = one.calls
  }
}

const empty: BalanceJson = { logs: [0, 0, 0, 0], begunWith: 0, members: [] }

function exposureOf({ firstMs }: Load, timeMs: number): number {
  return Math.max(0, timeMs - firstMs)
}
