/**
 * The grouped step of `drift`, one group a model, over all tenants.
 *
 * Each account is compared with itself, so that new customers are no drift. Promises: an account's reference is its first
 * answers and stays, so that a slow drift adds up and nobody teaches it; after a finding all begin anew. One account fills no
 * more than its part of the window. Acts on arrival; state is bounded.
 */
import { formatSpan } from '../units.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { greatestGap, ksLine, shareUpTo, stabilityIndex } from '../statistics/two-samples.ts'
import type { EvidenceRef } from '../../../core/signal.ts'
import { channelNames } from './channels.ts'
import type { Answer, DriftParams } from './params.ts'
import type { Answers } from './sampler.ts'
import { biasOf } from './explain-bias.ts'
import { countSubgroup, type Subgroup } from './subgroups.ts'

/** Judged after so many more answers. */
const every = 8
const historyMax = 64
/** Accounts of a model that are followed. */
const accountsMax = 128
/** Answers of an account in the window before it is asked whether it has moved, and how many accounts must have. */
const answersOfOneMin = 4
const movedShare = 0.75
/** In deviations: less than this can't be a distance worth a word. */
const movedMean = 0.4
const movedSpread = 2
const zMax = 4

interface Newest {
  readonly p: string
  readonly t: number
  readonly c: readonly (number | null)[]
}

interface Account {
  reference: (readonly (number | null)[])[]
  lastMs: number
  /** Mean and deviation of each channel. */
  usual?: (readonly [mean: number, deviation: number])[]
}

interface Watch {
  answers: number
  accounts: Record<string, Account>
  window: Newest[]
  /** Time and greatest distance, window by window. */
  history: [number, number][]
  lastHistory: number
  subgroups: Record<string, Subgroup>
}

interface Shift {
  readonly channel: number
  readonly distance: number
  readonly line: number
  readonly stability: number
  /** Where the distance is, on which side, and the reference's share up to there. */
  readonly at: number
  readonly side: 1 | -1
  readonly usual: number
}

