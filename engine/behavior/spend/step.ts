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
const daysMax = 60
const madToDeviation = 1.4826
const evidenceMax = 10

type Day = [day: number, tokens: number, calls: number, cutOff: number]

interface Usual {
  readonly days: number
  readonly tokens: number
  /** Of a day's tokens. */
  readonly line: number
  readonly perCall: number
  readonly cutOff: number
}

interface State {
  /** The newest last; the last is today. */
  days: Day[]
  /** Of the days before today; null: too few. */
  usual: Usual | null
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
    const newest = state.days.at(-1)
    if (newest === undefined || day > newest[0]) this.#begin(state, day)
    const of = state.days.find(([each]) => each === day)
    if (of !== undefined) {
      of[1] += spent.tokens
      of[2]++
      if (spent.cutOff) of[3]++
    }
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
    const { daysMin, deviations, spreadMin } = this.#params
    if (days.length < daysMin) return null
    const logs = days.map(([, tokens]) => Math.log(Math.max(1, tokens)))
    const spread = Math.max(spreadMin, madToDeviation * medianAbsoluteDeviation(logs))
    const middle = median(logs)
    const calls = days.reduce((sum, [, , count]) => sum + count, 0)
    return {
      days: days.length,
      tokens: Math.round(Math.exp(middle)),
      line: Math.round(Math.max(this.#params.floor, Math.exp(middle + deviations * spread))),
      // The dearest of the own days, so that kinds of work that come now and then are usual.
      perCall: Math.max(...days.map(([, tokens, count]) => tokens / Math.max(1, count))),
      cutOff: days.reduce((sum, [, , , cut]) => sum + cut, 0) / Math.max(1, calls),
    }
  }

  #judge(
    group: readonly string[],
    state: State,
    [day, tokens, calls, cut]: Day,
    spent: Spent,
  ): BehaviorFinding | undefined {
    const { usual } = state
    if (usual === null || tokens < usual.line || (state.version > 0 && tokens < 2 * state.told)) return undefined
    const perCall = tokens / calls
    const dear = perCall >= this.#params.dearer * usual.perCall
    const long = cut / calls >= this.#params.cutOffMin && usual.cutOff < this.#params.cutOffMin / 3
    if (!dear && !long) return undefined
    state.version++
    state.told = tokens
    state.entities = mergeEntities(state.entities, spent.entities())
    state.evidence = mergeEvidence(state.evidence, [spent.evidence()], evidenceMax)
    const why = [
      ...(dear
        ? [`a call takes ${Math.round(perCall)} tokens (on its dearest day: ${Math.round(usual.perCall)})`]
        : []),
      ...(long ? [`${percent(cut / calls)} of the answers reach their limit (usually ${percent(usual.cutOff)})`] : []),
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
        `${group[0]!} spent ${tokens} tokens in ${calls} calls of a day; its usual day is ${usual.tokens} (${usual.days} days) and ` +
        `the line ${usual.line}. Its calls are other than usual: ${why}.`,
      facts: {
        tokens, calls, usualTokens: usual.tokens, line: usual.line, days: usual.days,
        tokensPerCall: Math.round(perCall), usualTokensPerCall: Math.round(usual.perCall),
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

  #dueMs({ days }: State): number {
    return ((days.at(-1)?.[0] ?? 0) + 1) * dayMs + this.#params.forget
  }
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
