/**
 * What the passing of event time does: incidents settle, old signals and incidents are forgotten.
 *
 * Clusters are forgotten whole, so that forgetting never moves the start of one that still grows.
 */
import type { Outcome } from '../../runtime/stage/stage.ts'
import { clusterSignals } from './clusters.ts'
import type { Contribution } from './contribution.ts'
import type { Correlation } from './correlation.ts'
import type { CorrelateOptions } from './options.ts'

export interface SweepState {
  /** Event time complete at the last sweep, and when signals were last forgotten. */
  readonly completeMs: number
  readonly forgotMs: number
}

const settleEveryMs = 60_000
const forgetEveryMs = 3_600_000

/** The new state if it was time to sweep. */
export function sweep(
  logic: Correlation,
  eventTimeMs: number,
  state: SweepState | undefined,
  options: CorrelateOptions,
  out: Outcome,
): SweepState | undefined {
  const completeMs = state?.completeMs ?? -Infinity
  if (eventTimeMs !== Infinity && eventTimeMs - completeMs < settleEveryMs) return undefined
  settle(logic, eventTimeMs, options, out)
  // At the end of the input everything is settled, but the clock of events stands where it stood.
  if (eventTimeMs === Infinity) return undefined
  const forgotMs = state?.forgotMs ?? eventTimeMs
  if (eventTimeMs - forgotMs < forgetEveryMs) return { completeMs: eventTimeMs, forgotMs }
  forget(logic, eventTimeMs, options)
  return { completeMs: eventTimeMs, forgotMs: eventTimeMs }
}

function settle(logic: Correlation, eventTimeMs: number, options: CorrelateOptions, out: Outcome): void {
  for (const stored of logic.incidents.all()) {
    const { incident } = stored
    if (incident.settled || Date.parse(incident.lastSeen) + options.joinWindowMs > eventTimeMs) continue
    logic.incidents.put({ ...stored, incident: { ...incident, settled: true } }, out)
  }
}

function forget(logic: Correlation, eventTimeMs: number, options: CorrelateOptions): void {
  const before = eventTimeMs - options.joinWindowMs - options.lateKeepMs
  const scopes = new Map<string, Contribution[]>()
  for (const signal of logic.signals.all()) {
    if (signal.gone === true || signal.sealedBy !== undefined) {
      if (signal.atMs < before) logic.signals.remove(signal.id)
      continue
    }
    const ofScope = scopes.get(signal.scope)
    if (ofScope === undefined) scopes.set(signal.scope, [signal])
    else ofScope.push(signal)
  }
  for (const [scope, signals] of scopes) {
    for (const cluster of clusterSignals(signals, (entity) => logic.signals.isShared(scope, entity), options)) {
      if (cluster.every((signal) => signal.atMs < before)) for (const signal of cluster) logic.signals.remove(signal.id)
    }
  }
  forgetIncidents(logic, options)
}

/** Beyond the limit, those go first that have been quiet the longest; open ones that still grow are never among them. */
function forgetIncidents(logic: Correlation, options: CorrelateOptions): void {
  const all = logic.incidents.all()
  const surplus = all.length - options.incidentsMax
  if (surplus <= 0) return
  const quiet = all
    .filter((stored) => stored.incident.settled)
    .sort((a, b) => (a.incident.lastSeen < b.incident.lastSeen ? -1 : 1))
  for (const stored of quiet.slice(0, surplus)) logic.incidents.forget(stored.incident.id)
}