export class DriftWatch implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id']
  readonly #params: DriftParams

  constructor(params: DriftParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { principal, answers, evidence } = input as Answers
    const watch = entries.get<Watch>('') ?? newWatch()
    const findings = answers.flatMap((answer) => this.#one(group[0]!, watch, principal, answer, evidence))
    entries.set('', watch)
    return { ...quiet, findings }
  }

  advance(): StepOutcome {
    return quiet
  }

  #one(model: string, watch: Watch, principal: string, answer: Answer, evidence: EvidenceRef): BehaviorFinding[] {
    watch.answers++
    const findings: BehaviorFinding[] = []
    const base = {
      version: 1,
      status: 'open' as const,
      supersedes: [],
      group: { 'warden.model.id': model },
      timeMs: answer.timeMs,
      entities: [{ type: 'model' as const, id: model }],
      evidence: { count: 1, events: [evidence] },
    }
    if (answer.subgroup !== undefined && answer.right !== undefined) {
      const line = Math.log(this.#params.falseAlarmEvery)
      const bias = countSubgroup(watch.subgroups, answer.subgroup, answer.right, this.#params.subgroupMin, line)
      if (bias !== undefined)
        findings.push({ ...base, ...biasOf(bias, model, line, watch.subgroups[bias.name]!.recent, answer.timeMs) })
    }
    const shift = this.#take(watch, principal, answer)
    if (shift === undefined) return findings
    findings.push({ ...base, ...this.#drift(shift, model, watch, answer.timeMs) })
    watch.accounts = {}
    watch.window = []
    watch.history = []
    return findings
  }

  #take(watch: Watch, principal: string, answer: Answer): Shift | undefined {
    const { reference, window, perPrincipal } = this.#params
    const account = accountOf(watch, principal, answer)
    if (account.reference.length < reference) {
      account.reference.push(answer.channels)
      if (account.reference.length === reference) account.usual = momentsOf(account.reference)
      return undefined
    }
    const own = watch.window.filter(({ p }) => p === principal)
    if (own.length >= perPrincipal) watch.window.splice(watch.window.indexOf(own[0]!), 1)
    watch.window.push({ p: principal, t: answer.timeMs, c: answer.channels })
    if (watch.window.length > window) watch.window.shift()
    if (watch.answers % every !== 0 || watch.window.length < window / 2) return undefined
    const present = presentIn(watch)
    if (present.length < this.#params.principalsMin) return undefined
    const moved = movedChannels(watch)
    return moved.length === 0 ? undefined : this.#compare(watch, present, moved)
  }

  #compare(watch: Watch, present: readonly string[], moved: readonly number[]): Shift | undefined {
    const reference = present.flatMap((principal) => watch.accounts[principal]!.reference)
    let most: Shift | undefined
    for (const channel of moved) {
      const before = channelOf(reference, channel)
      const now = channelOf(
        watch.window.map(({ c }) => c),
        channel,
      )
      if (before.length < 50 || now.length < 30) continue
      const { distance, at, side } = greatestGap(before, now)
      const line = Math.max(
        this.#params.distanceMin,
        ksLine(before.length, now.length, this.#params.falseAlarm / channelNames.length),
      )
      if (distance / line > (most === undefined ? 0 : most.distance / most.line))
        most = {
          channel,
          distance,
          line,
          at,
          side,
          stability: stabilityIndex(before, now),
          usual: shareUpTo(before, at),
        }
    }
    if (most === undefined) return undefined
    if (watch.answers - watch.lastHistory >= this.#params.window / 4) {
      watch.history.push([watch.window.at(-1)!.t, Math.round(most.distance * 1e3) / 1e3])
      watch.lastHistory = watch.answers
      if (watch.history.length > historyMax) watch.history.shift()
    }
    return most.distance >= most.line && this.#isShared(watch, most) ? most : undefined
  }

  /**
   * Whether most accounts in the window have moved, each by itself and to the same side, where the distance is greatest.
   * Accounts differ from one another more than independent answers would: a few odd ones are no drift.
   */
  #isShared(watch: Watch, { channel, distance, at, side }: Shift): boolean {
    const byPrincipal = new Map<string, number[]>()
    for (const { p, c } of watch.window) {
      const value = c[channel]
      if (value === null || value === undefined) continue
      const values = byPrincipal.get(p)
      if (values === undefined) byPrincipal.set(p, [value])
      else values.push(value)
    }
    const judged = [...byPrincipal].filter(([, values]) => values.length >= answersOfOneMin)
    const moved = judged.filter(([principal, values]) => {
      const usual = shareUpTo(channelOf(watch.accounts[principal]!.reference, channel), at)
      return side * (shareUpTo(values, at) - usual) >= distance / 2
    })
    return judged.length >= this.#params.principalsMin && moved.length >= movedShare * judged.length
  }

  #drift(
    shift: Shift,
    model: string,
    watch: Watch,
    timeMs: number,
  ): Pick<BehaviorFinding, 'anchor' | 'explanation' | 'facts' | 'series' | 'threat' | 'window'> {
    const { sudden, sinceMs } = paceOf(watch, shift, timeMs)
    const pace = sudden ? 'suddenly' : `gradually, over ${formatSpan(Math.round((timeMs - sinceMs) / 60_000) * 60_000)}`
    const channel = channelNames[shift.channel]!
    return {
      anchor: `drift ${watch.answers}`,
      threat: 'drift',
      window: { startMs: watch.window[0]!.t, endMs: timeMs },
      explanation:
        `What ${model} is asked and answers has drifted ${pace}: the ${channel} of the last ${watch.window.length} calls of ${presentIn(watch).length} accounts ` +
        `is ${shift.distance.toFixed(2)} away from that of the first ${this.#params.reference} calls of each (Kolmogorov-Smirnov; the line is ${shift.line.toFixed(2)}). The population stability index is ${shift.stability.toFixed(2)}.`,
      facts: {
        kind: 'drift',
        pace: sudden ? 'sudden' : 'gradual',
        channel,
        ksDistance: Math.round(shift.distance * 1e4) / 1e4,
        line: Math.round(shift.line * 1e4) / 1e4,
        stabilityIndex: Math.round(shift.stability * 1e3) / 1e3,
        window: watch.window.length,
      },
      series: [
        {
          name: 'distance from the reference',
          x: 'ms',
          points: [...watch.history, [timeMs, Math.round(shift.distance * 1e3) / 1e3] as [number, number]].slice(-64),
          line: shift.line,
        },
      ],
    }
  }
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

function newWatch(): Watch {
  return { answers: 0, accounts: {}, window: [], history: [], lastHistory: 0, subgroups: {} }
}

/** The account of an answer; the one that has been silent for longest makes room. */
function accountOf(watch: Watch, principal: string, { timeMs }: Answer): Account {
  if (Object.hasOwn(watch.accounts, principal)) {
    const known = watch.accounts[principal]!
    known.lastMs = Math.max(known.lastMs, timeMs)
    return known
  }
  const account: Account = { reference: [], lastMs: timeMs }
  Object.defineProperty(watch.accounts, principal, {
    value: account,
    enumerable: true,
    writable: true,
    configurable: true,
  })
  const names = Object.keys(watch.accounts)
  if (names.length > accountsMax) {
    const oldest = names.reduce((a, b) => (watch.accounts[b]!.lastMs < watch.accounts[a]!.lastMs ? b : a))
    Reflect.deleteProperty(watch.accounts, oldest)
    watch.window = watch.window.filter(({ p }) => p !== oldest)
  }
  return account
}

function momentsOf(reference: readonly (readonly (number | null)[])[]): (readonly [number, number])[] {
  return channelNames.map((_, channel) => {
    const values = channelOf(reference, channel)
    if (values.length === 0) return [0, 0]
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    return [mean, Math.sqrt(variance)]
  })
}

/** A cheap look: the channels whose mean or spread has moved at all, against what each account had. */
function movedChannels(watch: Watch): number[] {
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

function presentIn(watch: Watch): string[] {
  return [...new Set(watch.window.map(({ p }) => p))]
}

function channelOf(of: readonly (readonly (number | null)[])[], channel: number): Float64Array {
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
function paceOf(watch: Watch, shift: Shift, timeMs: number): { sudden: boolean; sinceMs: number } {
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
