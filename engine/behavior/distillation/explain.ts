/** Says what a finding of `answer-harvest` rests on. */
import type { Series } from '../../../core/signal.ts'
import type { BehaviorFinding } from '../types.ts'
import type { ToldCover } from './cover-lines.ts'
import type { ToldLines } from './lines.ts'
import type { Suspicion } from './suspicion.ts'

export interface Crossing<Told = ToldLines> {
  readonly evidence: number
  readonly line: number
  readonly timeMs: number
  readonly told: Told
}

export function findingOf(
  group: readonly string[],
  suspicion: Suspicion,
  { evidence, line, timeMs, told }: Crossing,
  by: 'answers' | 'busy' = 'answers',
): BehaviorFinding {
  const [principal, model] = group as [string, string]
  const { sinceMs, calls, long, tokens, unread } = suspicion
  const allowed = told.allowed[0]!
  return {
    anchor: `${by}/${sinceMs}`,
    ...headOf(group, suspicion, timeMs),
    explanation:
      `${principal} gathers the answers of ${model}, as one does who trains another model on them: of ${calls} different ` +
      `prompts ${long} were shorter than their answer, came at an even pace, and got more than ${told.lines[0]!} tokens, as ` +
      `5 % of all honest answers do (honest accounts${by === 'busy' ? ' that ask as much' : ''} show this in at most ${percent(allowed)} of their calls). The evidence ` +
      `is e^${round(evidence)}, the line e^${round(line)}; that is more than a person reads (${unread?.[2] ?? 0} tokens were ` +
      `unread). Honest use is learned from ${told.samples} calls of ${told.accounts} accounts.`,
    facts: {
      calls,
      longAnswers: long,
      outputTokens: tokens,
      unreadTokens: unread?.[2] ?? 0,
      longFrom: told.lines[0]!,
      honestShare: allowed,
      accounts: told.accounts,
      evidence: round(evidence),
      line: round(line),
    },
    exposure: { queries: calls, tokens },
    threat: 'distillation',
    series: seriesOf(suspicion, line),
  }
}

/** What both have in common. */
function headOf(group: readonly string[], { sinceMs, long, version, entities, evidence }: Suspicion, timeMs: number) {
  return {
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': group[0]!, 'warden.model.id': group[1]! },
    timeMs,
    window: { startMs: Math.min(sinceMs, timeMs), endMs: timeMs },
    entities,
    evidence: { count: long, events: evidence },
  } as const
}

/** Of an account that asks evenly, for long answers. */
export function coverFindingOf(
  group: readonly string[],
  suspicion: Suspicion,
  { evidence, line, timeMs, told }: Crossing<ToldCover>,
): BehaviorFinding {
  const [principal, model] = group as [string, string]
  const { sinceMs, calls, long, tokens } = suspicion
  return {
    anchor: `cover/${sinceMs}`,
    ...headOf(group, suspicion, timeMs),
    explanation:
      `${principal} asks evenly of all that ${model} is asked, and for long answers, as one does who trains another model on ` +
      `them: of ${calls} different prompts ${long} were aside from what it asks most, shorter than their answer, and got more ` +
      `than ${told.lines[0]!} tokens, as a quarter of all honest answers do (honest accounts show this in at most ` +
      `${percent(told.long[0]!)} of their prompts). The evidence is e^${round(evidence)}, the line e^${round(line)}. What is ` +
      `asked is learned from ${told.samples} prompts of ${told.accounts} accounts.`,
    facts: {
      calls,
      longAnswers: long,
      outputTokens: tokens,
      longFrom: told.lines[0]!,
      honestShare: told.long[0]!,
      honestAside: told.aside,
      accounts: told.accounts,
      evidence: round(evidence),
      line: round(line),
    },
    exposure: { queries: calls, tokens },
    threat: 'distillation',
    series: seriesOf(suspicion, line),
  }
}

/** Of an account that asks much, nearly all of it for long texts. */
export function muchFindingOf(
  group: readonly string[],
  suspicion: Suspicion,
  { evidence, line, timeMs, told }: Crossing<ToldCover>,
): BehaviorFinding {
  const [principal, model] = group as [string, string]
  const { sinceMs, calls, long, tokens, unread } = suspicion
  const allowed = told.much ?? 1
  return {
    anchor: `much/${sinceMs}`,
    ...headOf(group, suspicion, timeMs),
    explanation:
      `${principal} gathers the answers of ${model}, as one does who trains another model on them: of ${calls} different ` +
      `prompts ${long} got text of their own, more than twice as long as the prompt and longer than ${told.lines[0]!} tokens, as a ` +
      `quarter of all honest answers are (honest accounts that ask as much show this in at most ${percent(allowed)} of their ` +
      `prompts). The evidence is e^${round(evidence)}, the line e^${round(line)}; that is more than a person reads ` +
      `(${unread?.[2] ?? 0} tokens were unread). Honest use is learned from ${told.samples} prompts of ${told.accounts} accounts.`,
    facts: {
      calls,
      longAnswers: long,
      outputTokens: tokens,
      unreadTokens: unread?.[2] ?? 0,
      longFrom: told.lines[0]!,
      honestShare: allowed,
      accounts: told.accounts,
      evidence: round(evidence),
      line: round(line),
    },
    exposure: { queries: calls, tokens },
    threat: 'distillation',
    series: seriesOf(suspicion, line),
  }
}

function seriesOf({ trail }: Suspicion, line: number): Series[] {
  return [
    { name: 'evidence (log10)', x: 'queries', points: trail.map(([x, y]) => [x, y]), line: round(line / Math.LN10) },
  ]
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
