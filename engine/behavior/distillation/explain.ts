/** Says what a finding of `answer-harvest` rests on. */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { BehaviorFinding } from '../types.ts'
import type { ToldLines } from './lines.ts'

/** What has been gathered since there is evidence. JSON. */
export interface Suspicion {
  readonly sinceMs: number
  /** Different prompts, and those of them that show what is bet on at the lower line. */
  calls: number
  long: number
  /** Of the answers, and of the prompts. */
  tokens: number
  inTokens: number
  /** Calls at which it was told last, and how often it was. */
  told: number
  version: number
  readonly trail: [calls: number, evidence: number][]
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

export interface Crossing {
  readonly evidence: number
  readonly line: number
  readonly timeMs: number
  readonly told: ToldLines
}

export function findingOf(
  group: readonly string[],
  suspicion: Suspicion,
  { evidence, line, timeMs, told }: Crossing,
): BehaviorFinding {
  const [principal, model] = group as [string, string]
  const { sinceMs, calls, long, tokens, version } = suspicion
  const allowed = told.allowed[0]!
  return {
    anchor: `answers/${sinceMs}`,
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': principal, 'warden.model.id': model },
    timeMs,
    window: { startMs: Math.min(sinceMs, timeMs), endMs: timeMs },
    entities: suspicion.entities,
    evidence: { count: long, events: suspicion.evidence },
    explanation:
      `${principal} gathers the answers of ${model}, as one does who trains another model on them: of ${calls} different ` +
      `prompts ${long} were shorter than their answer, came at an even pace, and got more than ${told.lines[0]!} tokens, as ` +
      `5 % of all honest answers do (honest accounts show this in at most ${percent(allowed)} of their calls). The evidence ` +
      `is e^${round(evidence)}, the line e^${round(line)}. Honest use is learned from ${told.samples} calls of ` +
      `${told.accounts} accounts.`,
    facts: {
      calls,
      longAnswers: long,
      outputTokens: tokens,
      longFrom: told.lines[0]!,
      honestShare: allowed,
      accounts: told.accounts,
      evidence: round(evidence),
      line: round(line),
    },
    exposure: { queries: calls, tokens },
    threat: 'distillation',
    series: [
      {
        name: 'evidence (log10)',
        x: 'queries',
        points: suspicion.trail.map(([x, y]) => [x, y]),
        line: round(line / Math.LN10),
      },
    ],
  }
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
