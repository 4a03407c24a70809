/**
 * The step of `token-spend`: adds up an account's tokens by UTC day and holds each day against its own earlier ones.
 *
 * Promises: O(1) a call but for the few that begin a day or may be a finding; at most 60 days are kept; a day that was a
 * finding does not become usual.
 */
import { median, medianAbsoluteDeviation } from 'simple-statistics'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import type { SpendParams } from './params.ts'

export interface Spent {
  readonly timeMs: number
  readonly tokens: number
  /** The answer reached its limit. */
  readonly cutOff: boolean
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

const dayMs = 86_400_000
const hourMs = 3_600_000
const daysMax = 60
/** Fewest calls of an hour whose mean tells how dear a call is. */
const hourCallsMin = 10
const madToDeviation = 1.4826
const evidenceMax = 10

/**
 * The dearest hour, tokens a call of the hour in which they were most, and the largest share cut off in an hour; states
 * of before have none.
 */
type Day = [
  day: number,
  tokens: number,
  calls: number,
  cutOff: number,
  hourTokens?: number,
  hourPerCall?: number,
  hourCutOff?: number,
]
type Hour = [hour: number, tokens: number, calls: number, cutOff: number]

interface Usual {
  readonly days: number
  readonly tokens: number
  /** Of a day's tokens. */
  readonly line: number
  readonly perCall: number
  readonly cutOff: number
  /** Of an hour's tokens, where enough days tell. */
  readonly hour?: { readonly tokens: number; readonly line: number; readonly perCall: number; readonly cutOff: number }
}

interface State {
  /** The newest last; the last is today. */
  days: Day[]
  /** Of the days before today; null: too few. */
  usual: Usual | null
  /** The hour that is not over yet. */
  hour?: Hour
  /** Tokens of today at which it was told last, and how often it was. */
  told: number
  version: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

export class SpendStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal']
  readonly #params: SpendParams

  constructor(params: SpendParams) {
    this.#params = params
  }

  apply(group: readonly string[], entries: GroupEntries, observation: unknown): StepOutcome {
    const spent = observation as Spent
    const day = Math.floor(spent.timeMs / dayMs)
    const state = entries.get<State>('') ?? { days: [], usual: null, told: 0, version: 0, entities: [], evidence: [] }
    const hour = hourOf(state, Math.floor(spent.timeMs / hourMs))
    const newest = state.days.at(-1)
    if (newest === undefined || day > newest[0]) this.#begin(state, day)
    const of = state.days.find(([each]) => each === day)
    if (of !== undefined) {
      of[1] += spent.tokens
      of[2]++
      if (spent.cutOff) of[3]++
    }
    addTo(hour, spent)
    const finding = of === state.days.at(-1) ? this.#judge(group, state, of!, spent) : undefined
    entries.set('', state)
    return { findings: finding === undefined ? [] : [finding], shuffled: [], dueMs: this.#dueMs(state) }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const state = entries.get<State>('')
    const over = state === undefined || (watermarkMs !== Infinity && watermarkMs >= this.#dueMs(state))
    if (over) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    return { findings: [], shuffled: [], dueMs: this.#dueMs(state) }
  }

  #begin(state: State, day: number): void {
    if (state.version > 0) state.days.pop()
    state.usual = this.#usualOf(state.days)
    state.days.push([day, 0, 0, 0])
    if (state.days.length > daysMax) state.days.shift()
    Object.assign(state, { told: 0, version: 0, entities: [], evidence: [] })
  }

  #usualOf(days: readonly Day[]): Usual | null {
    const { daysMin } = this.#params
    if (days.length < daysMin) return null
    const [middle, line] = this.#lineOf(days.map(([, tokens]) => tokens))
    const hours = days.filter(([, , , , tokens]) => tokens !== undefined)
    const [hour, hourLine] = hours.length < daysMin ? [] : this.#lineOf(hours.map(([, , , , tokens]) => tokens!))
    const calls = days.reduce((sum, [, , count]) => sum + count, 0)
    return {
      days: days.length,
      tokens: middle,
      line,
      // The dearest of the own days, so that kinds of work that come now and then are usual.
      perCall: Math.max(...days.map(([, tokens, count]) => tokens / Math.max(1, count))),
      cutOff: days.reduce((sum, [, , , cut]) => sum + cut, 0) / Math.max(1, calls),
      ...(hour !== undefined && {
        hour: {
          tokens: hour,
          line: hourLine!,
          perCall: Math.max(...hours.map(([, , , , , perCall]) => perCall!)),
          cutOff: Math.max(...hours.map(([, , , , , , cut]) => cut!)),
        },
      }),
    }
  }

  /** The median, and the line above it. */
  #lineOf(tokens: readonly number[]): [middle: number, line: number] {
    const { deviations, spreadMin, floor } = this.#params
    const logs = tokens.map((each) => Math.log(Math.max(1, each)))
    const spread = Math.max(spreadMin, madToDeviation * medianAbsoluteDeviation(logs))
    const middle = median(logs)
    return [Math.round(Math.exp(middle)), Math.round(Math.max(floor, Math.exp(middle + deviations * spread)))]
  }

