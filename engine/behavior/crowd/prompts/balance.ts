/**
 * Accounts that are dealt equal loads: one hand that spreads its calls over many accounts, in turn, at random or to
 * whoever is free.
 *
 * Customers who have nothing to do with one another use a model unequally: their rates are taken to vary at least as
 * Gamma variables with a coefficient of variation of a half do. Given all calls of an account since its first, its rate
 * is such a variable again, with as much more shape as it had calls and as much more exposure as has gone by (the
 * conjugate prior of a Poisson process), whatever they were chosen by; so the next call of members is an account's with
 * a probability in proportion to the mean of its rate (Pólya's urn). A hand takes each with the same one, or with
 * shares that vary by a fifth: the mean of two products of likelihood ratios against the urn.
 *
 * An account is weighed from when it is a member on, against all members, however long they are silent: who asks just
 * now is chosen by what is weighed, and customers come in sessions, whose order is no urn's, but whose sizes are.
 * Clocks of one period are equal too: while an account's last two intervals are the same, by less than a tenth, nothing
 * is bet on it. Pure.
 */
import { betOn, evidenceOfBets } from '../../bets.ts'
import { Beginnings } from './beginnings.ts'
import { Looks, ways, type LooksJson } from './looks.ts'
import {
  add,
  comesInSessions,
  dealtShape,
  exposureOf,
  isDealtLike,
  meanPlace,
  meanRate,
  shape,
  type Dealt,
  type DealtMember,
  type Load,
} from './dealt-account.ts'

/** Fewest tenants between which a load is dealt; most members that are followed. */
export const tenantsMin = 4
const membersMax = 256
/** A clock's intervals differ by less than this share. */
const clockMost = 0.1
/** Mean place of all together: nightly batches at the same time have up to 0.43. */
const dealtMean = 0.42
/** Who waits before asking again comes late as well: as often as this at most. */
const lateMost = 0.65
const lateBets = [0.8, 0.95].map((share) => betOn(share, lateMost))
/**
 * A clock keeps its period in more of its intervals than this; of independent calls one in twenty is the same as the
 * one before.
 */
const ticksMost = 0.25
const mostLog = 40
const leastLog = -1e4

export interface BalanceJson {
  readonly logs: readonly number[]
  readonly begunWith: number
  /** How often; states of before have none. */
  readonly begun?: number
  readonly members: readonly (readonly [principal: string, Dealt])[]
  /** States of before have none. */
  readonly turns?: readonly number[]
  readonly looks?: LooksJson
}

export class Balance {
  /** Logarithms of the evidence of each way to deal, since there were so many members. */
  readonly #logs: number[]
  readonly #beginnings: Beginnings
  readonly #members: Map<string, Dealt>
  /** Logarithms of the evidence that those come next who have been silent for long. */
  readonly #turns: number[]
  readonly #looks: Looks

