/**
 * The mean of each class and the covariance that they share, fitted to a model's benign queries, and how far others are from
 * them. Queries lie side by side in one table; a few are worked on at a time, so that what they are held against is read once
 * for all of them. Sums are still made query by query, in the order of the table: numbers do not depend on how many are. Pure.
 */

/** What the covariance is shrunk by, as a share of its mean variance. */
const shrinkage = 0.01
/** Weight of the mean over all in the mean of a class, in samples. */
const priorSamples = 5
/** Classes whose means are kept; the rest share the mean over all. */
const classesMax = 64
/** Queries that are worked on at a time. */
const abreast = 4

export interface Fit {
  readonly dimension: number
  readonly labels: readonly string[]
  /** The inverse of the covariance's Cholesky factor, rows of the lower triangle. */
  readonly whitening: Float64Array
  /** Whitened means: one a label, then the one over all. */
  readonly means: Float64Array
}

export interface Center {
  readonly mean: Float64Array
  readonly deviation: Float64Array
}

interface Labeled {
  readonly x: ArrayLike<number>
  readonly label: string
}

/** Queries by account, of one length. */
export class Table {
  readonly dimension: number
  readonly count: number
  /** All labels; of each query, which of them it has. */
  readonly labels: readonly string[]
  readonly labelOf: Int32Array
  readonly rows: Float64Array
  /** Where each account's queries begin, and at the end where the last one's end. */
  readonly starts: readonly number[]

  constructor(accounts: readonly (readonly Labeled[])[]) {
    const starts = [0]
    for (const samples of accounts) starts.push(starts.at(-1)! + samples.length)
    const count = starts.at(-1)!
    const d = accounts.find(({ length }) => length > 0)?.[0]!.x.length ?? 0
    const numbers = new Map<string, number>()
    this.rows = new Float64Array(count * d)
    this.labelOf = new Int32Array(count)
    let row = 0
    for (const samples of accounts) {
      for (const { x, label } of samples) {
        let number = numbers.get(label)
        if (number === undefined) numbers.set(label, (number = numbers.size))
        this.labelOf[row] = number
        this.rows.set(x, row++ * d)
      }
    }
    this.dimension = d
    this.count = count
    this.labels = [...numbers.keys()]
    this.starts = starts
  }

  /** The queries of every account, of every even or of every odd one. */
  queriesOf(which: 'all' | 'even' | 'odd'): Int32Array {
    const numbers = new Int32Array(this.count)
    let count = 0
    for (let account = 0; account + 1 < this.starts.length; account++) {
      if (which !== 'all' && account % 2 !== (which === 'even' ? 0 : 1)) continue
      for (let row = this.starts[account]!; row < this.starts[account + 1]!; row++) numbers[count++] = row
    }
    return numbers.subarray(0, count)
  }
}

/** `queries`: one at least. */
export function fitTo(table: Table, queries: Int32Array): Fit {
  const d = table.dimension
  const { rows, labelOf } = table
  const count = queries.length
  const total = new Float64Array(d)
  const classes: { readonly label: string; count: number; readonly mean: Float64Array }[] = []
  const classOf = new Int32Array(table.labels.length).fill(-1)
  for (const row of queries) {
    const label = labelOf[row]!
    if (classOf[label]! < 0 && classes.length < classesMax) {
      classOf[label] = classes.push({ label: table.labels[label]!, count: 0, mean: new Float64Array(d) }) - 1
    }
    const of = classes[classOf[label]!]
    for (let i = 0, at = row * d; i < d; i++, at++) total[i]! += rows[at]! / count
    if (of === undefined) continue
    of.count++
    for (let i = 0, at = row * d; i < d; i++, at++) of.mean[i]! += rows[at]!
  }
  for (const of of classes) {
    for (let i = 0; i < d; i++) of.mean[i] = (of.mean[i]! + priorSamples * total[i]!) / (of.count + priorSamples)
  }
  const meanOf = (row: number): Float64Array => classes[classOf[labelOf[row]!]!]?.mean ?? total
  const whitening = inverseFactor(covarianceOf(table, queries, meanOf), d)
  const sorted = [...classes].sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0))
  const means = new Float64Array((sorted.length + 1) * d)
  for (const [n, mean] of [...sorted.map(({ mean }) => mean), total].entries()) {
    means.set(whitened(whitening, mean, d), n * d)
  }
  return { dimension: d, labels: sorted.map(({ label }) => label), whitening, means }
}

