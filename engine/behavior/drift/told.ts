/**
 * What `drift` tells other detectors of a model: that its traffic as a whole has changed. What honest inputs look like was
 * learned before; until that has been learned anew of what came since, an input unlike them says nothing of who asks it.
 */
import { ToldName } from '../told-name.ts'
import type { BaselineTold, StepContext } from '../types.ts'

/**
 * For so long after a drift at most what was learned before it says nothing: learnings come day by day, where enough is
 * asked.
 */
const strangeMs = 7 * 86_400_000

const drifted = new ToldName('drifted')

interface DriftTold {
  readonly version: 1
  readonly timeMs: number
}

export function driftTold(model: string, timeMs: number): BaselineTold {
  const value: DriftTold = { version: 1, timeMs }
  return { name: drifted.of(model), value }
}

/** Since when the traffic of a model is another, as a whole; undefined: it never changed. For local steps. */
export function driftedSince(context: StepContext, model: string, timeMs: number): number | undefined {
  const told = context.baseline(drifted.of(model), 'drift') as Partial<DriftTold> | null | undefined
  return told?.version === 1 && told.timeMs !== undefined && timeMs >= told.timeMs ? told.timeMs : undefined
}

/**
 * Whether that was not long before, and nothing was learned of what came since. `learned`: the drift after which
 * something was.
 */
export function isStrange(since: number | undefined, timeMs: number, learned: number | undefined): boolean {
  return since !== undefined && timeMs < since + strangeMs && (learned ?? 0) < since
}
