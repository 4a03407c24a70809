/** What has been gathered since there is evidence against an account. */
import { limits } from '../../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { mergeEntities, mergeEvidence } from '../entities.ts'

const trailMax = 64
const dayMs = 86_400_000

/** JSON. */
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
  /** Tokens of answers that nobody can have read yet, when that was, and the most there ever were; states of before have none. */
  unread?: readonly [tokens: number, timeMs: number, most: number]
  readonly trail: [calls: number, evidence: number][]
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

export interface Noted {
  readonly timeMs: number
  readonly inTokens: number
  readonly outTokens: number
  readonly entities: () => readonly Entity[]
  readonly evidence: () => EvidenceRef
}

export function begun(sinceMs: number): Suspicion {
  return {
    sinceMs,
    calls: 0,
    long: 0,
    tokens: 0,
    inTokens: 0,
    told: 0,
    version: 0,
    trail: [],
    entities: [],
    evidence: [],
  }
}

export function note(suspicion: Suspicion, call: Noted, long: boolean, evidence: number): void {
  suspicion.calls++
  suspicion.tokens += call.outTokens
  suspicion.inTokens += call.inTokens
  suspicion.trail.push([suspicion.calls, Math.round((evidence / Math.LN10) * 100) / 100])
  if (suspicion.trail.length > trailMax) suspicion.trail.shift()
  if (!long) return
  suspicion.long++
  if (suspicion.evidence.length >= limits.signalEvidenceMax && suspicion.long > 2 * limits.signalEvidenceMax) return
  suspicion.entities = mergeEntities(suspicion.entities, call.entities())
  suspicion.evidence = mergeEvidence(suspicion.evidence, [call.evidence()], limits.signalEvidenceMax)
}

/** Takes an answer's tokens among those that are waiting for a reader, of whom one reads so many in a day. */
export function stack(suspicion: Suspicion, { timeMs, outTokens }: Noted, readADay: number): void {
  const [tokens, sinceMs, most] = suspicion.unread ?? [0, timeMs, 0]
  const read = (readADay * Math.max(0, timeMs - sinceMs)) / dayMs
  const unread = Math.round(Math.max(0, tokens - read) + outTokens)
  suspicion.unread = [unread, Math.max(timeMs, sinceMs), Math.max(most, unread)]
}

/** Told again whenever twice as much has been gathered. */
export function isNews({ version, calls, told }: Suspicion): boolean {
  return version === 0 || calls >= 2 * told
}
