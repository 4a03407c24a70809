/**
 * Whether a principal's reading in one span stands out: a pure function of the histories of all.
 *
 * The own line is the greater of `ownRatio` times the 90th percentile of the principal's own earlier sums and their
 * median plus `deviations` robust standard deviations. The peer line is the same over what is usual for each peer, with
 * the median in place of the percentile: one heavy reader, or a third of all, does not move it (the median's breakdown
 * point is one half). 1.4826 × MAD estimates the standard deviation of a normal distribution (Rousseeuw & Croux 1993).
 *
 * What daily work is done on is read far more on some days than on others, and of few days nobody knows how far the
 * next goes: where what is left without it does not cross both lines, all of it must also pass what one span in
 * `spansPerCrossing` does where sums are log-normal (spread.ts), though never more than `predictedMost` times the own
 * line: who now and then reads next to nothing is no freer for it.
 */
import { median, medianAbsoluteDeviation, quantile } from 'simple-statistics'
import { bucketsOf, type VolumeParams } from './params.ts'
import { predictedLine } from './spread.ts'

const madToDeviation = 1.4826
const ownQuantile = 0.9
const predictedMost = 4
const none: ReadonlySet<number> = new Set()

/** Bytes read in each bucket that has any. */
export type Series = ReadonlyMap<number, number>

export interface Reader {
  readonly id: string
  readonly role: string
  readonly since: number | undefined
  readonly series: Series
  /** Of these, what is of kinds that daily work is done on. */
  readonly worked: Series
  /** Buckets that stand out: they do not become usual. */
  readonly crossed: ReadonlySet<number>
}

/** A span that stands out, and the lines it has crossed. */
export interface Verdict {
  readonly bytes: number
  /** Earlier sums of its own that the own line rests on. */
  readonly ownPeriods: number
  readonly ownUsual: number
  readonly ownLine: number
  /** Peers that the peer line rests on; below the minimum there is no peer line. */
  readonly peers: number
  readonly peerUsual: number
  readonly peerLine: number
  readonly peersBy: 'role' | 'tenant' | 'none'
}

/**
 * Judges the span that ends with `bucket`. `others` are all other readers of the tenant; they are asked for only where the
 * reader's own line is crossed, which is rare. Undefined: nothing stands out.
 */
export function judge(
  params: VolumeParams,
  reader: Reader,
  others: () => readonly Reader[],
  bucket: number,
  paceRatio = params.paceRatio,
): Verdict | undefined {
  const span = bucketsOf(params, params.span)
  const first = bucket - bucketsOf(params, params.history)
  const bytes = sumOf(reader.series, bucket - span + 1, bucket)
  const known = reader.since !== undefined && bucket - span + 1 - reader.since >= historyBuckets(params, span)
  if (!known || bytes < params.floor) return undefined

  const own = earlierSums(reader.series, bucket - span, span, first)
  const ownUsual = own.length === 0 ? 0 : median(own)
  const pace = paceRatio * paceOf(params, reader, span, first)
  const ownLine =
    own.length === 0
      ? Math.max(params.floor, pace)
      : Math.max(params.ownRatio * quantile(own, ownQuantile), beyond(params, own, ownUsual), pace)
  if (bytes <= (own.length === 0 ? pace : ownLine)) return undefined

  const { sums, by } = peersSums(params, reader, others(), bucket, span, first)
  const usual = sums.map(median)
  // Without peers, somebody who has never read before is no more than somebody who reads for the first time.
  if (by === 'none' && own.length === 0) return undefined
  const peerUsual = usual.length === 0 ? 0 : median(usual)
  const peerLine =
    by === 'none' ? params.floor : Math.max(params.peerRatio * peerUsual, beyond(params, usual, peerUsual))
  if (bytes < peerLine) return undefined
  const other = bytes - sumOf(reader.worked, bucket - span + 1, bucket)
  const isWork = other < bytes && (other < params.floor || other <= ownLine || other < peerLine)
  const calm = earlierSums(reader.series, bucket - span, span, first, reader.crossed)
  const predicted = isWork
    ? Math.min(predictedMost * ownLine, predictedLine(calm, by === 'none' ? [] : sums, params.spansPerCrossing))
    : 0
  if (bytes <= predicted) return undefined
  return {
    bytes,
    ownPeriods: own.length,
    ownUsual,
    ownLine: Math.max(ownLine, predicted),
    peers: usual.length,
    peerUsual,
    peerLine,
    peersBy: by,
  }
}

/** A span of several buckets may reach back to the beginning: its first buckets are history too. */
function historyBuckets(params: VolumeParams, span: number): number {
  return bucketsOf(params, params.historyMin) - (span - 1)
}

/** What a span comes to at the pace of its first days; 0 where they are no longer known. */
function paceOf(params: VolumeParams, { since, series }: Reader, span: number, first: number): number {
  if (since === undefined || since < first) return 0
  const days = bucketsOf(params, params.historyMin)
  return (sumOf(series, since, since + days - 1) * span) / days
}

function beyond(params: VolumeParams, values: number[], middle: number): number {
  return middle + params.deviations * madToDeviation * medianAbsoluteDeviation(values)
}

/** The earlier sums of each peer that has any. */
function peersSums(
  params: VolumeParams,
  reader: Reader,
  others: readonly Reader[],
  bucket: number,
  span: number,
  first: number,
): { sums: number[][]; by: Verdict['peersBy'] } {
  const all: number[][] = []
  const sameRole: number[][] = []
  for (const other of others) {
    const sums = earlierSums(other.series, bucket - 1, span, first)
    if (sums.length === 0) continue
    all.push(sums)
    if (reader.role !== '' && other.role === reader.role) sameRole.push(sums)
  }
  if (sameRole.length >= params.peersMin) return { sums: sameRole, by: 'role' }
  return { sums: all, by: all.length >= params.peersMin ? 'tenant' : 'none' }
}

/** Sums over spans that do not overlap, going back from the one that ends with `last`; those with anything in them. */
function earlierSums(
  series: Series,
  last: number,
  span: number,
  first: number,
  without: ReadonlySet<number> = none,
): number[] {
  const sums = new Map<number, number>()
  for (const [bucket, bytes] of series) {
    if (bucket > last || bucket < first || bytes <= 0 || without.has(bucket)) continue
    const period = Math.floor((last - bucket) / span)
    sums.set(period, (sums.get(period) ?? 0) + bytes)
  }
  return [...sums.values()]
}

export function sumOf(series: Series, from: number, to: number): number {
  let sum = 0
  for (let bucket = from; bucket <= to; bucket++) sum += series.get(bucket) ?? 0
  return sum
}
