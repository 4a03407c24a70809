/**
 * The step of `anomaly`: one group a stream of numbers. Values come one by one, or put together over an interval.
 *
 * Promises: an interval is closed by the first event after it or by the watermark; an empty one counts as 0 where
 * values are summed up or counted, and is a place without a value where they are averaged or the largest is taken, so
 * that silence shifts no season; an event of an interval that is closed is dropped as late. State is bounded by
 * `history`.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import type { AnomalyParams } from './params.ts'
import { newStream, score, seen, type Scored, type StreamState } from './stream.ts'

/** Values from whose spacing the season's length follows. */
const spacingValues = 50
const periodMin = 4
const periodMax = 1_500
/** Empty intervals filled in at once, beside what is left of a season; silence after which a stream is forgotten. */
const emptyMax = 500
const silentMsMax = 30 * 86_400_000
const pointsMax = 64

export interface AnomalyValue {
  readonly timeMs: number
  readonly value: number
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}

interface Watched {
  stream?: StreamState
  /** Until the stream begins. */
  early: [timeMs: number, value: number | null][]
  open?: { number: number; sum: number; count: number; max: number }
  entities: readonly Entity[]
  evidence?: EvidenceRef
  /** The newest values, for a chart. */
  points: [number, number][]
  lastMs: number
  findings: number
}

export class AnomalyWatch implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy: readonly string[]
  readonly #params: AnomalyParams

  constructor(params: AnomalyParams) {
    this.#params = params
    this.groupBy = params.by
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { timeMs, value, entities, evidence } = input as AnomalyValue
    const watched = entries.get<Watched>('') ?? { early: [], entities: [], points: [], lastMs: timeMs, findings: 0 }
    const { interval } = this.#params
    const findings: BehaviorFinding[] = []
    if (interval !== undefined) {
      const number = Math.floor(timeMs / interval)
      if (watched.open !== undefined && number < watched.open.number) {
        return { ...this.#outcome(watched, []), dropped: 'late' }
      }
      findings.push(...this.#closeBefore(group, watched, number))
      const open = (watched.open ??= { number, sum: 0, count: 0, max: -Infinity })
      open.sum += value
      open.count++
      open.max = Math.max(open.max, value)
    }
    if (!entities.every((each) => watched.entities.some(({ type, id }) => type === each.type && id === each.id))) {
      watched.entities = mergeEntities(watched.entities, entities)
    }
    watched.evidence = evidence
    watched.lastMs = Math.max(watched.lastMs, timeMs)
    if (interval === undefined) findings.push(...this.#value(group, watched, timeMs, value))
    entries.set('', watched)
    return this.#outcome(watched, findings)
  }

  advance(group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const watched = entries.get<Watched>('')
    if (watched === undefined || (watermarkMs !== Infinity && watched.lastMs + silentMsMax <= watermarkMs)) {
      return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    }
    const { interval } = this.#params
    if (interval === undefined || watched.open === undefined) return this.#outcome(watched, [])
    // The end of an input is no proof of silence.
    const upTo = watermarkMs === Infinity ? watched.open.number + 1 : Math.floor(watermarkMs / interval)
    const findings = this.#closeBefore(group, watched, upTo)
    entries.set('', watched)
    return this.#outcome(watched, findings)
  }

  #outcome(watched: Watched, findings: readonly BehaviorFinding[]): StepOutcome {
    const { interval } = this.#params
    const dueMs =
      interval !== undefined && watched.open !== undefined
        ? (watched.open.number + 1) * interval
        : watched.lastMs + silentMsMax
    return { findings, shuffled: [], dueMs }
  }

  /** Closes the open interval, and empty ones after it, as far as they lie before `number`. */
  #closeBefore(group: readonly string[], watched: Watched, number: number): BehaviorFinding[] {
    const { interval, function: how } = this.#params
    const findings: BehaviorFinding[] = []
    for (let filled = 0; watched.open !== undefined && watched.open.number < number; filled++) {
      const { open } = watched
      const value = { sum: open.sum, count: open.count, mean: open.sum / open.count, max: open.max }[how]
      const isEmpty = open.count === 0 && (how === 'mean' || how === 'max')
      findings.push(...this.#value(group, watched, open.number * interval!, isEmpty ? null : value))
      let next = open.number + 1
      // Of a longer silence whole seasons are left out, so that what follows stands at its place.
      if (filled === emptyMax) next = number - ((number - next) % (watched.stream?.period || 1))
      watched.open = { number: next, sum: 0, count: 0, max: -Infinity }
    }
    return findings
  }

  /** `null`: an interval without a value. */
  #value(group: readonly string[], watched: Watched, timeMs: number, value: number | null): BehaviorFinding[] {
    if (value !== null) watched.points.push([timeMs, value])
    if (watched.points.length > pointsMax) watched.points.shift()
    if (watched.stream === undefined) {
      watched.early.push([timeMs, value])
      if (watched.early.length < spacingValues) return []
      watched.stream = newStream(this.#period(watched.early), this.#params.history)
      for (const [, early] of watched.early) score(watched.stream, early)
      watched.early = []
      return []
    }
    const scored = score(watched.stream, value)
    if (value === null || seen(watched.stream) <= this.#params.learning || scored.score < this.#params.threshold)
      return []
    return [this.#finding(group, watched, timeMs, value, scored)]
  }

  #period(early: readonly (readonly [number, unknown])[]): number {
    const { interval, seasonality } = this.#params
    if (seasonality === 'none') return 0
    const gaps = early.slice(1).map(([timeMs], n) => timeMs - early[n]![0])
    gaps.sort((a, b) => a - b)
    const gap = interval ?? gaps[gaps.length >> 1]!
    const period = gap > 0 ? Math.round(seasonality / gap) : 0
    return period >= periodMin && period <= periodMax ? period : 0
  }

  #finding(
    group: readonly string[],
    watched: Watched,
    timeMs: number,
    value: number,
    { score: reached, channel, novelty }: Scored,
  ): BehaviorFinding {
    const { field, function: how, interval, threshold, by } = this.#params
    const what = interval === undefined ? field! : `${how} of ${field ?? 'events'}`
    const of = by.map((name, n) => `${name} ${group[n]!}`).join(', ')
    const stream = watched.stream!
    const count = seen(stream)
    watched.findings++
    return {
      anchor: `${timeMs} ${stream.count}`,
      version: 1,
      status: 'open',
      supersedes: [],
      group: Object.fromEntries(by.map((name, n) => [name, group[n]!])),
      timeMs,
      window: { startMs: watched.points[0]![0], endMs: timeMs },
      entities: watched.entities,
      evidence: { count: 1, events: watched.evidence === undefined ? [] : [watched.evidence] },
      explanation:
        `The ${what} for ${of} is ${Number(value.toPrecision(6))}, unlike the ${Math.min(count, stream.history)} values before: ` +
        `most so in its ${channel}, where so far out lies about 1 of ${Math.round(10 ** Math.min(novelty, 9)).toLocaleString('en-US')}. ` +
        `Over all channels the score is ${reached.toFixed(1)}; the line is ${threshold}.`,
      facts: {
        value,
        score: Math.round(reached * 100) / 100,
        line: threshold,
        channel,
        noveltyLog10: Math.round(novelty * 100) / 100,
        values: count,
      },
      series: [{ name: what.slice(0, 64), x: 'ms', points: [...watched.points] }],
    }
  }
}
