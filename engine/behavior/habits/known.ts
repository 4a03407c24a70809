/** What is kept of a key, as JSON. */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { Place } from './places.ts'

export interface Newcomer {
  readonly network: string
  readonly sinceMs: number
  calls: number
  /** Calls of the account when it came: the habits before must have given way. */
  readonly callsBefore: number
  readonly newCountry: boolean
}

export interface Finding {
  readonly sinceMs: number
  version: number
  told: number
  calls: number
  lastMs: number
  entities: readonly Entity[]
  evidence: readonly EvidenceRef[]
}

/** What is known of one key. JSON. */
export interface Habits {
  readonly credential: string
  readonly firstMs: number
  lastMs: number
  calls: number
  readonly places: Place[]
  /** Of the bets; empty where all are 0. */
  logs: number[]
  changes: number
  /** The call before was a change that was counted. */
  changed: boolean
  fastestKmh: number
  /** Running mean of the time between calls at places that are known. */
  paceMs: number
  newcomer?: Newcomer | undefined
  shared?: Finding | undefined
  takenOver?: Finding | undefined
  /** What led to the evidence there is now. */
  trail: { sinceMs: number; entities: readonly Entity[]; evidence: readonly EvidenceRef[] } | undefined
}
