/**
 * What a bench finds: figures, each beside a baseline that was measured in the same run on the same machine.
 *
 * The ratio is what counts; absolute times on shared machines say little.
 */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly baseline: { readonly name: string; readonly value: number }
  /** Of a difference: how far off it may be. One that is no larger can't be told from nothing, and shows nothing. */
  readonly within?: number | undefined
  /** `least`: value / baseline should be at least this; `most`: at most. Without: it only explains another. */
  readonly target?: { readonly least: number } | { readonly most: number }
}

/** A bench runs for well under a minute, repeats, and reports medians. */
export interface Bench {
  readonly name: string
  /** Its options, a line each, for `--help`; without it there are none. */
  readonly help?: string
  /** `skipped`: it can't run here, and says why. `options`: what the command line has after the names. */
  run(options: readonly string[]): Promise<readonly Figure[] | { readonly skipped: string }>
}

/** An option has a value that a bench doesn't take. Told in a line, without its stack. */
export class WrongOptionError extends Error {
  override readonly name = 'WrongOptionError'
}

export function ratioOf(figure: Figure): number {
  return figure.value / figure.baseline.value
}

export type Outcome = 'met' | 'missed' | 'not shown'

/** Not shown: what it may be off by decides, or a difference is none. */
export function outcomeOf({ target, ...figure }: Figure & Required<Pick<Figure, 'target'>>): Outcome {
  const meets = (value: number): boolean => {
    const ratio = ratioOf({ ...figure, value })
    return 'least' in target ? ratio >= target.least : ratio <= target.most
  }
  const { value, within } = figure
  if (within === undefined) return meets(value) ? 'met' : 'missed'
  if (!(value > within) || meets(value - within) !== meets(value + within)) return 'not shown'
  return meets(value) ? 'met' : 'missed'
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The middle value; of an even number, the lower of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Nearest-rank quantile. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN
}
