/**
 * Ridge regression of several targets over rows that come one after the other (Hoerl and Kennard 1970): what is added up
 * serves every number of rows. Pure.
 */
export class Ridge {
  readonly #width: number
  readonly #targets: number
  /** Sums of products: lower triangle by rows; and of values with targets. */
  readonly #products: Float64Array
  readonly #with: Float64Array
  #rows = 0

  constructor(width: number, targets: number) {
    this.#width = width
    this.#targets = targets
    this.#products = new Float64Array(width * width)
    this.#with = new Float64Array(width * targets)
  }

  add(row: ArrayLike<number>, target: ArrayLike<number>): void {
    const [w, t] = [this.#width, this.#targets]
    this.#rows++
    for (let i = 0; i < w; i++) {
      const value = row[i]!
      if (value === 0) continue
      for (let j = 0, p = i * w; j <= i; j++, p++) this.#products[p]! += value * row[j]!
      for (let k = 0, p = i * t; k < t; k++, p++) this.#with[p]! += value * target[k]!
    }
  }

  /** Weights, `targets` numbers for each value of a row. `penalty`: as a share of the mean of the squares. */
  solve(penalty: number): Float64Array {
    const [w, t] = [this.#width, this.#targets]
    const factor = Float64Array.from(this.#products)
    let trace = 0
    for (let i = 0; i < w; i++) trace += factor[i * w + i]!
    const more = (penalty * trace) / w + 1e-9 * this.#rows + 1e-12
    for (let i = 0; i < w; i++) factor[i * w + i]! += more
    decompose(factor, w)
    const weights = Float64Array.from(this.#with)
    for (let k = 0; k < t; k++) substitute(factor, weights, w, t, k)
    return weights
  }
}

/** In place: the lower factor of Cholesky's decomposition. */
function decompose(a: Float64Array, w: number): void {
  for (let i = 0; i < w; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * w + j]!
      for (let m = 0, p = i * w, q = j * w; m < j; m++) sum -= a[p++]! * a[q++]!
      a[i * w + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[j * w + j]!
    }
  }
}

/** In place: column k of the right side becomes that of the solution. */
function substitute(factor: Float64Array, b: Float64Array, w: number, t: number, k: number): void {
  for (let i = 0; i < w; i++) {
    let sum = b[i * t + k]!
    for (let m = 0; m < i; m++) sum -= factor[i * w + m]! * b[m * t + k]!
    b[i * t + k] = sum / factor[i * w + i]!
  }
  for (let i = w - 1; i >= 0; i--) {
    let sum = b[i * t + k]!
    for (let m = i + 1; m < w; m++) sum -= factor[m * w + i]! * b[m * t + k]!
    b[i * t + k] = sum / factor[i * w + i]!
  }
}
