/**
 * How far out a number lies in the tails of those at the newest `max` places, as the logarithm (base 10) of one over
 * its probability.
 *
 * Peaks over threshold (Pickands 1975; as a streaming detector: SPOT, Siffer et al. 2017): beyond the 98th percentile on either
 * side a generalized Pareto tail of shape 0.1, its scale the mean excess, but never below a tenth of the way from the median
 * to the threshold, so that a constant stream with a little noise does not make everything extreme.
 */
const quantile = 0.98
const shape = 0.1
const scaleMin = 0.1
const valuesMin = 50

export class TailWindow {
  readonly #sorted: Float64Array
  readonly #ring: Float64Array
  #count = 0
  #added = 0

  constructor(max: number) {
    this.#sorted = new Float64Array(max)
    this.#ring = new Float64Array(max)
  }

  novelty(value: number): number {
    if (this.#count < valuesMin || Number.isNaN(value)) return 0
    const at = Math.floor(quantile * this.#count)
    return Math.max(this.#beyond(value, at, 1), this.#beyond(value, at, -1))
  }

  /** NaN takes a place. */
  add(value: number): void {
    const max = this.#ring.length
    const isEmpty = Number.isNaN(value)
    const oldest = this.#added >= max ? this.#ring[this.#added % max]! : NaN
    if (!Number.isNaN(oldest)) this.#remove(oldest)
    this.#ring[this.#added++ % max] = value
    if (isEmpty) return
    const at = this.#place(value)
    this.#sorted.copyWithin(at + 1, at, this.#count)
    this.#sorted[at] = value
    this.#count++
  }

  /** `side` -1 mirrors everything. */
  #beyond(value: number, at: number, side: 1 | -1): number {
    const of = (n: number): number => (side === 1 ? this.#sorted[n]! : -this.#sorted[this.#count - 1 - n]!)
    const threshold = of(at)
    const over = side * value - threshold
    if (over <= 0) return 0
    let excess = 0
    for (let n = at; n < this.#count; n++) excess += of(n) - threshold
    const middle = of(Math.floor(this.#count / 2))
    const least = 1e-9 * Math.abs(threshold) + 1e-12
    const scale = Math.max(excess / (this.#count - at), scaleMin * (threshold - middle), least)
    return (Math.log1p((shape * over) / scale) / shape - Math.log(1 - quantile)) / Math.LN10
  }

  #remove(value: number): void {
    const at = this.#place(value)
    this.#sorted.copyWithin(at, at + 1, this.#count)
    this.#count--
  }

  /** Where the first number not below `value` stands. */
  #place(value: number): number {
    let [low, high] = [0, this.#count]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#sorted[middle]! < value) low = middle + 1
      else high = middle
    }
    return low
  }
}
