/**
 * The local step of `canary-seen`: which canaries an account has sent or got so far.
 *
 * Promises: the first text is found with the event that it is in; one finding for each account and place, revised when the
 * number of different canaries has doubled. Bounded by `canariesMax`.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'

const canariesMax = 500
const evidenceMax = 20

/** One text that was seen. */
export interface Sighting {
  readonly timeMs: number
  readonly canary: string
  readonly part: 'question' | 'answer' | 'record'
  readonly where: 'asked' | 'answered' | 'taken in'
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}

interface Seen {
  canaries: Record<string, 1>
  parts: Record<string, 1>
  count: number
  firstMs: number
  lastMs: number
  version: number
  toldCanaries: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

export class CanarySeenStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.principal']

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { timeMs, canary, part, where, entities, evidence } = input as Sighting
    const seen = entries.get<Seen>(where) ?? newSeen(timeMs)
    seen.count++
    seen.firstMs = Math.min(seen.firstMs, timeMs)
    seen.lastMs = Math.max(seen.lastMs, timeMs)
    seen.parts[part] = 1
    const known = Object.hasOwn(seen.canaries, canary)
    const room = Object.keys(seen.canaries).length < canariesMax
    if (!known && room) seen.canaries[canary] = 1
    seen.entities = mergeEntities(seen.entities, entities)
    seen.evidence = mergeEvidence(seen.evidence, [evidence], evidenceMax)
    const canaries = Object.keys(seen.canaries).length
    const news = canaries >= 2 * seen.toldCanaries
    if (news) {
      seen.toldCanaries = canaries
      seen.version++
    }
    entries.set(where, seen)
    return news ? { ...quiet, findings: [findingOf(group[0]!, where, seen, canaries)] } : quiet
  }

  advance(): StepOutcome {
    return quiet
  }
}

function newSeen(firstMs: number): Seen {
  const none = { canaries: {}, parts: {}, entities: [], evidence: [] }
  return { ...none, count: 0, firstMs, lastMs: firstMs, version: 0, toldCanaries: 0 }
}

const deeds: Readonly<Record<Sighting['where'], string>> = {
  asked: 'asked our model',
  answered: 'was answered',
  'taken in': 'contributed to a training set',
}

function findingOf(principal: string, where: Sighting['where'], seen: Seen, canaries: number): BehaviorFinding {
  const { version, firstMs, lastMs, count, entities, evidence } = seen
  const parts = Object.keys(seen.parts).sort().join(', ')
  return {
    anchor: where,
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': principal },
    timeMs: lastMs,
    window: { startMs: firstMs, endMs: lastMs + 1 },
    entities,
    evidence: { count, events: evidence },
    explanation:
      `${principal} ${deeds[where]} the very text of ${canaries === 1 ? 'a canary' : `${canaries} different canaries`} (${parts}). ` +
      'These texts are made up and sealed: nobody else should have them.',
    facts: { where, canaries, texts: count, parts },
  }
}
