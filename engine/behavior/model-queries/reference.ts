/**
 * A model's benign traffic: how far each query is from it, and where the lines are.
 *
 * The distance is the Mahalanobis distance to the mean of the answered class under a covariance that all classes share (Lee et
 * al. 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks"), which sees what
 * hides in the directions that honest inputs hardly use. The lines are split-conformal quantiles (Vovk et al. 2005), scored
 * crosswise: no account's queries are scored by what it taught itself. Pure.
 */
import { inputsRead } from './input.ts'
import { packed, unpacked } from './packed.ts'

/** Shares of honest traffic past each of the lines; the last is as rare as the number of samples can tell. */
const shares = [0.05, 0.01, 0.002, 0] as const
export const levelCount = shares.length
/** What the covariance is shrunk by, as a share of its mean variance. */
const shrinkage = 0.01
/** Weight of the mean over all in the mean of a class, in samples. */
const priorSamples = 5
/** Classes whose means are kept; the rest share the mean over all. */
const classesMax = 64
/** An account with more than this share of its queries past the 5 % line teaches nothing; of at most a third of them. */
const oddShare = 0.3

export interface Sample {
  readonly x: Float32Array | Float64Array
  readonly label: string
  /** NaN: not told. */
  readonly margin: number
  /** Log-odds of all classes; absent where they are not told. */
  readonly odds?: ArrayLike<number> | undefined
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
  /** Median distance between two queries of one account that follow each other. */
  readonly scale: number
  /** 5th and 95th percentile of the novelty of honest queries. */
  readonly benign: readonly [number, number]
  readonly samples: number
  readonly accounts: number
  /** How often honest accounts show each kind of evidence (usual.ts). Not told by references that are older. */
  readonly usual?: readonly number[]
  /** It was reckoned from other inputs, not seen. */
  readonly reckoned?: true
  /** How often two differences of an honest input to the closest earlier one are equal. Not told by references that are older. */
  readonly alike?: number
  /** The same traffic as pictures in black and white, where it is pictures that are not. */
  readonly blackAndWhite?: Omit<ToldReference, 'blackAndWhite'>
}

interface Fit {
  readonly dimension: number
  readonly labels: readonly string[]
  readonly whitening: Float64Array
  readonly means: Float64Array
}

/** Undefined where there are too few samples. Accounts in an order that does not depend on the order of arrival. */
export function learnReference(accounts: readonly (readonly Sample[])[]): ToldReference | undefined {
  const kept = withoutOdd(accounts)
  const [even, odd] = folds(kept)
  if (even.length < 2 || odd.length < 2) return undefined
  const crossed = crossScores(kept)
  const novelties = crossed.flat().sort((a, b) => a - b)
  const all = kept.flat()
  const margins = all.map(({ margin }) => margin).filter((margin) => !Number.isNaN(margin))
  const fit = fitTo(all)
  return {
    version: 1,
    dimension: fit.dimension,
    labels: fit.labels,
    whitening: packed(Float32Array.from(fit.whitening)),
    means: packed(Float32Array.from(fit.means)),
    lines: linesOf(
      novelties,
      margins.sort((a, b) => a - b),
    ),
    scale: scaleOf(kept),
    benign: [quantile(novelties, 0.05), quantile(novelties, 0.95)],
    samples: all.length,
    accounts: kept.length,
  }
}

/** Accounts that stand out from what the others teach are left out, unless so many do that it is the traffic that changed. */
function withoutOdd(accounts: readonly (readonly Sample[])[]): readonly (readonly Sample[])[] {
  const scores = crossScores(accounts)
  const line = quantile(
    scores.flat().sort((a, b) => a - b),
    0.95,
  )
  const kept = accounts.filter((_, n) => {
    const own = scores[n]!
    return own.filter((score) => score > line).length <= oddShare * own.length
  })
  return kept.length * 3 >= accounts.length * 2 ? kept : accounts
}

function folds(accounts: readonly (readonly Sample[])[]): readonly [Sample[], Sample[]] {
  return [accounts.filter((_, n) => n % 2 === 0).flat(), accounts.filter((_, n) => n % 2 === 1).flat()]
}

function crossScores(accounts: readonly (readonly Sample[])[]): readonly (readonly number[])[] {
  const [even, odd] = folds(accounts)
  const [byOdd, byEven] = [scorer(fitTo(odd)), scorer(fitTo(even))]
  return accounts.map((samples, n) => samples.map(({ x, label }) => (n % 2 === 0 ? byOdd : byEven)(x, label)))
}

