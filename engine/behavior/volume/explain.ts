/**
 * Says in words what a volume finding rests on: which number crossed which line.
 */
import type { BehaviorFinding } from '../types.ts'
import { formatBytes, formatSpan } from '../units.ts'
import { sumsOf, type Episode } from './episodes.ts'
import { bucketsOf, type VolumeParams } from './params.ts'
import type { StoredReader } from './table.ts'
import type { Verdict } from './verdict.ts'

type Content = Omit<BehaviorFinding, 'anchor' | 'version' | 'status' | 'supersedes' | 'group'>

export function describeEpisode(
  params: VolumeParams,
  principal: string,
  reader: StoredReader,
  episode: Episode,
): Content {
  const span = bucketsOf(params, params.span)
  const sums = sumsOf(reader, episode, span)
  const startMs = (episode.first - span + 1) * params.bucket
  const endMs = (episode.last + 1) * params.bucket
  const worst = worstOf(reader, episode)
  const inBytes = params.measure === 'bytes'
  const unit = inBytes ? 'Bytes' : 'Objects'
  const facts: Record<string, string | number | boolean> = {
    ...(inBytes ? { bytes: sums.bytes } : {}),
    reads: sums.reads,
    objects: sums.objects,
  }
  if (sums.fresh >= 0) facts['objectsNeverReadBefore'] = sums.fresh
  if (sums.coveredBytes > 0) facts[inBytes ? 'bytesAskedFor' : 'objectsAskedFor'] = sums.coveredBytes
  if (worst !== undefined) {
    facts[`peak${unit}`] = worst.bytes
    facts[`ownUsual${unit}`] = Math.round(worst.ownUsual)
    facts[`ownLine${unit}`] = Math.round(worst.ownLine)
    facts[`peerUsual${unit}`] = Math.round(worst.peerUsual)
    facts[`peerLine${unit}`] = Math.round(worst.peerLine)
    facts['peers'] = worst.peers
  }
  const events = sums.evidence
  return {
    timeMs: sums.lastMs > 0 ? sums.lastMs : endMs - 1,
    window: { startMs, endMs },
    entities: sums.entities.length > 0 ? sums.entities : [{ type: 'principal', id: principal }],
    evidence: { count: Math.max(sums.reads, events.length), events },
    explanation: worst === undefined ? withdrawn(principal) : sentence(params, principal, sums, worst),
    facts,
    ...(inBytes ? { exposure: { bytes: sums.bytes + sums.coveredBytes } } : {}),
  }
}

function worstOf(reader: StoredReader, episode: Episode): Verdict | undefined {
  let worst: Verdict | undefined
  for (const bucket of episode.buckets) {
    const verdict = reader.crossed[bucket]
    if (verdict !== undefined && (worst === undefined || verdict.bytes > worst.bytes)) worst = verdict
  }
  return worst
}

function sentence(params: VolumeParams, principal: string, sums: ReturnType<typeof sumsOf>, worst: Verdict): string {
  const amount = (of: number): string => (params.measure === 'bytes' ? formatBytes(of) : `${Math.round(of)} objects`)
  const own =
    worst.ownPeriods === 0
      ? 'it had read none before'
      : `its own line is ${amount(worst.ownLine)} (usually ${amount(worst.ownUsual)})`
  const peers =
    worst.peersBy === 'none'
      ? 'there are too few peers to compare with'
      : `the line of its ${worst.peers} peers ${worst.peersBy === 'role' ? 'in the same role' : 'in the tenant'} is ` +
        `${amount(worst.peerLine)} (usually ${amount(worst.peerUsual)})`
  const fresh = sums.fresh > 0 ? `, ${sums.fresh} of them never read before by this principal` : ''
  const asked =
    sums.coveredBytes > 0
      ? ` ${amount(sums.coveredBytes)} more carry a reference to a change or ticket, or went from one registered place to another.`
      : ''
  return (
    `${principal} read ${amount(worst.bytes)} within ${spanWords(params)}: ${own}, and ${peers}. ` +
    `Altogether ${sums.objects} objects in ${sums.reads} reads${fresh}.${asked}`
  )
}

function spanWords(params: VolumeParams): string {
  const words = formatSpan(params.span)
  return /^[0-9]/.test(words) ? words : `${words === 'hour' ? 'an' : 'a'} ${words}`
}

function withdrawn(principal: string): string {
  return `Late records show that what ${principal} read does not stand out after all.`
}
