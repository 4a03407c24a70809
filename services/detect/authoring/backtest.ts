/**
 * Runs rules over events of the past: what would have fired, how often, how right, at what cost.
 *
 * Pure but for the caller's clock. Both steps of detect run in process, on the very engine of production; the watermark follows
 * the events' time at the distance of the lateness allowed. Verdicts come from closed incidents: a finding is judged by the
 * incident that holds the same signal, or else by one about the same account (or other primary entity) in overlapping time.
 */
import type { ContentFile } from '../../../core/content.ts'
import type { Event } from '../../../core/event.ts'
import type { Incident } from '../../../core/incident.ts'
import { limits } from '../../../core/limits.ts'
import type { Signal } from '../../../core/signal.ts'
import { createMatcher } from '../../../engine/sigma/matcher.ts'
import { DetectInProcess } from '../in-process.ts'
import type { RuleSet } from '../rule-set/rule-set.ts'

export interface BacktestRow {
  readonly rule: string
  readonly title: string
  readonly level: string
  /** Findings that stand at the end. */
  readonly signals: number
  readonly perDay: number
  readonly truePositives: number
  readonly falsePositives: number
  /** Of no closed incident, or of one without a verdict that tells. */
  readonly unjudged: number
  /** truePositives of those that are judged; null: none is. */
  readonly precision: number | null
  /** Microseconds an event, measured alone on a sample; null for what reads no event itself. */
  readonly costUs: number | null
}

export interface BacktestReport {
  readonly events: number
  readonly from: string | null
  readonly to: string | null
  readonly signals: number
  readonly dropped: Readonly<Record<string, number>>
  readonly rules: readonly BacktestRow[]
}

export type Judged = Pick<Incident, 'signals' | 'primary' | 'firstSeen' | 'lastSeen' | 'verdict'>

const sampledMax = 200
/** Events between two moves of the watermark. */
const moveEvery = 256
const dayMs = 86_400_000

export class Backtest {
  readonly #pipe: DetectInProcess
  readonly #set: RuleSet
  readonly #sample: Event[] = []
  #sampleEvery = 1
  #events = 0
  #firstMs = Infinity
  #lastMs = -Infinity

  constructor(files: readonly ContentFile[], set: RuleSet, inventory: readonly ContentFile[] = []) {
    this.#set = set
    this.#pipe = new DetectInProcess(files, { inventory })
  }

  /** An event; best in the order of time. Those that come later than the lateness allowed count as late, as in production. */
  event(event: Event): void {
    const timeMs = Date.parse(event['@timestamp'])
    if (!Number.isFinite(timeMs)) return
    const createdMs = Date.parse(event.event.created)
    this.#pipe.event(event, Number.isFinite(createdMs) ? createdMs : timeMs)
    if (this.#events++ % this.#sampleEvery === 0) this.#keep(event)
    this.#firstMs = Math.min(this.#firstMs, timeMs)
    this.#lastMs = Math.max(this.#lastMs, timeMs)
    if (this.#events % moveEvery === 0) this.#pipe.watermark(this.#lastMs - limits.latenessMs)
  }

  /** Every second one goes when there are too many: what is left is spread over the whole. */
  #keep(event: Event): void {
    this.#sample.push(event)
    if (this.#sample.length < sampledMax) return
    const kept = this.#sample.filter((_, at) => at % 2 === 0)
    this.#sample.splice(0, this.#sample.length, ...kept)
    this.#sampleEvery *= 2
  }

  /** `monotonicMs`: for measuring the cost. */
  finish(closed: readonly Judged[], monotonicMs: () => number): BacktestReport {
    this.#pipe.watermark(Infinity)
    const signals = [...this.#pipe.final().values()]
    const verdicts = new Verdicts(closed)
    const days = Math.max(1, (this.#lastMs - this.#firstMs) / dayMs)
    const byRule = Map.groupBy(signals, ({ rule }) => rule.id)
    const { sigma, correlations, behavior } = this.#set
    const metas = [
      ...sigma.filter((rule) => rule.standalone).map(({ meta }) => meta),
      ...correlations.filter(({ rule }) => rule.standalone).map(({ rule }) => rule.meta),
      ...behavior.map(({ rule }) => rule.meta),
    ]
    const rules = metas.map(({ id, title, level }): BacktestRow => {
      const own = byRule.get(id) ?? []
      const told = own.map((signal) => verdicts.of(signal))
      const truePositives = told.filter((each) => each === true).length
      const falsePositives = told.filter((each) => each === false).length
      const judged = truePositives + falsePositives
      return {
        rule: id,
        title,
        level,
        signals: own.length,
        perDay: Number((own.length / days).toFixed(2)),
        truePositives,
        falsePositives,
        unjudged: own.length - judged,
        precision: judged === 0 ? null : Number((truePositives / judged).toFixed(3)),
        costUs: this.#costOf(id, monotonicMs),
      }
    })
    const time = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null)
    return {
      events: this.#events,
      from: time(this.#firstMs),
      to: time(this.#lastMs),
      signals: signals.length,
      dropped: Object.fromEntries(this.#pipe.dropped),
      rules: rules.sort((a, b) => b.signals - a.signals || (a.title < b.title ? -1 : 1)),
    }
  }

  #costOf(id: string, monotonicMs: () => number): number | null {
    const rule = this.#set.sigma.find(({ meta }) => meta.id === id)
    if (rule === undefined || this.#sample.length === 0) return null
    const alone = createMatcher([rule])
    const run = (): void => {
      for (const event of this.#sample) alone.match(event, () => undefined)
    }
    run()
    const startedMs = monotonicMs()
    run()
    return Number((((monotonicMs() - startedMs) * 1_000) / this.#sample.length).toFixed(2))
  }
}

/** What people have said of what was found. */
class Verdicts {
  readonly #bySignal = new Map<string, boolean>()
  readonly #byEntity = new Map<string, { readonly from: string; readonly to: string; readonly right: boolean }[]>()

  constructor(closed: readonly Judged[]) {
    for (const { signals, primary, firstSeen, lastSeen, verdict } of closed) {
      if (verdict !== 'true-positive' && verdict !== 'false-positive' && verdict !== 'benign-true-positive') continue
      // What was benign was rightly seen, and still nothing that anybody had to hear of.
      const right = verdict === 'true-positive'
      for (const { id } of signals) this.#bySignal.set(id, right)
      const key = `${primary.type} ${primary.id}`
      const spans = this.#byEntity.get(key) ?? []
      spans.push({ from: firstSeen, to: lastSeen, right })
      this.#byEntity.set(key, spans)
    }
  }

  of(signal: Signal): boolean | undefined {
    const own = this.#bySignal.get(signal.id)
    if (own !== undefined) return own
    const { start, end } = signal.window ?? { start: signal['@timestamp'], end: signal['@timestamp'] }
    for (const { type, id } of signal.entities) {
      const span = this.#byEntity.get(`${type} ${id}`)?.find(({ from, to }) => start <= to && end >= from)
      if (span !== undefined) return span.right
    }
    return undefined
  }
}
