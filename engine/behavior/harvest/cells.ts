/**
 * A coarse partition of the prompts that a model is asked: cells about the means of honest prompts. Pure, and the same
 * from run to run.
 *
 * Lloyd's algorithm (1982), begun as k-means++ is (Arthur and Vassilvitskii 2007), with a fixed sequence in place of chance.
 */

export const cellsCount = 32
const rounds = 4
const leanRounds = 3
const goldenRatio = (Math.sqrt(5) - 1) / 2

export class Cells {
  readonly length: number
  readonly centers: readonly Float64Array[]
  /** All centers, one after the other, each with zeros up to a multiple of four; and half the squared length of each. */
  readonly #flat: Float64Array
  readonly #stride: number
  readonly #halves: readonly number[]
  readonly #room: Float64Array

  constructor(centers: readonly Float64Array[]) {
    this.centers = centers
    this.length = centers[0]?.length ?? 0
    this.#stride = 4 * Math.ceil(this.length / 4)
    this.#flat = new Float64Array(this.#stride * centers.length)
    centers.forEach((center, n) => this.#flat.set(center, n * this.#stride))
    this.#halves = centers.map((center) => center.reduce((sum, value) => sum + value * value, 0) / 2)
    this.#room = new Float64Array(this.#stride)
  }

  /** The cell that a prompt of this length falls into once `lean` is taken off. */
  of(x: Float64Array, lean: Float64Array | undefined): number {
    const room = this.#room
    const flat = this.#flat
    const stride = this.#stride
    for (let k = 0; k < this.length; k++) room[k] = lean === undefined ? x[k]! : x[k]! - lean[k]!
    let best = 0
    let most = -Infinity
    // Four sums side by side: in one, each product waits for the one before.
    for (let n = 0, at = 0; n < this.#halves.length; n++) {
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      for (let k = 0; k < stride; k += 4, at += 4) {
        s0 += room[k]! * flat[at]!
        s1 += room[k + 1]! * flat[at + 1]!
        s2 += room[k + 2]! * flat[at + 2]!
        s3 += room[k + 3]! * flat[at + 3]!
      }
      const score = s0 + s1 + (s2 + s3) - this.#halves[n]!
      if (score <= most) continue
      most = score
      best = n
    }
    return best
  }
}

/** Of at least one prompt; all of one length. */
export function learnCells(prompts: readonly Float64Array[]): Cells {
  let cells = new Cells(begin(prompts))
  for (let round = 0; round < rounds; round++) cells = new Cells(meansOf(prompts, cells))
  return cells
}

/** Each next center is drawn with the squared distance to those before it. */
function begin(prompts: readonly Float64Array[]): Float64Array[] {
  const centers = [prompts[Math.floor(goldenRatio * prompts.length)]!]
  const apart = prompts.map((x) => squaredDistance(x, centers[0]!))
  while (centers.length < Math.min(cellsCount, prompts.length)) {
    let left = ((centers.length * goldenRatio) % 1) * apart.reduce((sum, each) => sum + each, 0)
    const drawn = apart.findIndex((each) => (left -= each) < 0)
    const center = prompts[Math.max(0, drawn)]!
    centers.push(center)
    for (let n = 0; n < prompts.length; n++) apart[n] = Math.min(apart[n]!, squaredDistance(prompts[n]!, center))
  }
  return centers
}

/** A cell that nobody falls into stays where it is. */
function meansOf(prompts: readonly Float64Array[], cells: Cells): Float64Array[] {
  const sums = cells.centers.map(({ length }) => new Float64Array(length))
  const counts = cells.centers.map(() => 0)
  for (const x of prompts) {
    const cell = cells.of(x, undefined)
    const sum = sums[cell]!
    counts[cell]!++
    for (let k = 0; k < sum.length; k++) sum[k]! += x[k]!
  }
  return sums.map((sum, n) => (counts[n] === 0 ? cells.centers[n]! : sum.map((value) => value / counts[n]!)))
}

/** What all these prompts have in common beside where they are: how far off the centers of their cells they are in the mean. */
export function leanOf(prompts: readonly Float64Array[], cells: Cells): Float64Array {
  let lean = new Float64Array(cells.length)
  for (let round = 0; round < leanRounds; round++) {
    const sum = new Float64Array(cells.length)
    for (const x of prompts) {
      const center = cells.centers[cells.of(x, lean)]!
      for (let k = 0; k < sum.length; k++) sum[k]! += x[k]! - center[k]!
    }
    lean = sum.map((value) => value / prompts.length)
  }
  return lean
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let n = 0; n < b.length; n++) sum += (a[n]! - b[n]!) ** 2
  return sum
}
