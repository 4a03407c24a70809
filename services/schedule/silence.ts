/**
 * Tells when a source that had been talking falls silent, and when it talks again.
 *
 * Pure. A pipeline that stands still looks like silence of all its sources: so nothing is judged unless a synthetic record
 * has come through lately, and a silence is counted from when somebody was there to hear.
 */
import { derivedId } from '../../core/ids.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import { boardRecords } from './board.ts'
import type { JobTurn } from './once.ts'
import { ownRecord, syntheticSource } from './own-records.ts'

/** The newest synthetic record that came through may be this old. */
const pipelineAgeMsMax = 3 * 60_000
/** How exactly normalize tells when a source was last heard of, and time to come through. */
const slackMs = 60_000

/** `silenceMs`: how long each source may be silent. */
export function judgeSilence(turn: JobTurn, silenceMs: ReadonlyMap<string, number>): readonly OutgoingRecord[] {
  const { board, nowMs, watchedFromMs } = turn
  const lastSeen = board.lastSeen()
  const pipelineSeenMs = lastSeen.get(syntheticSource)
  if (pipelineSeenMs === undefined || nowMs - pipelineSeenMs > pipelineAgeMsMax) return []
  const records: OutgoingRecord[] = []
  const told = board.silences()
  for (const [source, seenMs] of lastSeen) {
    const toldSeenMs = told.get(source)
    if (toldSeenMs !== undefined && seenMs > toldSeenMs) {
      records.push(...resumed(source, toldSeenMs, seenMs, nowMs))
      continue
    }
    const allowedMs = silenceMs.get(source)
    if (allowedMs === undefined || toldSeenMs !== undefined) continue
    if (nowMs - Math.max(seenMs, watchedFromMs) > allowedMs + slackMs) {
      records.push(...fellSilent(source, seenMs, nowMs, allowedMs))
    }
  }
  return records
}

function fellSilent(source: string, seenMs: number, nowMs: number, allowedMs: number): readonly OutgoingRecord[] {
  const lastSeen = new Date(seenMs).toISOString()
  return [
    ownRecord({
      id: derivedId('source-silent', source, seenMs),
      atMs: nowMs,
      action: 'source.silent',
      subject: `source://${source}`,
      message: `${source} was last heard of at ${lastSeen}; it may be silent for ${allowedMs / 60_000} minutes.`,
      details: { source, lastSeen, silenceMinutesMax: allowedMs / 60_000 },
    }),
    boardRecords.silence(source, seenMs),
  ]
}

function resumed(source: string, toldSeenMs: number, seenMs: number, nowMs: number): readonly OutgoingRecord[] {
  const lastSeen = new Date(toldSeenMs).toISOString()
  return [
    ownRecord({
      id: derivedId('source-resumed', source, toldSeenMs),
      atMs: nowMs,
      action: 'source.resumed',
      subject: `source://${source}`,
      message: `${source} is heard of again, after silence since ${lastSeen}.`,
      details: { source, silentSince: lastSeen, silentMinutes: Math.round((seenMs - toldSeenMs) / 60_000) },
    }),
    boardRecords.silenceOver(source),
  ]
}
