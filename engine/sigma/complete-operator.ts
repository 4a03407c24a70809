/**
 * Correlations whose condition more events can also break (`lt`, `lte`, `eq`, `neq`, ranges, averages, percentiles):
 * judged window by window, when the watermark has passed it.
 *
 * Pure. A window opens with the first event that no window before it holds, lasts one timespan, and is told at most once, as
 * final: docs/decisions/010-sigma-windows.md.
 */
import { conditionHolds, createAggregate } from './aggregates.ts'
import { LateOperator, type LateState } from './late-operator.ts'
import type { CorrelationFinding } from './types.ts'
import type { Entry } from './window-entries.ts'
import { distinctEvents } from './window-events.ts'

export class CompleteOperator extends LateOperator<LateState> {
  readonly stateVersion = 3

  protected newState(): LateState {
    return { entries: [], incomplete: false }
  }

  protected opening({ entries }: LateState): Entry | undefined {
    return entries[0]
  }

  protected judge(state: LateState, watermarkMs: number): readonly CorrelationFinding[] {
    const findings: CorrelationFinding[] = []
    let from = 0
    while (from < state.entries.length && state.entries[from]!.t + this.spanMs < watermarkMs) {
      const endMs = state.entries[from]!.t + this.spanMs
      let end = from
      while (end < state.entries.length && state.entries[end]!.t <= endMs) end++
      const finding = this.#window(state, state.entries.slice(from, end))
      if (finding !== undefined) findings.push(finding)
      from = end
    }
    if (from === 0) return findings
    this.keep(state, state.entries.slice(from))
    if (state.entries.length === 0) state.incomplete = false
    return findings
  }

  #window(state: LateState, window: readonly Entry[]): CorrelationFinding | undefined {
    const aggregate = createAggregate(this.correlation)
    for (const entry of window) aggregate.add(entry)
    const peak = aggregate.measure(window, 0, window.length)
    if (!conditionHolds(this.correlation, peak)) return undefined
    const count = this.byRule ? distinctEvents(window) : window.reduce((sum, { n }) => sum + n, 0)
    return this.finding(state, window[0]!.t, { held: window, seen: window }, { count, peak })
  }
}
