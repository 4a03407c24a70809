/**
 * The parameters of `artifact-share`, as a rule's writer gives them, and what one event tells the detector.
 */
import { z } from 'zod'
import { Bytes, Duration } from '../units.ts'

export const ShareParams = z.strictObject({
  type: z.literal('artifact-share'),
  /** The line: this share of an artifact's bytes, read by one principal … */
  share: z.number().gt(0).max(1).default(0.5),
  /** … within this span. */
  span: Duration.prefault('30d'),
  /** Artifacts with fewer objects are judged only where their size is registered. */
  objectsMin: z.int().min(1).max(10_000).default(8),
  /** Artifacts smaller than this are never a finding. */
  floor: Bytes.prefault('100MB'),
  /** At least this many times what is usual among those who read it too. */
  peerRatio: z.number().min(1).max(1_000).default(1.7),
  /**
   * Up to this many times the pace of its first days, what it then read of the artifact, its reading is the work that
   * it came for.
   */
  paceRatio: z.number().min(0).max(1_000).default(2),
  /**
   * Kinds of assets that daily work is done on, more on some days than on others: how far beyond that follows from
   * their first days.
   */
  workedOn: z.array(z.string().min(1).max(64)).max(16).default([]),
  /** Kinds of assets whose pieces nobody has reason to read in their order, a few each day. */
  inTurn: z.array(z.string().min(1).max(64)).max(16).default(['weights', 'model-package']),
  /** Mean number of pieces, new to a reader who takes them in no order, before it is said to take them in turn by mistake. */
  piecesPerFalseAlarm: z.number().min(100).max(1e12).default(1e4),
  /** How long a principal must be known, by any event, before its reading is judged: what it does until then is its work. */
  historyMin: Duration.prefault('7d'),
  /** Event fields of which any says that somebody has asked for this read. */
  coveredBy: z.array(z.string().min(1).max(200)).max(16).default([]),
})
export type ShareParams = z.output<typeof ShareParams>

export interface ShareRead {
  readonly timeMs: number
  readonly principal: string
  readonly role: string
  readonly sinceMs: number | undefined
  /** A registered asset's id, else the store and folder that the object lies in. */
  readonly artifact: string
  /** Registered bytes of the whole artifact, and its files. */
  readonly artifactBytes: number | undefined
  readonly artifactFiles?: number | undefined
  readonly object: string
  /** Registered bytes of the object. */
  readonly objectBytes: number | undefined
  readonly bytes: number
  readonly range: string | undefined
  readonly covered: boolean
  /**
   * The store itself has copied it: hardly a byte is sent to whoever asks for that. Absent in what an earlier version
   * has shuffled, as below.
   */
  readonly copied?: boolean
  /** Its pieces taken in turn say something. */
  readonly inTurn?: boolean
  /** Of a kind that daily work is done on. */
  readonly worked?: boolean
}
