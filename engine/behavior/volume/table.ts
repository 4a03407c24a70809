/**
 * The table of totals as the grouped step keeps it: one row a reader. JSON.
 */
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { Verdict } from './verdict.ts'

/** What is kept of one total beside its bytes. */
export interface Detail {
  readonly reads: number
  readonly objects: number
  readonly fresh: number
  readonly covered: number
  readonly lastMs: number
  readonly entities: readonly Entity[]
  readonly evidence: readonly EvidenceRef[]
}

export interface StoredReader {
  role: string
  since: number | undefined
  bytes: Record<string, number>
  /** Of these, what is of kinds that daily work is done on, where there is any. */
  worked?: Record<string, number>
  /**
   * How many of its objects it had never read before, -1: not known, how many there were, and the bytes of the new ones,
   * absent in older states; where that is asked for.
   */
  fresh?: Record<string, readonly [fresh: number, objects: number, bytes?: number]>
  /** Only of buckets large enough to matter. */
  details: Record<string, Detail>
  /** Buckets that stand out. */
  crossed: Record<string, Verdict>
  /** Findings as published: anchor bucket -> version and digest of its content. */
  published: Record<string, readonly [version: number, digest: string]>
}
