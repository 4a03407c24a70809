/**
 * The grouped step of `artifact-share`, one group a tenant.
 *
 * Promises: takes reads in the order in which they happened (in-event-time.ts); one finding for each principal and
 * artifact, revised when the share has grown by a tenth of the whole. A principal that read most of an artifact in the
 * days in which it was first seen at all does so by profession (backup, training, release) and is not told of again for
 * this artifact, nor, having read two of a store whole and none in part, for another one there that it reads at once;
 * one that goes on with an artifact at the pace of those days is not told of either. Beside it, whoever takes the
 * pieces in turn, a few each day (in-turn.ts): one finding for each principal and artifact, revised as the pieces
 * double.
 */
import { median } from 'simple-statistics'
import type { Series } from '../../../core/signal.ts'
import type { WithContext } from '../entities.ts'
import { formatBytes, formatSpan } from '../units.ts'
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { describeTurn } from './explain-turn.ts'
import { pieceOf, takeInTurn, type InTurn } from './in-turn.ts'
import {
  heldSince,
  isOfOneDay,
  keyOf,
  note,
  unevennessOf,
  ShareLedger,
  tellShare,
  type Artifact,
  type Held,
  type Reading,
  type Works,
} from './ledger.ts'
import type { ShareParams, ShareRead } from './params.ts'

const dayMs = 86_400_000
const growth = 0.1
/** With fewer readers of the same role, all readers are peers. */
const sameRoleMin = 3
/** From so many on who read most of it by profession, they count as peers. */
const professionalsMin = 3
/** Who reads of an artifact on so many of its first days works with it. */
const daysOfWork = 3
const paceDeviations = 3
/** However uneven its first days were. */
const paceMost = 4
type Finding = Omit<BehaviorFinding, 'entities' | 'evidence'>

const quiet: StepOutcome = { findings: [], shuffled: [], dueMs: Infinity }

export class ArtifactShares implements BehaviorStep {
  readonly stateVersion = 2
  readonly groupBy = ['organization.id']
  readonly #params: ShareParams

  constructor(params: ShareParams) {
    this.#params = params
  }

