/**
 * What `drift` tells other detectors of a model: that its traffic as a whole has changed. What honest inputs look like was
 * learned before; until that has been learned anew, an input unlike them says nothing of who asks it.
 */
import { ToldName } from '../told-name.ts'
import type { BaselineTold, StepContext } from '../types.ts'

/** For so long after a drift what was learned before it says nothing: a few learnings, which come day by day. */
const strangeMs = 3 * 86_400_000

const drifted = new ToldName('drifted')

interface DriftTold {
  readonly version: 1
  readonly timeMs: number
}

export function driftTold(model: string, timeMs: number): BaselineTold {
  const value: DriftTold = { version: 1, timeMs }
  return { name: drifted.of(model), value }
}

/** Whether the traffic of a model has changed as a whole not long before. For local steps. */
export function hasDrifted(context: StepContext, model: string, timeMs: number): boolean {
  const told = context.baseline(drifted.of(model), 'drift') as Partial<DriftTold> | null | undefined
  return told?.version === 1 && told.timeMs !== undefined && timeMs >= told.timeMs && timeMs < told.timeMs + strangeMs
}