  constructor(json: BalanceJson = empty) {
    this.#logs = [...json.logs]
    this.#beginnings = new Beginnings(json.begunWith, json.begun)
    this.#members = new Map(
      json.members.map(([principal, each]) => [
        principal,
        { ...each, ...(each.places === undefined ? {} : { places: [...each.places] }) },
      ]),
    )
    this.#turns = [...(json.turns ?? lateBets.map(() => 0))]
    this.#looks = new Looks(json.looks)
  }

  /** Whether its members come as if they were dealt, and not in sessions. */
  get isDealt(): boolean {
    return meanPlace(this.#members.values()) >= dealtMean
  }

  /** Evidence that they come in turn. */
  get turns(): number {
    return Math.max(0, evidenceOfBets(this.#turns) - ways - this.#beginnings.cost)
  }

  /** Whether a member comes again at once, before most others have come: in sessions. */
  hasSessions(principal: string): boolean {
    const one = this.#members.get(principal)
    return one !== undefined && comesInSessions(one)
  }

  /** For each time that it begins anew, or is looked at as a whole: ever passes e^n with a probability of at most e^-n. */
  get evidence(): number {
    const equal = Math.min(evidenceOfBets(this.#logs.slice(0, 2)), evidenceOfBets(this.#logs.slice(2)))
    return Math.max(this.turns, equal - ways - this.#beginnings.cost, this.#looks.evidence)
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
    this.#members.set(principal, {
      tenant,
      calls,
      firstMs,
      lastMs,
      gapMs: 0,
      isClock: true,
      ticks: 0,
      places: [0, 0],
      joined: calls,
    })
    this.#beginWhereDue()
    return true
  }

  /** Whether enough is known of what a member asks. */
  settle(principal: string, isSure: boolean): void {
    const one = this.#members.get(principal)
    if (one === undefined) return
    if (isSure) delete one.isUnsure
    else one.isUnsure = true
  }

  isSure(principal: string): boolean {
    return this.#members.get(principal)?.isUnsure !== true
  }

  leave(principal: string): void {
    if (this.#members.delete(principal) && this.#beginWhereDue()) this.#looks.forget()
  }

  /** A call of a member: weighed, and taken note of. */
  take(principal: string, timeMs: number): void {
    const one = this.#members.get(principal)
    if (one === undefined) return
    if (!one.isClock) this.#weigh(one, timeMs)
    const gapMs = timeMs - one.lastMs
    one.calls++
    one.lastMs = timeMs
    const isSame = Math.abs(gapMs - one.gapMs) < clockMost * gapMs
    if (one.gapMs > 0 && isSame) one.ticks = (one.ticks ?? 0) + 1
    one.isClock = one.gapMs === 0 || isSame
    one.gapMs = gapMs
    if (this.#looks.isDue()) this.#look(timeMs)
  }

  /** Clocks, and who may be of another kind, are left out. */
  #look(timeMs: number): void {
    const members = [...this.#members.values()].filter(
      ({ joined, firstMs, ticks = 0, calls, isUnsure }) =>
        isUnsure !== true && joined !== undefined && firstMs < timeMs && ticks <= ticksMost * (calls - joined),
    )
    if (new Set(members.map(({ tenant }) => tenant)).size < tenantsMin) return
    const all = members.map((each) => ({
      calls: each.calls - 1,
      atLeast: each.joined! - 1,
      exposureMs: exposureOf(each, timeMs),
    }))
    this.#looks.look(all, shape, dealtShape)
  }

  /** Those with about as many calls as all would have had if all were equal, but for chance and a little. */
  dealt(timeMs: number): readonly DealtMember[] {
    const members = [...this.#members.values()]
    const mean = meanRate(members, timeMs)
    const place = meanPlace(members)
    return [...this.#members]
      .filter(([, each]) => isDealtLike(each, mean * exposureOf(each, timeMs), place))
      .map(([principal, each]) => {
        const { tenant, calls } = each
        return { principal, tenant, calls, even: mean * exposureOf(each, timeMs) }
      })
  }

  toJSON(): BalanceJson {
    return {
      logs: this.#logs,
      begunWith: this.#beginnings.size,
      begun: this.#beginnings.count,
      members: [...this.#members],
      turns: this.#turns,
      looks: this.#looks.toJSON(),
    }
  }

  /** Which of those who are weighed, and are no clocks, comes next, given that one of them does. */
  #weigh(one: Dealt, timeMs: number): void {
    const others: Dealt[] = []
    const tenants = new Set<string>()
    let [weighed, later] = [0, 0]
    for (const each of this.#members.values()) {
      if (each.before === undefined) continue
      weighed++
      if (each.lastMs > one.lastMs) later++
      if (tenants.size < tenantsMin) tenants.add(each.tenant)
      if (!each.isClock) others.push(each)
    }
    if (tenants.size < tenantsMin) return
    const place = (later + 0.5) / weighed
    add((one.places ??= [0, 0]), place)
    if (one.before === undefined) return
    for (const [n, { hit, miss }] of lateBets.entries())
      this.#turns[n] = Math.min(mostLog, Math.max(leastLog, this.#turns[n]! + (place > 0.5 ? hit : miss)))
    const mean = meanRate(this.#members.values(), timeMs)
    const urns = [
      ({ calls, before = 0 }: Dealt, shape: number): number => shape + calls - before,
      (each: Dealt, shape: number): number => (shape + each.calls) / (shape + mean * exposureOf(each, timeMs)),
    ]
    for (const [n, rateOf] of urns.entries()) {
      const shareOf = (shape: number): number => {
        let sum = 0
        for (const each of others) sum += rateOf(each, shape)
        return rateOf(one, shape) / sum
      }
      const byUrn = shareOf(shape)
      this.#add(2 * n, Math.log(1 / others.length / byUrn))
      this.#add(2 * n + 1, Math.log(shareOf(dealtShape) / byUrn))
    }
  }

  #add(way: number, log: number): void {
    this.#logs[way] = Math.min(mostLog, Math.max(leastLog, this.#logs[way]! + log))
  }

  /** With those who are members now. */
  #beginWhereDue(): boolean {
    let weighed = 0
    for (const { before } of this.#members.values()) if (before !== undefined) weighed++
    const { size } = this.#members
    if (!this.#beginnings.isDue(size, weighed)) return false
    this.#beginnings.begin(size)
    this.#logs.fill(0)
    this.#turns.fill(0)
    for (const one of this.#members.values()) one.before = one.calls
    return true
  }
}

const empty: BalanceJson = { logs: [0, 0, 0, 0], begunWith: 0, members: [] }
