/** What is kept of an account under suspicion: what its queries showed, and how the evidence grew. */
import type { EvidenceRef } from '../../../../core/signal.ts'
import type { Account } from './account.ts'
import { shows } from './evidence.ts'
import { withWay, type Way } from '../shapes/ways.ts'

/** Of the entry of an account that is under suspicion. */
export const suspicionName = 'suspicion'
const trailMax = 64
const evidenceMax = 20

export interface Counted {
  readonly of: number
  readonly records: number
}

/** What is kept of an account under suspicion, beside its numbers. JSON. */
export interface Suspicion {
  /** Different queries that showed each kind of evidence, since it began. */
  readonly shown: Record<string, number>
  /** Different queries since it began. */
  queries: number
  /** Of these, records of the training set themselves; not told by older versions, as all that follows. */
  records?: number
  /** All that were asked before the first of these; and from there to the last, all that are none. */
  before?: number
  among?: number
  /** Of inputs that more is made of, those that are records. */
  copied?: Counted
  /** The last ways between pairs of inputs (ways.ts). */
  ways?: readonly string[]
  /** Values of one input that were halved, at most (halving.ts). */
  halved?: number
  evidence: readonly EvidenceRef[]
  /** Different queries of the account, and the decimal logarithm of the greatest mean R as it was then. */
  trail: (readonly [number, number])[]
}

const named: readonly (readonly [name: string, bit: number])[] = [
  ['odd', shows.novelty(0)],
  ['novel', shows.novelty(1)],
  ['narrow', shows.margin(0)],
  ['undecided', shows.margin(1)],
  ['surer', shows.sure(0)],
  ['sure', shows.sure(1)],
  ['line', shows.line],
  ['flip', shows.flip],
  ['turn', shows.turn],
  ['pair', shows.pair],
  ['sparse', shows.sparse],
  ['even', shows.even],
  ['added', shows.added],
  ['probe', shows.probe],
  ['step', shows.step | shows.stepAbout],
  ['drift', shows.drift],
  ['ball', shows.ball | shows.around],
  ['member', shows.member],
  ['copied', shows.copied],
  ['halved', shows.halved],
  ['base', shows.ofBase],
]

export function note(
  suspicion: Suspicion,
  account: Account,
  evidence: () => EvidenceRef,
  bits: number,
  most: number,
): void {
  suspicion.queries++
  for (const [name, bit] of named) {
    if ((bits & bit) !== 0) suspicion.shown[name] = (suspicion.shown[name] ?? 0) + 1
  }
  if (bits !== 0 && suspicion.evidence.length < evidenceMax) {
    suspicion.evidence = [...suspicion.evidence, evidence()]
  }
  suspicion.trail.push([account.distinct, Math.round(Math.log10(Math.max(most, 1e-6)) * 100) / 100])
  if (suspicion.trail.length > trailMax) suspicion.trail.splice(0, suspicion.trail.length - trailMax)
}

/** Counts a way that has no end in common with the last ones. */
export function noteWay(suspicion: Suspicion, way: Way): void {
  const ways = withWay(suspicion.ways ?? [], way)
  if (ways === undefined) return
  suspicion.ways = ways
  suspicion.shown['way'] = (suspicion.shown['way'] ?? 0) + 1
}