function fitTo(samples: readonly Sample[]): Fit {
  const dimension = samples[0]!.x.length
  const total = new Float64Array(dimension)
  const sums = new Map<string, { count: number; readonly sum: Float64Array }>()
  for (const { x, label } of samples) {
    let of = sums.get(label)
    if (of === undefined && sums.size < classesMax)
      sums.set(label, (of = { count: 0, sum: new Float64Array(dimension) }))
    if (of !== undefined) of.count++
    for (let i = 0; i < dimension; i++) {
      total[i]! += x[i]! / samples.length
      if (of !== undefined) of.sum[i]! += x[i]!
    }
  }
  const meanOf = new Map<string, Float64Array>()
  for (const [label, { count, sum }] of sums) {
    meanOf.set(
      label,
      sum.map((value, i) => (value + priorSamples * total[i]!) / (count + priorSamples)),
    )
  }
  const labels = [...meanOf.keys()].sort()
  const whitening = inverseFactor(covarianceOf(samples, meanOf, total), dimension)
  const means = new Float64Array((labels.length + 1) * dimension)
  for (const [n, mean] of [...labels.map((label) => meanOf.get(label)!), total].entries()) {
    means.set(whitened(whitening, mean, dimension), n * dimension)
  }
  return { dimension, labels, whitening, means }
}

function covarianceOf(
  samples: readonly Sample[],
  meanOf: ReadonlyMap<string, Float64Array>,
  total: Float64Array,
): Float64Array {
  const d = total.length
  const covariance = new Float64Array(d * d)
  const away = new Float64Array(d)
  for (const { x, label } of samples) {
    const mean = meanOf.get(label) ?? total
    for (let i = 0; i < d; i++) away[i] = x[i]! - mean[i]!
    for (let i = 0; i < d; i++) {
      const a = away[i]! / samples.length
      if (a !== 0) for (let j = 0; j <= i; j++) covariance[i * d + j]! += a * away[j]!
    }
  }
  let trace = 0
  for (let i = 0; i < d; i++) trace += covariance[i * d + i]!
  const floor = Math.max((shrinkage * trace) / d, 1e-9)
  for (let i = 0; i < d; i++) covariance[i * d + i]! += floor
  return covariance
}

/** The inverse of the lower Cholesky factor; rows of the lower triangle, one after the other. */
function inverseFactor(covariance: Float64Array, d: number): Float64Array {
  const factor = new Float64Array(d * d)
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = covariance[i * d + j]!
      for (let k = 0; k < j; k++) sum -= factor[i * d + k]! * factor[j * d + k]!
      factor[i * d + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / factor[j * d + j]!
    }
  }
  const inverse = new Float64Array((d * (d + 1)) / 2)
  const at = (i: number, j: number): number => (i * (i + 1)) / 2 + j
  for (let j = 0; j < d; j++) {
    inverse[at(j, j)] = 1 / factor[j * d + j]!
    for (let i = j + 1; i < d; i++) {
      let sum = 0
      for (let k = j; k < i; k++) sum -= factor[i * d + k]! * inverse[at(k, j)]!
      inverse[at(i, j)] = sum / factor[i * d + i]!
    }
  }
  return inverse
}

function whitened(whitening: Float64Array | Float32Array, x: ArrayLike<number>, d: number): Float64Array {
  const y = new Float64Array(d)
  for (let i = 0, at = 0; i < d; i++) {
    let sum = 0
    for (let j = 0; j <= i; j++) sum += whitening[at++]! * x[j]!
    y[i] = sum
  }
  return y
}

export type Scorer = (x: ArrayLike<number>, label: string) => number

function scorer(fit: {
  readonly dimension: number
  readonly labels: readonly string[]
  readonly whitening: Float64Array | Float32Array
  readonly means: Float64Array | Float32Array
}): Scorer {
  const { dimension: d, labels, whitening, means } = fit
  const rowOf = new Map(labels.map((label, row) => [label, row]))
  return (x, label) => {
    let mean = (rowOf.get(label) ?? labels.length) * d
    let total = 0
    for (let i = 0, at = 0; i < d; i++) {
      let sum = -means[mean++]!
      for (let j = 0; j <= i; j++) sum += whitening[at++]! * x[j]!
      total += sum * sum
    }
    return Math.sqrt(total)
  }
}

function linesOf(novelties: readonly number[], margins: readonly number[]): Lines {
  const n = novelties.length
  const rarest = 1 / (n + 1)
  const share = shares.map((wanted) => Math.max(wanted, rarest))
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

function scaleOf(accounts: readonly (readonly Sample[])[]): number {
  const distances: number[] = []
  for (const samples of accounts) {
    for (let n = 1; n < samples.length; n++) distances.push(distance(samples[n]!.x, samples[n - 1]!.x))
  }
  return quantile(
    distances.sort((a, b) => a - b),
    0.5,
  )
}

export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return Math.sqrt(sum)
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** A reference as local steps use it. */
export interface Reference {
  readonly told: ToldReference
  readonly novelty: Scorer
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

/** Opens what was told; the same object again costs nothing. Undefined: nothing was told, or by another version. */
export function openReference(told: unknown): Reference | undefined {
  if (typeof told !== 'object' || told === null || (told as ToldReference).version !== 1) return undefined
  const known = opened.get(told)
  if (known !== undefined) return known
  const of = told as ToldReference
  const whitening = unpacked(of.whitening)
  const means = unpacked(of.means)
  const score = scorer({ dimension: of.dimension, labels: of.labels, whitening, means })
  const reference = { told: of, novelty: onceEach(score) }
  opened.set(told, reference)
  return reference
}