  /** Whether so many calls are dearer than any that were usual, or cut off where few were. */
  #isOther(perCall: number, cutOff: number, usual: { readonly perCall: number; readonly cutOff: number }) {
    return {
      dear: perCall >= this.#params.dearer * usual.perCall,
      long: cutOff >= this.#params.cutOffMin && usual.cutOff < this.#params.cutOffMin / 3,
    }
  }

  #judge(
    group: readonly string[],
    state: State,
    [day, tokens, calls, cut]: Day,
    spent: Spent,
  ): BehaviorFinding | undefined {
    const { usual } = state
    if (usual === null || (state.version > 0 && tokens < 2 * state.told)) return undefined
    const ofDay = this.#isOther(tokens / calls, cut / calls, usual)
    const isDay = tokens >= usual.line && (ofDay.dear || ofDay.long)
    const finding = isDay
      ? { tokens, calls, cut, of: 'a day', its: usual, ...ofDay }
      : this.#hourOver(state.hour!, usual)
    if (finding === undefined) return undefined
    const { dear, long, its } = finding
    const perCall = finding.tokens / finding.calls
    state.version++
    state.told = tokens
    state.entities = mergeEntities(state.entities, spent.entities())
    state.evidence = mergeEvidence(state.evidence, [spent.evidence()], evidenceMax)
    const why = [
      ...(dear
        ? [
            `a call takes ${Math.round(perCall)} tokens (on its dearest ${finding.of.split(' ')[1]!}: ${Math.round(its.perCall)})`,
          ]
        : []),
      ...(long
        ? [`${percent(finding.cut / finding.calls)} of the answers reach their limit (usually ${percent(its.cutOff)})`]
        : []),
    ].join(', and ')
    const startMs = day * dayMs
    return {
      anchor: String(day),
      version: state.version,
      status: 'open',
      supersedes: [],
      group: { 'warden.principal': group[0]! },
      timeMs: spent.timeMs,
      window: { startMs, endMs: spent.timeMs },
      entities: state.entities,
      evidence: { count: calls, events: state.evidence },
      explanation:
        `${group[0]!} spent ${finding.tokens} tokens in ${finding.calls} calls of ${finding.of}; usually that is ${its.tokens} (${usual.days} days) and ` +
        `the line ${its.line}. Its calls are other than usual: ${why}.`,
      facts: {
        tokens: finding.tokens, calls: finding.calls, usualTokens: its.tokens, line: its.line, days: usual.days,
        tokensPerCall: Math.round(perCall), usualTokensPerCall: Math.round(its.perCall),
      }, // prettier-ignore
      exposure: { queries: calls, tokens },
      threat: 'cost-harvesting',
      series: [
        {
          name: 'tokens a day',
          x: 'ms',
          points: state.days.map(([each, sum]) => [each * dayMs, sum]),
          line: usual.line,
        },
      ],
    }
  }

  /** An hour that is as far above the dearest hours of other days, with calls that are other than in any hour or on any day. */
  #hourOver([, tokens, calls, cut]: Hour, usual: Usual) {
    const { hour } = usual
    if (hour === undefined || tokens < hour.line) return undefined
    const its = { ...hour, perCall: Math.max(hour.perCall, usual.perCall), cutOff: Math.max(hour.cutOff, usual.cutOff) }
    const { dear, long } = this.#isOther(tokens / calls, cut / calls, its)
    return dear || long ? { tokens, calls, cut, of: 'an hour', its, dear, long } : undefined
  }

  #dueMs({ days }: State): number {
    return ((days.at(-1)?.[0] ?? 0) + 1) * dayMs + this.#params.forget
  }
}

/** The hour that is going on; one that is over goes into its day. One before it counts for nothing. */
function hourOf(state: State, hour: number): Hour | undefined {
  const known = state.hour
  if (known !== undefined && hour <= known[0]) return hour === known[0] ? known : undefined
  if (known !== undefined) {
    const [over, tokens, calls, cut] = known
    const day = state.days.find(([each]) => each === Math.floor((over * hourMs) / dayMs))
    if (day !== undefined) {
      const tells = calls >= hourCallsMin
      day[4] = Math.max(day[4] ?? 0, tokens)
      day[5] = Math.max(day[5] ?? 0, tells ? Math.round(tokens / calls) : 0)
      day[6] = Math.max(day[6] ?? 0, tells ? Math.round((100 * cut) / calls) / 100 : 0)
    }
  }
  state.hour = [hour, 0, 0, 0]
  return state.hour
}

function addTo(hour: Hour | undefined, { tokens, cutOff }: Spent): void {
  if (hour === undefined) return
  hour[1] += tokens
  hour[2]++
  if (cutOff) hour[3]++
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
