/**
 * The directions in which a few vectors vary most: their first principal components, by orthogonal iteration from fixed
 * beginnings (Golub and Van Loan 2013, section 8.2.4). Pure.
 */

/** As many as natural inputs mostly vary in: digits are told apart along 16 as well as by all of their 64 values. */
export const axesMax = 16
const rounds = 12

/** Rows of unit vectors at right angles; none where vectors are short. */
export function principalAxes(rows: Float64Array, center: ArrayLike<number>, dimension: number): Float64Array {
  if (dimension <= 2 * axesMax) return new Float64Array(0)
  const centered = Float64Array.from(rows)
  for (let at = 0; at < centered.length; at++) centered[at]! -= center[at % dimension]!
  const axes = Float64Array.from({ length: axesMax * dimension }, (_, i) => Math.cos(1 + i * i * 0.7548776662466927))
  straighten(axes, dimension)
  for (let round = 0; round < rounds; round++) {
    for (let axis = 0; axis < axesMax; axis++)
      multiply(centered, axes.subarray(axis * dimension, (axis + 1) * dimension))
    straighten(axes, dimension)
  }
  return axes
}

/** In place: the vector times the covariance. */
function multiply(rows: Float64Array, vector: Float64Array): void {
  const d = vector.length
  const result = new Float64Array(d)
  for (let at = 0; at < rows.length; at += d) {
    let dot = 0
    for (let i = 0; i < d; i++) dot += rows[at + i]! * vector[i]!
    for (let i = 0; i < d; i++) result[i]! += dot * rows[at + i]!
  }
  vector.set(result)
}

/** Gram and Schmidt, twice over; a direction in which nothing is left becomes 0, which is at right angles to all. */
function straighten(axes: Float64Array, d: number): void {
  for (let axis = 0; axis < axes.length; axis += d) {
    for (let again = 0; again < 2; again++) {
      for (let other = 0; other < axis; other += d) {
        let dot = 0
        for (let i = 0; i < d; i++) dot += axes[axis + i]! * axes[other + i]!
        for (let i = 0; i < d; i++) axes[axis + i]! -= dot * axes[other + i]!
      }
      let squares = 0
      for (let i = 0; i < d; i++) squares += axes[axis + i]! ** 2
      const by = squares > 1e-18 ? 1 / Math.sqrt(squares) : 0
      for (let i = 0; i < d; i++) axes[axis + i]! *= by
    }
  }
}
