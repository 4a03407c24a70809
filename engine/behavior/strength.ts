/**
 * How findings tell the strength of their evidence: in powers of ten beside its line, in the same words and under the same
 * names whichever detector gathered it.
 */
import type { Series } from '../../core/signal.ts'

/** Both as decimal logarithms, to two digits. */
export interface Strength {
  readonly evidenceLog10: number
  readonly lineLog10: number
}

/** `evidence`, `line`: as natural logarithms. */
export function strengthOf(evidence: number, line: number): Strength {
  return { evidenceLog10: inTens(evidence), lineLog10: inTens(line) }
}

/** A natural logarithm as a decimal one, to two digits. */
export function inTens(log: number): number {
  return Math.round((log / Math.LN10) * 100) / 100
}

/** Such as `10^4.6`. */
export function power(log10: number): string {
  return `10^${log10.toFixed(1)}`
}

export function strengthWords({ evidenceLog10, lineLog10 }: Strength): string {
  return `The evidence is ${power(evidenceLog10)}; the line is ${power(lineLog10)}`
}

/** `points`: decimal logarithms over queries. */
export function strengthSeries(points: readonly (readonly [number, number])[], { lineLog10 }: Strength): Series {
  return {
    name: 'evidence (log10)',
    x: 'queries',
    points: points.map(([query, log10]) => [query, log10]),
    line: lineLog10,
  }
}
