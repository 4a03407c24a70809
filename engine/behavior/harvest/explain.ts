/** Says what a finding of `answer-harvest` rests on. */
import { limits } from '../../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { strengthOf, strengthSeries, strengthWords } from '../strength.ts'
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

/** One of several accounts that are told of together. */
export interface Gatherer {
  readonly principal: string
  readonly why: string
  readonly calls: number
  readonly tokens: number
  readonly entities: readonly Entity[]
  readonly events: readonly EvidenceRef[]
}

/** Of accounts that split the prompts; `said`: what is told of all their calls, `count` of which speak against them. */
export function findingOfSeveral(
  by: string,
  model: string,
  { sinceMs, version, timeMs }: { readonly sinceMs: number; readonly version: number; readonly timeMs: number },
  each: readonly Gatherer[],
  said: (queries: number) => {
    readonly count: number
    readonly explanation: string
    readonly facts: Readonly<Record<string, number>>
  },
): BehaviorFinding {
  const queries = each.reduce((sum, { calls }) => sum + calls, 0)
  const tokens = each.reduce((sum, one) => sum + one.tokens, 0)
  const { count, explanation, facts } = said(queries)
  return {
    anchor: `${by}/${sinceMs}`,
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.model.id': model },
    timeMs,
    window: { startMs: Math.min(sinceMs, timeMs), endMs: timeMs },
    entities: each.reduce<readonly Entity[]>((all, { entities }) => mergeEntities(all, entities), []),
    evidence: {
      count,
      events: each.reduce<readonly EvidenceRef[]>(
        (all, { events }) => mergeEvidence(all, events, limits.signalEvidenceMax),
        [],
      ),
    },
    explanation,
    facts: { members: each.length, calls: queries, outputTokens: tokens, ...facts },
    exposure: { queries, tokens },
    threat: 'distillation',
    members: each
      .map(({ principal, why }) => ({ principal, why }))
      .sort((a, b) => (a.principal < b.principal ? -1 : 1)),
  }
}

/** Of an account that gets long answers at an even pace; `busy`: beside those that ask as much. */
export function findingOf(
  group: readonly string[],
  suspicion: Suspicion,
  crossing: Crossing,
  by: 'answers' | 'busy' = 'answers',
): BehaviorFinding {
  const { told } = crossing
  const { calls, long, unread } = suspicion
  const honestShare = told.allowed[0]!
  const explanation =
    `${group[0]!} gathers the answers of ${group[1]!}, as one does who trains another model on them: of ${calls} different ` +
    `prompts ${long} were shorter than their answer, came at an even pace, and got more than ${told.lines[0]!} tokens, as ` +
    `5 % of all honest answers do (honest accounts${by === 'busy' ? ' that ask as much' : ''} show this in at most ${percent(honestShare)} of their calls). ` +
    `${wordsOf(crossing)}; that is more than a person reads (${unread?.[2] ?? 0} tokens were ` +
    `unread). Honest use is learned from ${told.samples} calls of ${told.accounts} accounts.`
  return found(by, group, suspicion, crossing, explanation, { unreadTokens: unread?.[2] ?? 0, honestShare })
}

/** Of an account that asks evenly, for long answers. */
export function coverFindingOf(
  group: readonly string[],
  suspicion: Suspicion,
  crossing: Crossing<ToldCover>,
): BehaviorFinding {
  const { told } = crossing
  const { calls, long } = suspicion
  const honestShare = told.long[0]!
  const explanation =
    `${group[0]!} asks evenly of all that ${group[1]!} is asked, and for long answers, as one does who trains another model on ` +
    `them: of ${calls} different prompts ${long} were aside from what it asks most, shorter than their answer, and got more ` +
    `than ${told.lines[0]!} tokens, as a quarter of all honest answers do (honest accounts show this in at most ` +
    `${percent(honestShare)} of their prompts). ${wordsOf(crossing)}. What is ` +
    `asked is learned from ${told.samples} prompts of ${told.accounts} accounts.`
  return found('cover', group, suspicion, crossing, explanation, { honestShare, honestAside: told.aside })
}

/** Of an account that asks much, nearly all of it for long texts. */
export function muchFindingOf(
  group: readonly string[],
  suspicion: Suspicion,
  crossing: Crossing<ToldCover>,
): BehaviorFinding {
  const { told } = crossing
  const { calls, long, unread } = suspicion
  const honestShare = told.much ?? 1
  const explanation =
    `${group[0]!} gathers the answers of ${group[1]!}, as one does who trains another model on them: of ${calls} different ` +
    `prompts ${long} got text of their own, more than twice as long as the prompt and longer than ${told.lines[0]!} tokens, as a ` +
    `quarter of all honest answers are (honest accounts that ask as much show this in at most ${percent(honestShare)} of their ` +
    `prompts). ${wordsOf(crossing)}; that is more than a person reads ` +
    `(${unread?.[2] ?? 0} tokens were unread). Honest use is learned from ${told.samples} prompts of ${told.accounts} accounts.`
  return found('much', group, suspicion, crossing, explanation, { unreadTokens: unread?.[2] ?? 0, honestShare })
}

/** What the three have in common; `facts`: what each has besides. */
function found(
  by: string,
  group: readonly string[],
  { sinceMs, calls, long, tokens, version, entities, evidence: events, trail }: Suspicion,
  { evidence, line, timeMs, told }: Crossing<Pick<ToldLines, 'lines' | 'accounts'>>,
  explanation: string,
  facts: Readonly<Record<string, number>>,
): BehaviorFinding {
  const strength = strengthOf(evidence, line)
  return {
    anchor: `${by}/${sinceMs}`,
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': group[0]!, 'warden.model.id': group[1]! },
    timeMs,
    window: { startMs: Math.min(sinceMs, timeMs), endMs: timeMs },
    entities,
    evidence: { count: long, events },
    explanation,
    facts: {
      calls,
      longAnswers: long,
      outputTokens: tokens,
      longFrom: told.lines[0]!,
      ...facts,
      accounts: told.accounts,
      ...strength,
    },
    exposure: { queries: calls, tokens },
    threat: 'distillation',
    series: [strengthSeries(trail, strength)],
  }
}

function wordsOf({ evidence, line }: Crossing<unknown>): string {
  return strengthWords(strengthOf(evidence, line))
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
