/** Says what a finding of `leak-account` rests on. */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { BehaviorFinding } from '../types.ts'

export interface Holding {
  readonly principal: string
  readonly model: string
  readonly sinceMs: number
  readonly timeMs: number
  readonly queries: number
  /** Different answers; about. */
  readonly answers: number
  readonly coverage: number
  readonly fidelity: readonly [fidelity: number, low: number, high: number] | null
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}

/** Which line was crossed: what may be held, or what others get. */
export interface Crossed {
  readonly anchor: string
  readonly version: number
  readonly line: number
  readonly words: string
  readonly facts: BehaviorFinding['facts']
}

export function findingOf(holding: Holding, crossed: Crossed): BehaviorFinding {
  const { principal, model, sinceMs, timeMs, queries, answers, coverage, fidelity } = holding
  const copy =
    fidelity === null
      ? ''
      : ` A copy trained on them would agree with ${model} on about ${percent(fidelity[0])} of natural inputs ` +
        `(90 % interval ${percent(fidelity[1])} to ${percent(fidelity[2])}).`
  return {
    anchor: crossed.anchor,
    version: crossed.version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': principal, 'warden.model.id': model },
    timeMs,
    window: { startMs: Math.min(sinceMs, timeMs), endMs: timeMs },
    entities: holding.entities,
    evidence: { count: queries, events: [holding.evidence] },
    explanation:
      `${principal} holds about ${answers} different answers of ${model}, which cover ${percent(coverage)} of its natural ` +
      `inputs.${copy} ${crossed.words}`,
    facts: {
      queries,
      differentAnswers: answers,
      coverage: round(coverage),
      ...(fidelity === null
        ? {}
        : { fidelity: round(fidelity[0]), fidelityLow90: round(fidelity[1]), fidelityHigh90: round(fidelity[2]) }),
      line: crossed.line,
      ...crossed.facts,
    },
    exposure: { queries },
    threat: 'in-distribution-extraction',
  }
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
