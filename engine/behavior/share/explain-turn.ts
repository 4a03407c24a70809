/** Says in words who takes an artifact piece by piece, with the numbers. */
import type { BehaviorFinding } from '../types.ts'
import { strengthOf, strengthWords } from '../strength.ts'
import { formatBytes } from '../units.ts'
import type { InTurn } from './in-turn.ts'
import type { Held } from './ledger.ts'
import type { ShareRead } from './params.ts'

const dayMs = 86_400_000

export function describeTurn(
  read: ShareRead,
  held: Held,
  turn: InTurn,
  version: number,
  piecesPerFalseAlarm: number,
): Omit<BehaviorFinding, 'entities' | 'evidence'> {
  const strength = strengthOf(turn.evidence, Math.log(piecesPerFalseAlarm))
  return {
    anchor: `${read.artifact} in turn`,
    version,
    status: 'open',
    supersedes: [],
    group: { 'warden.principal': read.principal, artifact: read.artifact },
    timeMs: read.timeMs,
    window: { startMs: read.timeMs - (turn.days - 1) * dayMs, endMs: read.timeMs },
    explanation:
      `${read.principal} takes ${read.artifact} piece by piece: on ${turn.days} days ${turn.pieces} pieces, most of them next to those ` +
      `taken just before, though others were left. It holds ${formatBytes(held.bytes)} of ${formatBytes(held.ofBytes)}. ` +
      `${strengthWords(strength)}: somebody whose choice has nothing to do with their order is at it once in ${piecesPerFalseAlarm.toLocaleString('en-US')} pieces at most.`,
    facts: {
      artifact: read.artifact,
      pieces: turn.pieces,
      days: turn.days,
      share: Math.round(1_000 * held.share) / 1_000,
      bytes: held.bytes,
      ofBytes: held.ofBytes,
      ...strength,
    },
    exposure: { bytes: held.bytes, ofBytes: held.ofBytes },
  }
}
