/**
 * The ways in which a number's newest values are looked at: as they are and on a logarithmic scale, by their change,
 * their level and spread over the last hour or day of them, and by what is left once the season is taken out.
 *
 * The season is the median of the values around the same place in up to seven earlier periods. A place may have no
 * value: it keeps the others at theirs, and a level or spread is that of the values there are, where they are half of
 * the places or more.
 */
const seasonsMax = 7
const seasonsMin = 2

export const channelNames = [
  'value',
  'value (logarithmic)',
  'change (logarithmic)',
  'level of 12',
  'level of 48',
  'spread of 48',
  'deviation from the season',
  'deviation from the season, level of 12',
  'change of the deviation',
] as const

/** Of each channel in the score: chosen on NAB, the same for every stream (docs/detectors/anomaly.md). */
export const weights: readonly number[] = [0.75, 0.5, 0.5, 0.25, 0.5, 0.5, 1.5, 1, 0.5]

/** Of a place without a value. */
const nothing = channelNames.map(() => NaN)

/** Values back that the channels look at, beside the seasons. */
export const lookback = 64

export function valuesKept(history: number, period: number): number {
  return history + lookback + seasonsMax * period + 1
}

/** Computes the channels of the newest value; NaN: not known. Keeps what the next ones need. */
export class Channels {
  readonly #period: number
  /** Deviations from the season, the newest `lookback`. NaN: no season is known there; undefined: no value. */
  readonly #deviations: (number | undefined)[] = []

  constructor(period: number) {
    this.#period = period
  }

  /** `at(n)`: the value n back; undefined where there is none, or it is not kept. `count`: places there are. */
  next(at: (back: number) => number | undefined, count: number): number[] {
    const value = at(0)
    const before = at(1)
    const deviation = value === undefined ? undefined : value - this.#season(at, count)
    const last = this.#deviations.at(-1)
    this.#deviations.push(deviation)
    if (this.#deviations.length > lookback) this.#deviations.shift()
    if (value === undefined || deviation === undefined) return nothing
    const spread = spreadOf(at, 48, count)
    return [
      value,
      logarithm(value),
      before === undefined ? NaN : logarithm(value) - logarithm(before),
      meanOf(at, 12, count),
      meanOf(at, 48, count),
      Math.log(spread + 1e-6),
      deviation,
      this.#deviations.length < 12
        ? NaN
        : mean(this.#deviations.slice(-12).map((each) => (Number.isNaN(each) ? 0 : each))),
      last === undefined ? NaN : deviation - last,
    ]
  }

  #season(at: (back: number) => number | undefined, count: number): number {
    const period = this.#period
    if (period < 2 || count <= seasonsMin * period) return NaN
    const around: number[] = []
    for (let season = 1; season <= seasonsMax; season++) {
      const back = season * period
      if (back + 1 >= count) break
      const three = [at(back + 1), at(back), at(back - 1)]
      for (const each of three) if (each !== undefined) around.push(each)
    }
    if (around.length === 0) return NaN
    around.sort((a, b) => a - b)
    return around[around.length >> 1]!
  }
}

function logarithm(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value))
}

function meanOf(at: (back: number) => number | undefined, length: number, count: number): number {
  return count < length ? NaN : mean(Array.from({ length }, (_, back) => at(back)))
}

function spreadOf(at: (back: number) => number | undefined, length: number, count: number): number {
  if (count < length) return NaN
  let [sum, squares, known] = [0, 0, 0]
  for (let back = 0; back < length; back++) {
    const value = at(back)
    if (value === undefined) continue
    known++
    sum += value
    squares += value * value
  }
  return known < length / 2 ? NaN : Math.sqrt(Math.max(0, squares / known - (sum / known) ** 2))
}

/** Of those that there are; NaN: fewer than half. */
function mean(values: readonly (number | undefined)[]): number {
  let [sum, known] = [0, 0]
  for (const value of values) {
    if (value === undefined) continue
    known++
    sum += value
  }
  return known < values.length / 2 ? NaN : sum / known
}
