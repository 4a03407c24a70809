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
import { isLikelierDealt } from './loads.ts'
import { Looks, ways, type LooksJson } from './looks.ts'

/**
 * Shapes of the Gamma distribution, 1 over the squared coefficient of variation: of customers, and of a hand that deals
 * about equally.
 */
const shape = 4
const dealtShape = 25
/** Fewest tenants between which a load is dealt; most members that are followed. */
export const tenantsMin = 4
const membersMax = 256
/** A clock's intervals differ by less than this share. */
const clockMost = 0.1
/**
 * A call's place: the share of the members that have called since its account last did. A hand's are a half in the
 * mean, or more where it deals in turn; who calls at random, so often as n of the others, has about 1/(n + 1); whoever
 * comes in sessions hardly any.
 */
const sessionsBelow = 0.2
const placedMin = 10
/** Of whoever is named: as many calls that were weighed, and no earlier than all together in the mean by more. */
const dealtMin = 6
const earlierMost = 0.2
/** And by so many deviations of a mean of so many places, equally spread. */
const earlierDeviations = 3.5 / Math.sqrt(12)
/** All together: nightly batches at the same time have up to 0.43. */
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
  /** Of its calls that were weighed: the sum of their places (below), and how many there were; states of before have none. */
  places?: [sum: number, calls: number]
  /** Intervals that were the same as the one before; states of before have none. */
  ticks?: number
  /** Calls when it became a member; states of before don't tell. */
  joined?: number
  /** It may be of another kind, as far as so few calls tell: it is weighed, and not named. */
  isUnsure?: true
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
    return this.#place() >= dealtMean
  }

  /** Evidence that they come in turn. */
  get turns(): number {
    return Math.max(0, evidenceOfBets(this.#turns) - ways - this.#beginnings.cost)
  }

  /** Whether a member comes again at once, before most others have come: in sessions. */
  hasSessions(principal: string): boolean {
    const places = this.#members.get(principal)?.places
    return places !== undefined && places[1] >= placedMin && meanOf(places) < sessionsBelow
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
    const mean = this.#meanAt(timeMs)
    const place = this.#place()
    return [...this.#members]
      .filter(([, { isUnsure }]) => isUnsure !== true)
      .map(([principal, each]) => ({
        principal,
        tenant: each.tenant,
        calls: each.calls,
        even: mean * exposureOf(each, timeMs),
        places: each.places ?? ([0, 0] as const),
      }))
      .filter(
        ({ places, calls, even }) =>
          places[1] >= dealtMin &&
          meanOf(places) >= place - Math.min(earlierMost, earlierDeviations / Math.sqrt(places[1])) &&
          isLikelierDealt(calls, even, shape, dealtShape),
      )
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
    const mean = this.#meanAt(timeMs)
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

  /** In the mean of those of whom enough is known, each with the same say: one that has a suite run is not all of them. */
  #place(): number {
    const mean: [sum: number, members: number] = [0, 0]
    for (const { places, isUnsure } of this.#members.values())
      if (places !== undefined && places[1] >= dealtMin && isUnsure !== true) add(mean, meanOf(places))
    return meanOf(mean)
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

function add(mean: [sum: number, count: number], value: number): void {
  mean[0] += value
  mean[1]++
}

function meanOf([sum, count]: readonly [number, number]): number {
  return count === 0 ? 0 : sum / count
}

function exposureOf({ firstMs }: Load, timeMs: number): number {
  return Math.max(0, timeMs - firstMs)
}
