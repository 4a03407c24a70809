/**
 * The grouped step of `drift`, one group a model, over all tenants.
 *
 * Each account is compared with itself, so that new customers are no drift. Promises: an account's reference is its first
 * answers and stays, so that a slow drift adds up and nobody teaches it; after a finding all begin anew. One account fills no
 * more than its part of the window. Acts on arrival; state is bounded.
 */
import { formatSpan } from '../units.ts'
import type { BaselineTold, BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { greatestGap, ksLine, shareUpTo, stabilityIndex } from '../statistics/two-samples.ts'
import type { EvidenceRef } from '../../../core/signal.ts'
import { channelNames } from './channels.ts'
import type { Answer, DriftParams } from './params.ts'
import type { Answers } from './sampler.ts'
import { biasOf } from './explain-bias.ts'
import { countSubgroup } from './subgroups.ts'
import { driftTold } from './told.ts'
import {
  accountOf,
  beginAnew,
  channelOf,
  keepNewest,
  momentsOf,
  movedChannels,
  movedIn,
  newWatch,
  paceOf,
  presentIn,
  type Account,
  type Found,
  type Shift,
  type Watch,
} from './window.ts'

/** Judged after so many more answers. */
const every = 8
const historyMax = 64
/** How many of the accounts must have moved. */
const movedShare = 0.75
/**
 * How many of all accounts must have moved, those included of which nothing is known since; who has not asked for so
 * long has fallen silent.
 */
const movedOfAll = 0.6
const silentMs = 6 * 3_600_000
/** For so long after a drift was found others may be told of it. */
const settleMs = 6 * 3_600_000
/**
 * Who has asked within this time is one of the model's accounts; who was not known for as long has no say in what all
 * of them do.
 */
const activeMs = 86_400_000

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
    const baselines: BaselineTold[] = []
    const findings = answers.flatMap((answer) => this.#one(group[0]!, watch, principal, answer, evidence, baselines))
    entries.set('', watch)
    return { ...quiet, findings, baselines }
  }

  advance(): StepOutcome {
    return quiet
  }

  #one(
    model: string,
    watch: Watch,
    principal: string,
    answer: Answer,
    evidence: EvidenceRef,
    baselines: BaselineTold[],
  ): BehaviorFinding[] {
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
    if (shift !== undefined && watch.found === undefined) {
      findings.push({ ...base, ...this.#drift(shift, model, watch, answer.timeMs) })
      watch.found = { shift, timeMs: answer.timeMs }
    }
    if (watch.found !== undefined) this.#settle(model, watch, watch.found, answer.timeMs, baselines)
    return findings
  }

  /**
   * A drift that was found is told to others once everybody shares it; then, or where not everybody does in time, all
   * begin anew.
   */
  #settle(model: string, watch: Watch, { shift, timeMs }: Found, nowMs: number, baselines: BaselineTold[]): void {
    const isTold = watch.answers % every === 0 && this.#isEverybody(watch, shift, nowMs)
    if (isTold) baselines.push(driftTold(model, nowMs))
    if (isTold || nowMs >= timeMs + settleMs) beginAnew(watch)
  }

  #take(watch: Watch, principal: string, answer: Answer): Shift | undefined {
    const { reference, window, perPrincipal } = this.#params
    const account = accountOf(watch, principal, answer)
    if (account === undefined) return undefined
    if (account.reference.length < reference) {
      account.reference.push(answer.channels)
      if (account.reference.length === reference) account.usual = momentsOf(account.reference)
      return undefined
    }
    keepNewest(account, answer.channels)
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
  #isShared(watch: Watch, shift: Shift): boolean {
    const { judged, moved } = movedIn(watch, shift, watch.window[0]!.t)
    return judged >= this.#params.principalsMin && moved.length >= movedShare * judged
  }

  /**
   * Whether they are most of those who ask, and of all who have been asking within a day: some busy accounts alone are
   * not the model's traffic, nor are some that are new; who has fallen silent has neither moved nor not. Of a few
   * answers of an account many have moved by chance, sooner or later three quarters beside some that did: so the half
   * of them that has moved least must have moved as well, in the mean.
   */
  #isEverybody(watch: Watch, shift: Shift, timeMs: number): boolean {
    const isKnown = ({ firstMs = 0 }: Account): boolean => firstMs <= timeMs - activeMs
    const asking = Object.values(watch.accounts).filter((each) => isKnown(each) && each.lastMs >= timeMs - activeMs)
    const { moved, far } = movedIn(watch, shift, timeMs - silentMs)
    const known = far.filter(([principal]) => isKnown(watch.accounts[principal]!))
    const present = asking.filter(({ lastMs }) => lastMs >= timeMs - silentMs)
    const count = moved.filter((principal) => isKnown(watch.accounts[principal]!)).length
    const areMost = count >= movedShare * present.length && count >= movedOfAll * asking.length
    const least = known.slice(0, Math.ceil(known.length / 2))
    const sum = least.reduce((all, [, by]) => all + by, 0)
    return least.length > 0 && areMost && sum >= (least.length * shift.distance) / 2
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
