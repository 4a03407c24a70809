/**
 * How far queries are from the mean of their class, under the covariance that all classes share: of many side by side, as where a
 * reference is learned, or of one at a time. Both make each sum in the same order and come to the same numbers. Pure.
 */
import type { Fit, Table } from './fit.ts'

/** Rows of the factor that are worked on at a time, so that each sum waits for itself alone. */
const abreast = 4

/** Into `scores`, by query: the distance of each of `queries` to the mean of its class. */
export function scoreAll(table: Table, queries: Int32Array, fit: Fit, scores: Float64Array): void {
  const { dimension: d, labelOf } = table
  const { labels } = fit
  const numbers = new Map(labels.map((label, n) => [label, n]))
  const meanAt = Int32Array.from(table.labels, (label) => (numbers.get(label) ?? labels.length) * d)
  for (let n = 0; n < queries.length; n += 2) {
    // At the end the last one is done twice.
    const a = queries[n]!
    const b = queries[n + 1] ?? a
    scoreTwo(table, a, b, fit, meanAt[labelOf[a]!]!, meanAt[labelOf[b]!]!, scores)
  }
}

/** `meanA`, `meanB`: where the mean of each begins. */
function scoreTwo(
  { dimension: d, rows }: Table,
  a: number,
  b: number,
  { whitening, means }: Fit,
  meanA: number,
  meanB: number,
  scores: Float64Array,
): void {
  const xa = a * d
  const xb = b * d
  let sumA = 0
  let sumB = 0
  let i = 0
  let at = 0
  for (; i + abreast <= d; i += abreast, at += 4 * i - 6) {
    const second = at + i + 1
    const third = at + 2 * i + 3
    const fourth = at + 3 * i + 6
    let a0 = -means[meanA + i]!
    let a1 = -means[meanA + i + 1]!
    let a2 = -means[meanA + i + 2]!
    let a3 = -means[meanA + i + 3]!
    let b0 = -means[meanB + i]!
    let b1 = -means[meanB + i + 1]!
    let b2 = -means[meanB + i + 2]!
    let b3 = -means[meanB + i + 3]!
    for (let j = 0; j <= i; j++) {
      const x = rows[xa + j]!
      const y = rows[xb + j]!
      const w0 = whitening[at + j]!
      const w1 = whitening[second + j]!
      const w2 = whitening[third + j]!
      const w3 = whitening[fourth + j]!
      a0 += w0 * x
      a1 += w1 * x
      a2 += w2 * x
      a3 += w3 * x
      b0 += w0 * y
      b1 += w1 * y
      b2 += w2 * y
      b3 += w3 * y
    }
    // What the second, third and fourth row have more than the first.
    for (let more = 1; more < abreast; more++) {
      const x = rows[xa + i + more]!
      const y = rows[xb + i + more]!
      if (more === 1) {
        a1 += whitening[second + i + 1]! * x
        b1 += whitening[second + i + 1]! * y
      }
      if (more <= 2) {
        a2 += whitening[third + i + more]! * x
        b2 += whitening[third + i + more]! * y
      }
      a3 += whitening[fourth + i + more]! * x
      b3 += whitening[fourth + i + more]! * y
    }
    sumA = sumA + a0 * a0 + a1 * a1 + a2 * a2 + a3 * a3
    sumB = sumB + b0 * b0 + b1 * b1 + b2 * b2 + b3 * b3
  }
  for (; i < d; i++) {
    let y = -means[meanA + i]!
    let z = -means[meanB + i]!
    for (let j = 0; j <= i; j++) {
      const w = whitening[at++]!
      y += w * rows[xa + j]!
      z += w * rows[xb + j]!
    }
    sumA += y * y
    sumB += z * z
  }
  scores[a] = Math.sqrt(sumA)
  scores[b] = Math.sqrt(sumB)
}

/** The distance of a query to the mean of its class. */
export type Scorer = (x: ArrayLike<number>, label: string) => number

/** Of one query at a time. */
export function scorer(fit: Fit): Scorer {
  const { dimension: d, labels, whitening, means } = fit
  const rowOf = new Map(labels.map((label, row) => [label, row]))
  const value = new Float64Array(d)
  return (x, label) => {
    for (let i = 0; i < d; i++) value[i] = x[i]!
    const mean = (rowOf.get(label) ?? labels.length) * d
    let total = 0
    let i = 0
    let at = 0
    for (; i + abreast <= d; i += abreast, at += 4 * i - 6) {
      const second = at + i + 1
      const third = at + 2 * i + 3
      const fourth = at + 3 * i + 6
      let p = -means[mean + i]!
      let q = -means[mean + i + 1]!
      let r = -means[mean + i + 2]!
      let s = -means[mean + i + 3]!
      for (let j = 0; j <= i; j++) {
        const from = value[j]!
        p += whitening[at + j]! * from
        q += whitening[second + j]! * from
        r += whitening[third + j]! * from
        s += whitening[fourth + j]! * from
      }
      const x1 = value[i + 1]!
      const x2 = value[i + 2]!
      q += whitening[second + i + 1]! * x1
      r = r + whitening[third + i + 1]! * x1 + whitening[third + i + 2]! * x2
      s =
        s +
        whitening[fourth + i + 1]! * x1 +
        whitening[fourth + i + 2]! * x2 +
        whitening[fourth + i + 3]! * value[i + 3]!
      total = total + p * p + q * q + r * r + s * s
    }
    for (; i < d; i++) {
      let sum = -means[mean + i]!
      for (let j = 0; j <= i; j++) sum += whitening[at++]! * value[j]!
      total += sum * sum
    }
    return Math.sqrt(total)
  }
}
