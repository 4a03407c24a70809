/**
 * Episodes: neighboring buckets that stand out are one finding, not one a day.
 */
import { mergeEntities, mergeEvidence } from '../entities.ts'
import { limits } from '../../../core/limits.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import type { StoredReader } from './table.ts'

/** Quiet buckets that do not end an episode: a weekend in a theft of working days. */
const gapMax = 2
/** An episode that goes on for longer becomes a new one, so that its evidence stays within reach. */
const bucketsMax = 62

export interface Episode {
  /** The first bucket that stands out: the finding's anchor. */
  readonly first: number
  readonly last: number
  /** Those that stand out, ascending. */
  readonly buckets: readonly number[]
}

export function episodesOf(reader: StoredReader, span: number): Episode[] {
  const crossed = Object.keys(reader.crossed)
    .map(Number)
    .sort((a, b) => a - b)
  const episodes: { first: number; last: number; buckets: number[] }[] = []
  for (const bucket of crossed) {
    const current = episodes[episodes.length - 1]
    if (
      current !== undefined &&
      bucket - current.last <= Math.max(span, gapMax + 1) &&
      bucket - current.first < bucketsMax
    ) {
      current.last = bucket
      current.buckets.push(bucket)
    } else episodes.push({ first: bucket, last: bucket, buckets: [bucket] })
  }
  return episodes
}

export interface EpisodeSums {
  readonly bytes: number
  readonly coveredBytes: number
  readonly reads: number
  readonly objects: number
  /** -1: not known. */
  readonly fresh: number
  readonly lastMs: number
  readonly entities: readonly Entity[]
  readonly evidence: readonly EvidenceRef[]
}

/** What was read from the beginning of the episode's first span to its end. */
export function sumsOf(reader: StoredReader, episode: Episode, span: number): EpisodeSums {
  let [bytes, coveredBytes, reads, objects, fresh, lastMs] = [0, 0, 0, 0, 0, 0]
  let entities: Entity[] = []
  let evidence: EvidenceRef[] = []
  for (let bucket = episode.first - span + 1; bucket <= episode.last; bucket++) {
    bytes += reader.bytes[bucket] ?? 0
    const detail = reader.details[bucket]
    if (detail === undefined) continue
    coveredBytes += detail.covered
    reads += detail.reads
    objects += detail.objects
    fresh = detail.fresh < 0 || fresh < 0 ? -1 : fresh + detail.fresh
    lastMs = Math.max(lastMs, detail.lastMs)
    entities = mergeEntities(entities, detail.entities)
    evidence = mergeEvidence(evidence, detail.evidence, limits.signalEvidenceMax)
  }
  return { bytes, coveredBytes, reads, objects, fresh, lastMs, entities, evidence }
}
