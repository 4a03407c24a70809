/**
 * Tells the bursts of a group as findings: when one is new, has grown enough, is taken for others, or is not there any more.
 *
 * Pure; remembers in the group's state what it has told.
 */
import { evidenceOf, isIncomplete, type Burst, type SlidingState, type Told } from './sliding-state.ts'
import type { CorrelationFinding } from './types.ts'
import { spread } from './window-entries.ts'

/** Findings taken back whose version is remembered, in case they return. */
const retractedMax = 64

const nothingToTell: readonly CorrelationFinding[] = []

/**
 * Tells what has changed of the bursts since they were last told. Those that can't go on at `untilMs` are told for the last
 * time, and forgotten. `spanMs`: the correlation's timespan.
 */
export function tellBursts(
  state: SlidingState,
  bursts: readonly Burst[],
  spanMs: number,
  untilMs: number,
): readonly CorrelationFinding[] {
  if (bursts.length === 0 && state.told.length === 0) return nothingToTell
  const findings: CorrelationFinding[] = []
  const gone = state.told.filter(
    (told) => told.retracted !== true && !bursts.some((burst) => burst.anchor === told.anchor),
  )
  for (const burst of bursts) {
    const final = burst.last + spanMs < untilMs
    const supersedes = gone.filter((told) => told.anchor <= burst.last && told.last >= burst.anchor)
    const told = state.told.find(({ anchor }) => anchor === burst.anchor)
    const incomplete = isIncomplete(state, burst, spanMs)
    if (told === undefined || worthTelling(told, burst, supersedes.length > 0, final, incomplete)) {
      const version = (told?.version ?? 0) + 1
      findings.push(findingOf(state, burst, { version, status: 'open', supersedes, final, incomplete }))
      const now: Told = { ...burst, version, ...(incomplete ? { incomplete } : {}) }
      state.told = [...state.told.filter((other) => other !== told), now]
    }
    if (final) state.told = state.told.filter(({ anchor }) => anchor !== burst.anchor)
  }
  for (const told of gone) {
    told.version++
    told.retracted = true
    const incomplete = isIncomplete(state, told, spanMs)
    const taken = { version: told.version, status: 'retracted', supersedes: [], final: false, incomplete } as const
    findings.push(findingOf(state, told, taken))
  }
  forgetRetracted(state)
  return findings
}

function forgetRetracted(state: SlidingState): void {
  const retracted = state.told.filter((told) => told.retracted === true)
  if (retracted.length <= retractedMax) return
  const forgotten = new Set(retracted.slice(0, retracted.length - retractedMax))
  state.told = state.told.filter((told) => !forgotten.has(told))
}

interface Telling extends Pick<CorrelationFinding, 'version' | 'status' | 'final' | 'incomplete'> {
  readonly supersedes: readonly Told[]
}

function findingOf(state: SlidingState, burst: Burst, telling: Telling): CorrelationFinding {
  const { version, status, supersedes, final, incomplete } = telling
  return {
    anchorMs: burst.anchor,
    version,
    status,
    supersedes: supersedes.map(({ anchor }) => anchor),
    firstHeldMs: burst.first,
    lastHeldMs: burst.last,
    count: burst.count,
    peak: burst.peak,
    final,
    incomplete,
    evidence: spread(evidenceOf(state, burst)),
  }
}

/**
 * A finding is told again when it is taken for others, when it doubled, and, if it grew at all or has become incomplete, when
 * it is over: a burst of n events takes about log n versions.
 */
function worthTelling(told: Told, burst: Burst, supersedes: boolean, final: boolean, incomplete: boolean): boolean {
  if (told.retracted === true || supersedes || told.first !== burst.first) return true
  if (burst.count >= 2 * told.count || burst.peak >= 2 * told.peak) return true
  if (!final) return false
  const grew = told.count !== burst.count || told.last !== burst.last || told.peak !== burst.peak
  return grew || (incomplete && told.incomplete !== true)
}
