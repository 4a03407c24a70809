/**
 * Groups of correlations as earlier versions of the operators kept them, and what they are today.
 *
 * Pure. Used when a group of an older version is taken up. What can't be known any more is not made up: findings that it may
 * concern say `incomplete`.
 */
import { countsByRule, decidesAtOnce, waitsForAbsence } from './aggregates.ts'
import type { GroupState, SigmaCorrelation } from './types.ts'
import type { Entry } from './window-entries.ts'

/** Of versions 1 and 2. The first one called `approximate` what the second called `incomplete`. */
interface OlderState {
  readonly entries: readonly Entry[]
  readonly approximate?: boolean
  readonly incomplete?: boolean
  /** Of sliding windows only. */
  readonly settledMs?: number | null
  readonly head?: object | null
  readonly told?: readonly object[]
}

/** Undefined: nobody knows how to go on from it. */
export function upgradeGroup(
  correlation: SigmaCorrelation,
  state: GroupState,
  fromVersion: number,
): GroupState | undefined {
  const older = state as Partial<OlderState>
  if ((fromVersion !== 1 && fromVersion !== 2) || waitsForAbsence(correlation) || !Array.isArray(older.entries))
    return undefined
  const byRule = countsByRule(correlation.type)
  const kept = older.entries as readonly Entry[]
  const entries = byRule ? kept.map(asOfItsRule).sort(byTimeAndId) : [...kept]
  // Where several rules matched one event, it was kept for the first of them alone: the others may be missing.
  const incomplete = older.approximate === true || older.incomplete === true || byRule
  if (!decidesAtOnce(correlation)) return { entries, incomplete }
  const { settledMs = null, head = null, told = [] } = older
  const roughMs = incomplete ? (entries.at(-1)?.t ?? settledMs) : null
  return { settledMs, entries, head, told: [...told], roughMs }
}

/** Today the id of an event says as whose it counts. What stands for several has none. */
function asOfItsRule(entry: Entry): Entry {
  return entry.id === '' || entry.id.includes('/') ? entry : { ...entry, id: `${entry.id}/${entry.b}` }
}

function byTimeAndId(a: Entry, b: Entry): number {
  return a.t - b.t || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
