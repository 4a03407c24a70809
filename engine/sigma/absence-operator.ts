/**
 * Temporal correlations with `not` in their condition: something happens, and something else does not.
 *
 * Pure. The semantics are docs/decisions/010-sigma-windows.md's: a window opens with an event of a rule that is wanted, lasts one
 * timespan, and is judged when the watermark has passed it, for only then is it sure that nothing more comes. A window that
 * holds is told once, as final, and no other opens within it.
 *
 * Promises: the findings are those of the events sorted and without duplicates, however they arrived; a group remembers events
 * of two timespans behind the watermark. One that outgrows `entriesMax` counts in bulk: its findings say `incomplete`.
 */
import { expressionHolds, polarities, sequenceOf, type Sequence } from './correlation-expression.ts'
import { LateOperator, type LateState } from './late-operator.ts'
import type { BaseExpression, CorrelationFinding, SigmaCorrelation } from './types.ts'
import type { Entry } from './window-entries.ts'
import { distinctEvents } from './window-events.ts'

/** What is kept of a group. JSON. */
interface State extends LateState {
  /** Windows that open before it have been judged. */
  judgedMs: number | null
  /** The last window that was told lasts until then. */
  coveredMs: number | null
}

export class AbsenceOperator extends LateOperator<State> {
  readonly stateVersion = 1
  readonly #expression: BaseExpression
  readonly #sequence: Sequence | undefined
  readonly #wanted: ReadonlySet<number>

  constructor(correlation: SigmaCorrelation) {
    super(correlation)
    if (correlation.expression === undefined) throw new TypeError('the correlation has no condition over rule names')
    this.#expression = correlation.expression
    this.#sequence = correlation.type === 'temporal_ordered_extended' ? sequenceOf(this.#expression) : undefined
    this.#wanted = polarities(this.#expression).wanted
  }

  protected newState(): State {
    return { entries: [], judgedMs: null, coveredMs: null, incomplete: false }
  }

  protected opening(state: State): Entry | undefined {
    return state.entries.find((entry) => this.#opens(state, entry))
  }

  /** Whether a window that is still to be judged opens with an event. */
  #opens({ judgedMs, coveredMs }: State, { b, t }: Entry): boolean {
    return this.#wanted.has(b) && t >= (judgedMs ?? -Infinity) && t > (coveredMs ?? -Infinity)
  }

  protected judge(state: State, watermarkMs: number): readonly CorrelationFinding[] {
    const findings: CorrelationFinding[] = []
    const { entries } = state
    const untilMs = watermarkMs - this.spanMs
    for (let at = 0; at < entries.length && entries[at]!.t < untilMs; at++) {
      if (!this.#opens(state, entries[at]!)) continue
      const finding = this.#window(state, entries[at]!.t)
      if (finding === undefined) continue
      findings.push(finding)
      state.coveredMs = finding.anchorMs + this.spanMs
    }
    state.judgedMs = Math.max(untilMs, state.judgedMs ?? -Infinity)
    // A window looks back one timespan for what must not have been there.
    const keptMs = Math.min(this.opening(state)?.t ?? Infinity, watermarkMs) - this.spanMs
    if (entries[0] !== undefined && entries[0].t < keptMs) {
      this.keep(
        state,
        entries.filter(({ t }) => t >= keptMs),
      )
    }
    return findings
  }

  /** The finding of the window that opens at `t`, if it holds. */
  #window(state: State, t: number): CorrelationFinding | undefined {
    const endMs = t + this.spanMs
    const around = state.entries.filter((entry) => entry.t >= t - this.spanMs && entry.t <= endMs)
    const within = around.filter((entry) => entry.t >= t)
    const holds =
      this.#sequence === undefined
        ? expressionHolds(this.#expression, (base, negated) => (negated ? around : within).some(({ b }) => b === base))
        : follows(this.#sequence, around, t, endMs)
    if (!holds) return undefined
    const counted = within.filter(({ b }) => this.#wanted.has(b))
    const peak = new Set(counted.map(({ b }) => b)).size
    return this.finding(state, t, { held: counted, seen: around }, { count: distinctEvents(counted), peak })
  }
}

/**
 * Whether the steps can be found in order among the events, the first of them at `t`, the last by `endMs`. Before the first
 * step it looks back as far as the events go.
 */
function follows({ steps, after }: Sequence, events: readonly Entry[], t: number, endMs: number): boolean {
  const quiet = (without: ReadonlySet<number>, fromMs: number, toMs: number): boolean =>
    !events.some((entry) => without.has(entry.b) && entry.t >= fromMs && entry.t <= toMs)
  let ends = [-Infinity]
  for (const [index, { anyOf, without }] of steps.entries()) {
    const times = [...new Set(events.flatMap((entry) => (anyOf.has(entry.b) ? [entry.t] : [])))]
    ends = times.filter((time) => {
      if (index === 0) return time === t && quiet(without, -Infinity, time)
      return time >= t && ends.some((end) => end <= time && quiet(without, end, time))
    })
  }
  return ends.some((end) => quiet(after, end, endMs))
}
