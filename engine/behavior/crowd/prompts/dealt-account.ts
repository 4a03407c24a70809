/**
 * One of the accounts between which a load may be dealt (balance.ts): how many calls came to it, and where among those of the
 * others. Pure.
 */
import { isLikelierDealt } from './loads.ts'

/**
 * Shapes of the Gamma distribution, 1 over the squared coefficient of variation: of customers, and of a hand that deals
 * about equally.
 */
export const shape = 4
export const dealtShape = 25
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

/** What an account has asked when it becomes a member. */
export interface Load {
  readonly tenant: string
  /** Calls from its first on. */
  readonly calls: number
  readonly firstMs: number
  readonly lastMs: number
}

/** JSON. */
export interface Dealt extends Load {
  calls: number
  lastMs: number
  /** Calls when the evidence began; undefined: it became a member later, and is not weighed yet. */
  before?: number
  gapMs: number
  /** Of its calls that were weighed: the sum of their places (above), and how many there were; states of before have none. */
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

/** Whether it comes again at once, before most others have come. */
export function comesInSessions({ places }: Dealt): boolean {
  return places !== undefined && places[1] >= placedMin && meanOf(places) < sessionsBelow
}

/**
 * Whether it has about as many calls as all would have had if all were equal (`even`), but for chance and a little, and comes no
 * earlier than all together do (`place`).
 */
export function isDealtLike({ isUnsure, places = [0, 0], calls }: Dealt, even: number, place: number): boolean {
  if (isUnsure === true || places[1] < dealtMin) return false
  const earliest = place - Math.min(earlierMost, earlierDeviations / Math.sqrt(places[1]))
  return meanOf(places) >= earliest && isLikelierDealt(calls, even, shape, dealtShape)
}

/** The mean place of those of whom enough is known, each with the same say: one that has a suite run is not all of them. */
export function meanPlace(members: Iterable<Dealt>): number {
  const mean: [sum: number, members: number] = [0, 0]
  for (const { places, isUnsure } of members)
    if (places !== undefined && places[1] >= dealtMin && isUnsure !== true) add(mean, meanOf(places))
  return meanOf(mean)
}

/** Calls of a member in a millisecond. */
export function meanRate(members: Iterable<Dealt>, timeMs: number): number {
  let [calls, exposure] = [0, 0]
  for (const each of members) {
    calls += each.calls
    exposure += exposureOf(each, timeMs)
  }
  return calls / Math.max(1, exposure)
}

export function exposureOf({ firstMs }: Load, timeMs: number): number {
  return Math.max(0, timeMs - firstMs)
}

export function add(mean: [sum: number, count: number], value: number): void {
  mean[0] += value
  mean[1]++
}

function meanOf([sum, count]: readonly [number, number]): number {
  return count === 0 ? 0 : sum / count
}
