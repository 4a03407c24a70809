/**
 * What `drift` keeps of a model: the newest answers, the first ones of each account, and what the two say of each other. Pure.
 */
import { Places } from '../places.ts'
import { shareUpTo } from '../statistics/two-samples.ts'
import { channelNames } from './channels.ts'
import type { Answer } from './params.ts'
import type { Subgroup } from './subgroups.ts'

/** Accounts of a model that are followed. */
const accountsMax = 128
/** Newest answers of an account before it is asked whether it has moved, and that it is asked by. */
const answersOfOneMin = 4
const newestMax = 16
/** In deviations: less than this can't be a distance worth a word. */
const movedMean = 0.4
const movedSpread = 2
const zMax = 4

export interface Newest {
  readonly p: string
  readonly t: number
  readonly c: readonly (number | null)[]
}

export interface Account {
  reference: (readonly (number | null)[])[]
  lastMs: number
  /** Of its first answer; not told by older versions. */
  readonly firstMs?: number
  /** Mean and deviation of each channel. */
  usual?: (readonly [mean: number, deviation: number])[]
  /** Its newest answers, the last of them last; older versions kept none. */
  newest?: (readonly (number | null)[])[]
}

/** A drift, and when it was found. JSON. */
export interface Found {
  readonly shift: Shift
  readonly timeMs: number
}

export interface Watch {
  answers: number
  accounts: Record<string, Account>
  window: Newest[]
  /** Time and greatest distance, window by window. */
  history: [number, number][]
  lastHistory: number
  /** Not everybody shares it yet. */
  found?: Found
  subgroups: Record<string, Subgroup>
}

export interface Shift {
  readonly channel: number
  readonly distance: number
  readonly line: number
  readonly stability: number
  /** Where the distance is, on which side, and the reference's share up to there. */
  readonly at: number
  readonly side: 1 | -1
  readonly usual: number
}

export function newWatch(): Watch {
  return { answers: 0, accounts: {}, window: [], history: [], lastHistory: 0, subgroups: {} }
}

const named = new Places<Account>()

/** All accounts begin anew; who is known stays known. */
export function beginAnew(watch: Watch): void {
  const accounts = Object.entries(watch.accounts)
  watch.accounts = {}
  for (const [principal, { lastMs, firstMs }] of accounts) {
    named.set(watch.accounts, principal, { reference: [], lastMs, ...(firstMs !== undefined && { firstMs }) })
  }
  watch.window = []
  watch.history = []
  delete watch.found
}

/** The account of an answer; undefined: it has no place among those that are followed. */
export function accountOf(watch: Watch, principal: string, { timeMs }: Answer): Account | undefined {
  const known = named.of(watch.accounts).get(principal)
  if (known !== undefined) {
    known.lastMs = Math.max(known.lastMs, timeMs)
    return known
  }
  const hasRoom = named.hasRoom(watch.accounts, accountsMax, timeMs, (silent) => {
    named.delete(watch.accounts, silent)
    watch.window = watch.window.filter(({ p }) => p !== silent)
  })
  if (!hasRoom) return undefined
  const account: Account = { reference: [], lastMs: timeMs, firstMs: timeMs }
  named.set(watch.accounts, principal, account)
  return account
}

export function keepNewest(account: Account, channels: readonly (number | null)[]): void {
  const newest = (account.newest ??= [])
  newest.push(channels)
  if (newest.length > newestMax) newest.shift()
}

export function momentsOf(reference: readonly (readonly (number | null)[])[]): (readonly [number, number])[] {
  return channelNames.map((_, channel) => {
    const values = channelOf(reference, channel)
    if (values.length === 0) return [0, 0]
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    return [mean, Math.sqrt(variance)]
  })
}

/** A cheap look: the channels whose mean or spread has moved at all, against what each account had. */
export function movedChannels(watch: Watch): number[] {
  const [sums, squares, counts] = [zeros(), zeros(), zeros()]
  for (const { p, c } of watch.window) {
    const usual = watch.accounts[p]?.usual
    if (usual === undefined) continue
    for (let channel = 0; channel < c.length; channel++) {
      const value = c[channel]
      if (value === null || value === undefined) continue
      const [mean, deviation] = usual[channel]!
      const z = deviation > 0 ? Math.max(-zMax, Math.min(zMax, (value - mean) / deviation)) : value === mean ? 0 : zMax
      counts[channel]!++
      sums[channel]! += z
      squares[channel]! += z * z
    }
  }
  return channelNames.flatMap((_, channel) => {
    const count = counts[channel]!
    if (count === 0) return []
    return Math.abs(sums[channel]! / count) > movedMean || squares[channel]! / count > movedSpread ? [channel] : []
  })
}

function zeros(): number[] {
  return new Array<number>(channelNames.length).fill(0)
}

export function presentIn(watch: Watch): string[] {
  return [...new Set(watch.window.map(({ p }) => p))]
}

export function channelOf(of: readonly (readonly (number | null)[])[], channel: number): Float64Array {
  const values = new Float64Array(of.length)
  let count = 0
  for (const channels of of) {
    const value = channels[channel]
    if (value !== null && value !== undefined) values[count++] = value
  }
  return values.subarray(0, count).sort()
}

/**
 * How the distance came about. In a sudden shift the newest quarter of the window has it all and the oldest hardly any; a
 * gradual one is the same throughout, for a window is short beside it. Distances at one place are unbiased, unlike greatest ones.
 */
export function paceOf(watch: Watch, shift: Shift, timeMs: number): { sudden: boolean; sinceMs: number } {
  const quarter = Math.floor(watch.window.length / 4)
  const moved = (part: readonly Newest[]): number => {
    const values = channelOf(
      part.map(({ c }) => c),
      shift.channel,
    )
    return values.length === 0 ? 0 : shift.side * (shareUpTo(values, shift.at) - shift.usual)
  }
  const sudden = moved(watch.window.slice(-quarter)) - moved(watch.window.slice(0, quarter)) >= shift.distance
  const from = watch.history.findLast(([, distance]) => distance <= shift.distance / 2)
  return { sudden, sinceMs: sudden ? watch.window[0]!.t : (from?.[0] ?? timeMs) }
}

/**
 * Accounts that can be judged by their newest answers, of those that have asked since `fromMs`, and those that have
 * moved, each by itself and to that side; however many share the window. `far`: how far each has, from those that have
 * least.
 */
export function movedIn(
  watch: Watch,
  { channel, distance, at, side }: Shift,
  fromMs: number,
): {
  readonly judged: number
  readonly moved: readonly string[]
  readonly far: readonly (readonly [string, number])[]
} {
  const far: [string, number][] = []
  for (const [principal, { lastMs, reference, newest }] of Object.entries(watch.accounts)) {
    if (lastMs < fromMs || newest === undefined) continue
    const [values, before] = [channelOf(newest, channel), channelOf(reference, channel)]
    if (values.length < answersOfOneMin || before.length === 0) continue
    far.push([principal, side * (shareUpTo(values, at) - shareUpTo(before, at))])
  }
  far.sort((a, b) => a[1] - b[1])
  const moved = far.filter(([, by]) => by >= distance / 2)
  return { judged: far.length, moved: moved.map(([principal]) => principal), far }
}
