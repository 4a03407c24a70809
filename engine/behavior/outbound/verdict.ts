/**
 * Whether what a principal has sent to one place stands out: a pure function of the amounts.
 *
 * Amounts of traffic are close to log-normal, so the line stands `deviations` robust standard deviations (1.4826 × MAD,
 * Rousseeuw & Croux 1993) above the median of the logarithms of what principals send to one place in a day. An
 * unfamiliar place is judged by that line where the bytes can come from artifacts gathered before, by four times the
 * line where they can't; a familiar one only by ten times the line, and gathered. Where pieces of models go out that
 * were new to their reader, the mean of a few days' logarithms is what deviates: n days stand out as one does where
 * each is `deviations` / √n above the median.
 */
import { median, medianAbsoluteDeviation } from 'simple-statistics'
import type { OutboundParams } from './params.ts'

const madToDeviation = 1.4826
/** With fewer days' sums the line is four times the floor. */
const sizesMin = 30
const withoutStaging = 4
const whereFamiliar = 10
/** Least days with anything, and times the line, for what is added up over the span. */
const dripDaysMin = 4
const dripRatio = 2
/**
 * Days in a row of transfers that are judged together where pieces of models go out: their deviations add up as those
 * of a mean do.
 */
const piecesDays = [3, 4] as const

export interface Amounts {
  /** To this place: today, and over the span with the number of days that had any. */
  readonly today: number
  readonly span: number
  readonly days: number
  /**
   * The days of the span that had any, newest first, with the pieces of models that were new to it on that day or the
   * one before.
   */
  readonly newest: readonly { readonly bytes: number; readonly fresh: number }[]
  /** Of artifacts, read in the staging time before, and over the span. */
  readonly gathered: number
  readonly gatheredSpan: number
  readonly others: number
  readonly sizes: readonly number[]
  /** Copies carry an artifact by themselves. */
  readonly isArtifact: boolean
  /** A place for copies that is new although the tenant has been watched for long enough. */
  readonly isNewPlace: boolean
}

export interface OutboundVerdict {
  readonly why: 'staged' | 'large' | 'drip' | 'pieces' | 'new-store'
  readonly bytes: number
  readonly line: number
  readonly usual: number
  readonly familiar: boolean
  readonly gathered: number
  /** Days that `bytes` are of, where they are not all. */
  readonly days?: number
}

export function judgeOutbound(params: OutboundParams, of: Amounts): OutboundVerdict | undefined {
  const { line, usual } = lineOf(params, of.sizes)
  const familiar = of.others >= params.usersMin
  const verdict = (why: OutboundVerdict['why'], bytes: number, over: number, gathered: number): OutboundVerdict => {
    return { why, bytes, line: over, usual, familiar, gathered }
  }
  const staged = of.isArtifact || of.gathered >= params.stagedShare * of.today
  if (of.isArtifact && of.isNewPlace && !familiar) return verdict('new-store', of.today, 0, of.gathered)
  if (of.isArtifact && !of.isNewPlace) return undefined
  if (familiar) {
    const over = whereFamiliar * line
    return of.today >= over && staged ? verdict('staged', of.today, over, of.gathered) : undefined
  }
  if (of.today >= line && staged) return verdict('staged', of.today, line, of.gathered)
  if (of.today >= withoutStaging * line) return verdict('large', of.today, withoutStaging * line, of.gathered)
  const over = dripRatio * line
  const gradual = of.days >= dripDaysMin && of.span >= over && of.gatheredSpan >= params.stagedShare * of.span
  return gradual ? verdict('drip', of.span, over, of.gatheredSpan) : inPieces(params, of)
}

/** Whether on each of the last few days of transfers enough of a model went out that had just been taken for the first time. */
function inPieces(params: OutboundParams, of: Amounts): OutboundVerdict | undefined {
  for (const days of piecesDays) {
    const newest = of.newest.slice(0, days)
    const { line, usual } = lineOf(params, of.sizes, params.deviations / Math.sqrt(days))
    const are = newest.filter(({ bytes, fresh }) => bytes >= line && fresh >= params.stagedShare * bytes)
    if (are.length < days) continue
    const bytes = newest.reduce((sum, day) => sum + day.bytes, 0)
    return { why: 'pieces', bytes, line, usual, familiar: false, gathered: of.gatheredSpan, days }
  }
  return undefined
}

function lineOf(
  params: OutboundParams,
  sizes: readonly number[],
  deviations = params.deviations,
): { line: number; usual: number } {
  if (sizes.length < sizesMin)
    return { line: 4 * params.floor, usual: sizes.length === 0 ? 0 : Math.exp(median([...sizes])) }
  const middle = median([...sizes])
  const over = Math.exp(middle + deviations * madToDeviation * medianAbsoluteDeviation([...sizes]))
  return { line: Math.max(params.floor, over), usual: Math.exp(middle) }
}
