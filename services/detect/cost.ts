/**
 * What detect tells of itself: signals by rule, rules in force, and what each rule costs.
 *
 * The cost of a rule is measured by sampling: every so many events, the next rule in turn is run by itself on that event.
 * Measuring never touches what comes out.
 */
import type { Mistake } from '../../core/errors.ts'
import type { Event } from '../../core/event.ts'
import type { Signal } from '../../core/signal.ts'
import { createMatcher } from '../../engine/sigma/matcher.ts'
import type { Matcher, SigmaRule } from '../../engine/sigma/types.ts'
import type { RuleSet } from './rule-set/rule-set.ts'

export interface DetectReport {
  signal(signal: Signal): void
  inForce(digest: string, set: RuleSet, notices: readonly Mistake[]): void
  /** One rule on one event, in ms. */
  cost(ruleId: string, ms: number): void
  /** A rule has matched an event. */
  matched(ruleId: string): void
  /** An exception has hidden a match. */
  suppressed(ruleId: string): void
  /** An event was of a time whose ids are forgotten: a second copy of it would count again. */
  unchecked(): void
  /** Event time moves on: a good moment to tell what has been counted. */
  settled(): void
  /** For measuring alone; undefined: nothing is measured. */
  readonly monotonicMs?: (() => number) | undefined
}

export const silentReport: DetectReport = {
  signal: () => undefined,
  inForce: () => undefined,
  cost: () => undefined,
  matched: () => undefined,
  suppressed: () => undefined,
  unchecked: () => undefined,
  settled: () => undefined,
}

/** Events between two samples. */
const sampleEvery = 512

export class RuleCost {
  readonly #report: DetectReport
  #rules: readonly SigmaRule[] = []
  #next = 0
  #countdown = sampleEvery

  constructor(report: DetectReport) {
    this.#report = report
  }

  use(rules: readonly SigmaRule[]): void {
    this.#rules = rules
    this.#next = 0
  }

  sample(event: Event): void {
    if (--this.#countdown > 0) return
    this.#countdown = sampleEvery
    const { monotonicMs } = this.#report
    const rule = this.#rules[this.#next++ % this.#rules.length]
    if (monotonicMs === undefined || rule === undefined) return
    const alone: Matcher = createMatcher([rule])
    const startedMs = monotonicMs()
    alone.match(event, () => undefined)
    this.#report.cost(rule.meta.id, monotonicMs() - startedMs)
  }
}
