/**
 * How much a finding weighs where its rule does not say: 0 to 100, by level.
 *
 * A single `high` finding is worth a look by itself; two of `medium` are; `low` and below only add to others.
 */
import type { Level } from '../../core/signal.ts'
import type { RuleMeta } from '../../engine/sigma/types.ts'

const byLevel: Readonly<Record<Level, number>> = { informational: 3, low: 15, medium: 40, high: 70, critical: 95 }

export function riskOf(meta: RuleMeta): number {
  return meta.warden.risk ?? byLevel[meta.level]
}
