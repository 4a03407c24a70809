/**
 * A model's benign traffic: how far each query is from it, and where the lines are.
 *
 * The distance is the Mahalanobis distance to the mean of the answered class under a covariance that all classes share (Lee et
 * al. 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks"), which sees what
 * hides in the directions that honest inputs hardly use. The lines are split-conformal quantiles (Vovk et al. 2005), scored
 * crosswise: no account's queries are scored by what it taught itself. Pure.
 */
import { offScorer, type OffScorer } from './always-off.ts'
import { reachOf } from './centers.ts'
import { centerOf, fitTo, Table, type Center } from './fit.ts'
import { inputsRead } from '../../input/input.ts'
import { keepable } from '../../input/rows.ts'
import { noisyScorer } from './noisy.ts'
import { packed, unpacked } from '../../input/packed.ts'
import { scoreAll, scorer, type Scorer } from './score.ts'
import { inUnits, unitsOf, type Units } from '../../input/units.ts'
import { unfilledOf, unfilledScorer } from './unfilled.ts'

/** Shares of honest traffic past each of the lines; the last is as rare as the number of samples can tell. */
const shares = [0.05, 0.01, 0.002, 0] as const
export const levelCount = shares.length

/** Of a reference whose last line is passed by `rarest` of honest traffic: the shares past each. */
export function sharesOf(rarest: number): number[] {
  return shares.map((wanted) => Math.max(wanted, rarest))
}

/** An account with more than this share of its queries past the 5 % line teaches nothing; of at most a third of them. */
const oddShare = 0.3

export interface Sample {
  readonly x: Float32Array | Float64Array
  readonly label: string
  /** NaN: not told. */
  readonly margin: number
  /** Log-odds of all classes, packed; absent where they are not told. */
  readonly odds?: string | undefined
  /** What it would be in black and white; absent where `x` tells, or where it is no picture. */
  readonly blackAndWhite?: Float32Array | undefined
}

export interface Lines {
  /** A novelty over `novelty[j]`, a margin below `margin[j]`: at most the share `share[j]` of honest traffic. */
  readonly novelty: readonly number[]
  readonly margin: readonly number[]
  /** A margin over `sure[j]`: the same share. Not told by references that are older. */
  readonly sure?: readonly number[]
  readonly share: readonly number[]
}

/** As it is told to all partitions. JSON. */
export interface ToldReference {
  readonly version: 1
  readonly dimension: number
  readonly labels: readonly string[]
  /** The inverse of the covariance's Cholesky factor, rows of the lower triangle. */
  readonly whitening: string
  /** Whitened means: one a label, then the one over all. */
  readonly means: string
  readonly lines: Lines
  /** In what units its columns are compared (units.ts); absent where as they are. Not told by references that are older. */
  readonly units?: Units
  /** Median distance between two queries of one account that follow each other, as accounts keep them. */
  readonly scale: number
  /** 5th and 95th percentile of the novelty of honest queries. */
  readonly benign: readonly [number, number]
  /** How near inputs in a row are to one that they are made of (centers.ts). Not told by references that are older. */
  readonly reach?: readonly number[]
  readonly samples: number
  readonly accounts: number
  /** How often honest accounts show each kind of evidence (usual.ts). Not told by references that are older. */
  readonly usual?: readonly number[]
  /** How often one account in a hundred is unlike honest inputs (usual.ts). Not told by references that are older. */
  readonly rare?: readonly number[]
  /** The last drift of the model, where all of it came after. */
  readonly since?: number
  /** It was reckoned from other inputs, not seen. */
  readonly reckoned?: true
  /** How often two differences of an honest input to the closest earlier one are equal. Not told by references that are older. */
  readonly alike?: number
  /** How often they are as long as those of an earlier one in the same column. Not told by references that are older. */
  readonly strides?: number
  /** The same traffic as pictures in black and white, where it is pictures that are not. */
  readonly blackAndWhite?: Omit<ToldReference, 'blackAndWhite'>
}

/** Undefined where there are too few samples. Accounts in an order that does not depend on the order of arrival. */
export function learnReference(given: readonly (readonly Sample[])[]): ToldReference | undefined {
  if (!hasTwoHalves(given)) return undefined
  const units = unitsOf(given)
  const accounts =
    units === undefined ? given : given.map((samples) => samples.map((of) => ({ ...of, x: inUnits(of.x, units) })))
  const scored = withoutOdd(scoredCrosswise(accounts))
  const { accounts: kept, table } = scored
  if (!hasTwoHalves(kept)) return undefined
  const novelties = Float64Array.from(scored.scores).sort()
  const all = kept.flat()
  const margins = Float64Array.from(all.map(({ margin }) => margin).filter((margin) => !Number.isNaN(margin)))
  const fit = fitTo(table, table.queriesOf('all'))
  return {
    version: 1,
    dimension: fit.dimension,
    labels: fit.labels,
    whitening: packed(Float32Array.from(fit.whitening)),
    means: packed(Float32Array.from(fit.means)),
    lines: linesOf(novelties, margins.sort()),
    ...(units && { units }),
    scale: scaleOf(table),
    reach: reachOf(table),
    benign: [quantile(novelties, 0.05), quantile(novelties, 0.95)],
    samples: all.length,
    accounts: kept.length,
  }
}

/** Queries of accounts, each with its distance from what others taught. */
interface Scored {
  readonly accounts: readonly (readonly Sample[])[]
  readonly table: Table
  readonly scores: Float64Array
}

