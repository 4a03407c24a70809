/**
 * How much risk a cluster of signals adds up to, and when it crossed the line.
 *
 * Pure. Per joining entity, risk decays exponentially with the half-life and the k-th signal of a rule counts k^-p; the
 * cluster's risk is that of its riskiest entity.
 */
import { levels, type Level } from '../../core/signal.ts'
import type { Cluster } from './clusters.ts'
import { byTime } from './contribution.ts'
import type { CorrelateOptions } from './options.ts'

export interface RiskAssessment {
  /** At the cluster's last signal, one decimal. */
  readonly risk: number
  /** Event time at which it crossed the line, or a critical signal came; undefined: it has not. */
  readonly openedAtMs: number | undefined
  readonly severity: Level
}

interface EntityRisk {
  risk: number
  atMs: number
  readonly repeats: Map<string, number>
}

type RiskOptions = Pick<CorrelateOptions, 'openAtRisk' | 'halfLifeMs' | 'repeatExponent'>

export function assessRisk(cluster: Cluster, options: RiskOptions): RiskAssessment {
  const entities = new Map<string, EntityRisk>()
  const decayed = (risk: number, ms: number): number => risk * 2 ** (-ms / options.halfLifeMs)
  let openedAtMs: number | undefined
  let highest: Level = 'informational'
  const inTime = [...cluster].sort(byTime)
  for (const signal of inTime) {
    if (levels.indexOf(signal.level) > levels.indexOf(highest)) highest = signal.level
    if (signal.level === 'critical') openedAtMs ??= signal.atMs
    for (const key of signal.joins) {
      let entity = entities.get(key)
      if (entity === undefined) entities.set(key, (entity = { risk: 0, atMs: signal.atMs, repeats: new Map() }))
      const repeat = (entity.repeats.get(signal.rule) ?? 0) + 1
      entity.repeats.set(signal.rule, repeat)
      entity.risk = decayed(entity.risk, signal.atMs - entity.atMs) + signal.risk * repeat ** -options.repeatExponent
      entity.atMs = signal.atMs
      if (entity.risk >= options.openAtRisk) openedAtMs ??= signal.atMs
    }
  }
  const lastMs = inTime[inTime.length - 1]?.atMs ?? cluster[0].atMs
  const risk = Math.max(...[...entities.values()].map((entity) => decayed(entity.risk, lastMs - entity.atMs)))
  return { risk: Math.round(risk * 10) / 10, openedAtMs, severity: severityOf(highest, risk, options.openAtRisk) }
}

/** At least that of its gravest signal; twice the line is high, three times is critical. */
function severityOf(highest: Level, risk: number, openAtRisk: number): Level {
  const byRisk: Level =
    risk >= 3 * openAtRisk ? 'critical' : risk >= 2 * openAtRisk ? 'high' : risk >= openAtRisk ? 'medium' : 'low'
  return levels.indexOf(byRisk) > levels.indexOf(highest) ? byRisk : highest
}