function covarianceOf(table: Table, queries: Int32Array, meanOf: (row: number) => Float64Array): Float64Array {
  const d = table.dimension
  const { rows } = table
  const count = queries.length
  const covariance = new Float64Array(d * d)
  const aways = Array.from({ length: abreast }, () => new Float64Array(d)) as Four
  const [a, b, c, e] = aways
  for (let first = 0; first < count; first += abreast) {
    for (let n = 0; n < abreast; n++) {
      // What is missing at the end adds nothing.
      if (first + n >= count) aways[n]!.fill(0)
      else awayOf(rows, queries[first + n]! * d, meanOf(queries[first + n]!), aways[n]!)
    }
    // Two rows at a time; the second has a place more, at its end.
    for (let i = 0; i < d; i += 2) {
      const has = i + 1 < d
      const [at, next] = [i * d, has ? i * d + d : i * d]
      const ai = a[i]! / count
      const bi = b[i]! / count
      const ci = c[i]! / count
      const ei = e[i]! / count
      const an = has ? a[i + 1]! / count : 0
      const bn = has ? b[i + 1]! / count : 0
      const cn = has ? c[i + 1]! / count : 0
      const en = has ? e[i + 1]! / count : 0
      for (let j = 0; j <= i; j++) {
        const aj = a[j]!
        const bj = b[j]!
        const cj = c[j]!
        const ej = e[j]!
        covariance[at + j] = covariance[at + j]! + ai * aj + bi * bj + ci * cj + ei * ej
        covariance[next + j] = covariance[next + j]! + an * aj + bn * bj + cn * cj + en * ej
      }
      if (has) {
        const j = i + 1
        covariance[next + j] = covariance[next + j]! + an * a[j]! + bn * b[j]! + cn * c[j]! + en * e[j]!
      }
    }
  }
  let trace = 0
  for (let i = 0; i < d; i++) trace += covariance[i * d + i]!
  const floor = Math.max((shrinkage * trace) / d, 1e-9)
  for (let i = 0; i < d; i++) covariance[i * d + i]! += floor
  return covariance
}

type Four = [Float64Array, Float64Array, Float64Array, Float64Array]

function awayOf(rows: Float64Array, from: number, mean: Float64Array, into: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = rows[from + i]! - mean[i]!
}

/**
 * The inverse of the lower Cholesky factor of a covariance, of which the lower triangle counts; rows of the lower
 * triangle, one after the other.
 */
export function inverseFactor(covariance: Float64Array, d: number): Float64Array {
  const factor = new Float64Array(d * d)
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = covariance[i * d + j]!
      for (let k = 0; k < j; k++) sum -= factor[i * d + k]! * factor[j * d + k]!
      factor[i * d + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / factor[j * d + j]!
    }
  }
  return inverseOf(factor, d)
}

/** Of a lower triangle, as a square; rows of the lower triangle, one after the other. */
export function inverseOf(factor: Float64Array, d: number): Float64Array {
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

export function whitened(whitening: Float64Array, x: ArrayLike<number>, d: number): Float64Array {
  const y = new Float64Array(d)
  for (let i = 0, at = 0; i < d; i++) {
    let sum = 0
    for (let j = 0; j <= i; j++) sum += whitening[at++]! * x[j]!
    y[i] = sum
  }
  return y
}

/** The mean over all, and of each value the deviation within classes. */
export function centerOf({ dimension: d, whitening, means }: Fit): Center {
  const factor = inverseOf(squareOf(whitening, d), d)
  const [mean, deviation] = [new Float64Array(d), new Float64Array(d)]
  for (let i = 0, at = 0; i < d; i++) {
    let squares = 0
    for (let j = 0; j <= i; j++, at++) {
      squares += factor[at]! * factor[at]!
      mean[i]! += factor[at]! * means[means.length - d + j]!
    }
    deviation[i] = Math.sqrt(squares)
  }
  return { mean, deviation }
}

/** Rows of a lower triangle, one after the other, as a square. */
export function squareOf(triangle: Float64Array, d: number): Float64Array {
  const square = new Float64Array(d * d)
  for (let i = 0, at = 0; i < d; i++) for (let j = 0; j <= i; j++) square[i * d + j] = triangle[at++]!
  return square
}