/** Whether there are two queries at least of every other account, and of those between. */
function hasTwoHalves(accounts: readonly (readonly Sample[])[]): boolean {
  const counts = [0, 0]
  for (const [n, samples] of accounts.entries()) counts[n % 2]! += samples.length
  return Math.min(...counts) >= 2
}

/** Accounts that stand out from what the others teach are left out, unless so many do that it is the traffic that changed. */
function withoutOdd(all: Scored): Scored {
  const { accounts, table, scores } = all
  const line = quantile(Float64Array.from(scores).sort(), 0.95)
  const kept = accounts.filter((_, n) => {
    const own = scores.subarray(table.starts[n], table.starts[n + 1])
    return own.filter((score) => score > line).length <= oddShare * own.length
  })
  return kept.length === accounts.length || kept.length * 3 < accounts.length * 2 ? all : scoredCrosswise(kept)
}

function scoredCrosswise(accounts: readonly (readonly Sample[])[]): Scored {
  const table = new Table(accounts)
  const scores = new Float64Array(table.count)
  const [even, odd] = [table.queriesOf('even'), table.queriesOf('odd')]
  if (even.length > 0 && odd.length > 0) {
    scoreAll(table, even, fitTo(table, odd), scores)
    scoreAll(table, odd, fitTo(table, even), scores)
  }
  return { accounts, table, scores }
}

function linesOf(novelties: Float64Array, margins: Float64Array): Lines {
  const n = novelties.length
  const rarest = 1 / (n + 1)
  const share = sharesOf(rarest)
  const beyond = (count: number, wanted: number): number => Math.floor(wanted * (count + 1) + 1e-9) - 1
  return {
    share,
    // Of n + 1 exchangeable scores at most k + 1 are over the (k+1)-th largest of n: conformal p at most (k + 1) / (n + 1).
    novelty: share.map((wanted) => novelties[n - 1 - beyond(n, wanted)]!),
    margin: share.map((wanted) => {
      const k = beyond(margins.length, wanted)
      return k < 0 || margins.length === 0 ? -Infinity : margins[k]!
    }),
    sure: share.map((wanted) => {
      const k = beyond(margins.length, wanted)
      return k < 0 || margins.length === 0 ? Infinity : margins[margins.length - 1 - k]!
    }),
  }
}

function scaleOf({ rows, dimension, starts }: Table): number {
  const distances: number[] = []
  for (let account = 0; account + 1 < starts.length; account++) {
    for (let row = starts[account]! + 1; row < starts[account + 1]!; row++) {
      const at = row * dimension
      let sum = 0
      for (let i = 0; i < dimension; i++) sum += (keepable(rows[at + i]!) - keepable(rows[at - dimension + i]!)) ** 2
      distances.push(Math.sqrt(sum))
    }
  }
  return quantile(Float64Array.from(distances).sort(), 0.5)
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** A reference as local steps use it. */
export interface Reference {
  readonly told: ToldReference
  readonly novelty: Scorer
  /** The same of inputs that are in the units of the model's table. */
  readonly noveltyInUnits: Scorer
  /**
   * The same where honest inputs have noise in every value (noisy.ts), or but for what nobody filled in (unfilled.ts):
   * never more.
   */
  readonly noveltyWithRoom: Scorer
  /** The same but for fields in which it and earlier odd ones are always off; all in the units of the model's table. */
  readonly noveltyButForOff: OffScorer
  /** The middle of honest inputs, in the units of the model's table. */
  readonly center: () => Center
}

/** Several detectors ask for the same input, one after the other. Nobody changes an input. */
function onceEach(score: Scorer): Scorer {
  let lastX: ArrayLike<number> | undefined
  let lastLabel = ''
  let lastRead = -1
  let last = 0
  return (x, label) => {
    const read = inputsRead()
    if (x === lastX && label === lastLabel && read === lastRead) return last
    last = score(x, label)
    lastX = x
    lastRead = read
    lastLabel = label
    return last
  }
}

const opened = new WeakMap<object, Reference>()
/** What was asked for last. */
const last: { told: object | undefined; reference: Reference | undefined } = { told: undefined, reference: undefined }

/** Opens what was told; the same object again costs nothing. Undefined: nothing was told, or by another version. */
export function openReference(told: unknown): Reference | undefined {
  if (typeof told !== 'object' || told === null || (told as ToldReference).version !== 1) return undefined
  if (told === last.told) return last.reference
  const known = opened.get(told) ?? opening(told as ToldReference)
  last.told = told
  last.reference = known
  return known
}

function opening(of: ToldReference): Reference {
  const whitening = Float64Array.from(unpacked(of.whitening))
  const means = Float64Array.from(unpacked(of.means))
  const fit = { dimension: of.dimension, labels: of.labels, whitening, means }
  const { units } = of
  const counted = (score: Scorer): Scorer =>
    units === undefined ? score : (x, label) => score(inUnits(Float64Array.from(x), units), label)
  let noisy: Scorer | undefined
  const filled = unfilledScorer(fit)
  let center: Center | undefined
  let off: OffScorer | undefined
  const reference: Reference = {
    told: of,
    novelty: onceEach(counted(scorer(fit))),
    noveltyInUnits: scorer(fit),
    noveltyWithRoom: onceEach((x, label) => {
      const left = (noisy ??= counted(noisyScorer(fit)))(x, label)
      const unfilled = unfilledOf(x)
      return unfilled.length === 0 ? left : Math.min(left, filled(inUnits(Float64Array.from(x), units), unfilled))
    }),
    noveltyButForOff: (x, earlier) => (off ??= offScorer(fit, of.lines.novelty[0]!))(x, earlier),
    center: () => (center ??= centerOf(fit)),
  }
  opened.set(of, reference)
  return reference
}
