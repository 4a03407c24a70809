/**
 * The ways in which a number's newest values are looked at: as they are and on a logarithmic scale, by their change, their level and
 * spread over the last hour or day of them, and by what is left once the season is taken out.
 *
 * The season is the median of the values around the same place in up to seven earlier periods.
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

/** Values back that the channels look at, beside the seasons. */
export const lookback = 64

export function valuesKept(history: number, period: number): number {
  return history + lookback + seasonsMax * period + 1
}

/** Computes the channels of the newest value; NaN: not known yet. Keeps what the next ones need. */
export class Channels {
  readonly #period: number
  /** Deviations from the season, the newest `lookback`. */
  readonly #deviations: number[] = []

  constructor(period: number) {
    this.#period = period
  }

  /** `at(n)`: the value n back; undefined where it is not kept. `count`: values there are. */
  next(at: (back: number) => number | undefined, count: number): number[] {
    const value = at(0)!
    const before = at(1)
    const deviation = this.#deviation(at, count)
    const last = this.#deviations.at(-1)
    this.#deviations.push(deviation)
    if (this.#deviations.length > lookback) this.#deviations.shift()
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

  #deviation(at: (back: number) => number | undefined, count: number): number {
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
    return at(0)! - around[around.length >> 1]!
  }
}

function logarithm(value: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value))
}

function meanOf(at: (back: number) => number | undefined, length: number, count: number): number {
  if (count < length) return NaN
  let sum = 0
  for (let back = 0; back < length; back++) sum += at(back)!
  return sum / length
}

function spreadOf(at: (back: number) => number | undefined, length: number, count: number): number {
  if (count < length) return NaN
  let [sum, squares] = [0, 0]
  for (let back = 0; back < length; back++) {
    const value = at(back)!
    sum += value
    squares += value * value
  }
  return Math.sqrt(Math.max(0, squares / length - (sum / length) ** 2))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