  apply(_group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const { of: read, entities, evidence } = input as WithContext<ShareRead>
    const ledger = new ShareLedger(entries)
    const artifact = ledger.artifact(read.artifact)
    const reading = ledger.reading(read.artifact, read.principal)
    const turn = this.#inTurn(read, artifact, reading)
    note(artifact, reading, read)
    const held = heldSince(artifact, reading, Math.floor((read.timeMs - this.#params.span) / dayMs) + 1)
    const found = read.covered
      ? []
      : [this.#judge(read, artifact, reading, held, ledger.works(read)), this.#tellTurn(read, reading, held, turn)]
    const byProfession = reading.anchor === -1
    tellShare(artifact, read.principal, { role: read.role, share: held.share, byProfession })
    ledger.keep(read, artifact, reading)
    const findings = found.flatMap((finding) =>
      finding === undefined ? [] : [{ ...finding, entities, evidence: { count: reading.reads, events: evidence } }],
    )
    return { ...quiet, findings }
  }

  advance(): StepOutcome {
    return quiet
  }

  /** A piece that is new to its reader; asked before the read is noted. */
  #inTurn(read: ShareRead, artifact: Artifact, reading: Reading): InTurn | undefined {
    if (read.covered || read.inTurn !== true || reading.anchor === -1) return undefined
    const piece = pieceOf(read.object)
    if (piece === undefined || Object.hasOwn(reading.objects, keyOf(read.object))) return undefined
    const { turn, found } = takeInTurn(
      reading.turn,
      piece,
      Math.floor(read.timeMs / dayMs),
      Math.max(read.artifactFiles ?? 0, artifact.objects),
      Object.keys(reading.objects).length,
      (name) => Object.hasOwn(reading.objects, keyOf(name)),
      Math.log(this.#params.piecesPerFalseAlarm),
    )
    reading.turn = turn
    return found
  }

  #tellTurn(read: ShareRead, reading: Reading, held: Held, turn: InTurn | undefined): Finding | undefined {
    const [version, pieces] = reading.toldTurn ?? [0, 0]
    if (turn === undefined || held.ofBytes < this.#params.floor || turn.pieces < 2 * pieces) return undefined
    reading.toldTurn = [version + 1, turn.pieces]
    return describeTurn(read, held, turn, version + 1, this.#params.piecesPerFalseAlarm)
  }

  #judge(read: ShareRead, artifact: Artifact, reading: Reading, held: Held, works: Works): Finding | undefined {
    const { share, floor, objectsMin, peerRatio, historyMin } = this.#params
    const knownMs = reading.since === undefined ? undefined : read.timeMs - reading.since
    if (knownMs !== undefined && knownMs < historyMin) {
      reading.early = held.share
      reading.earlyDays = unevennessOf(reading)
    }
    if (held.share < share || held.ofBytes < floor || reading.anchor === -1) return undefined
    if (artifact.registered === undefined && artifact.objects < objectsMin) return undefined
    if (knownMs === undefined || knownMs < historyMin) {
      // What somebody does from its first day on is its work.
      if (knownMs !== undefined) reading.anchor = -1
      return undefined
    }
    // And so is one more of those that it always reads whole, at once.
    if (readsWhole(works, read.artifact) && isOfOneDay(reading, Math.floor(read.timeMs / dayMs))) {
      reading.anchor = -1
      return undefined
    }
    // So is going on with it as in its first days.
    const ratio = Math.max(this.#params.paceRatio, read.worked === true ? paceOf(reading.earlyDays) : 0)
    if (held.share <= (ratio * (reading.early ?? 0) * knownMs) / historyMin) return undefined
    const { usual, peers } = usualOf(artifact, read)
    if (held.share < peerRatio * usual) return undefined
    if (reading.anchor !== undefined && held.share < reading.toldShare + growth) return undefined
    reading.anchor ??= Math.floor(read.timeMs / dayMs)
    reading.version++
    reading.toldShare = held.share
    const percent = (value: number): string => `${Math.round(100 * value)} %`
    return {
      anchor: `${read.artifact} ${reading.anchor}`,
      version: reading.version,
      status: 'open',
      supersedes: [],
      group: { 'warden.principal': read.principal, artifact: read.artifact },
      timeMs: read.timeMs,
      window: { startMs: read.timeMs - this.#params.span, endMs: read.timeMs },
      explanation:
        `${read.principal} has read ${percent(held.share)} of ${read.artifact} within ${formatSpan(this.#params.span)}: ` +
        `${formatBytes(held.bytes)} of ${formatBytes(held.ofBytes)} (${artifact.registered === undefined ? 'as far as it has been read by anybody' : 'its registered size'}), ` +
        `${held.objects} objects. The line is ${percent(share)}; its ${peers} peers have usually read ${percent(usual)}.`,
      facts: {
        artifact: read.artifact,
        share: Math.round(1_000 * held.share) / 1_000,
        line: share,
        bytes: held.bytes,
        ofBytes: held.ofBytes,
        objects: held.objects,
        peers,
        peersShare: Math.round(1_000 * usual) / 1_000,
        registeredSize: artifact.registered !== undefined,
      },
      exposure: { bytes: held.bytes, ofBytes: held.ofBytes },
      series: [seriesOf(reading, held.ofBytes, share)],
    }
  }
}

/**
 * How many times the pace of its first days an honest reader may come to: the mean of so many uneven days, and of as
 * many later ones, lie within three standard deviations of each other, in the logarithm. That of a log-normal amount
 * follows from its coefficient of variation.
 */
function paceOf(early: Reading['earlyDays']): number {
  if (early === undefined || early[1] < daysOfWork) return 0
  const [variation, days] = early
  const deviation = Math.sqrt(Math.log1p(variation ** 2))
  return Math.min(paceMost, Math.exp(paceDeviations * deviation * Math.sqrt(2 / days)))
}

/** One whole read in somebody's first days is a task, not yet a profession. */
const wholeWorksMin = 2

/** Whether it has read others of the store by profession, and hardly more than a look at none. */
function readsWhole(works: Works, artifact: string): boolean {
  const others = Object.entries(works).filter(([name]) => name !== keyOf(artifact))
  return others.length >= wholeWorksMin && others.every(([, whole]) => whole)
}

function usualOf(artifact: Artifact, read: ShareRead): { usual: number; peers: number } {
  const all = Object.entries(artifact.readers).filter(([name]) => name !== read.principal)
  // A backup is nobody's peer; where many read all of it from the first day on, that is what the artifact is for.
  const machines = all.filter(([, { byProfession }]) => byProfession).length
  const others = machines < professionalsMin ? all.filter(([, { byProfession }]) => !byProfession) : all
  const same = others.filter(([, { role }]) => role !== '' && role === read.role)
  const peers = same.length >= sameRoleMin ? same : others
  return { usual: peers.length === 0 ? 0 : median(peers.map(([, { share }]) => share)), peers: peers.length }
}

/** The share as it grew, day by day. */
function seriesOf(reading: Reading, ofBytes: number, line: number): Series {
  const days = new Map<number, number>()
  for (const [day, bytes] of Object.values(reading.objects)) days.set(day, (days.get(day) ?? 0) + bytes)
  let sum = 0
  const points = [...days]
    .sort(([a], [b]) => a - b)
    .map(([day, bytes]): [number, number] => {
      sum += bytes
      return [day * dayMs, Math.min(1, sum / ofBytes)]
    })
  return { name: 'share of the artifact', x: 'ms', points: points.slice(-64), line }
}
