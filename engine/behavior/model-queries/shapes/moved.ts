/**
 * Whether a picture is an earlier one moved, turned, stretched or made brighter: so more is made of one for training, for a surer answer, and to
 * tell by the answers whether a model was trained on it (Choquette-Choo et al. 2021, translations and rotations).
 *
 * The earlier one is laid over it by what moves it best, whole pixels first and then an affine map by Gauss and Newton (Lucas and Kanade 1981),
 * and what is left of their difference is looked at. Pure.
 */

/** Pictures are compared at so many pixels a side; larger ones are made smaller. */
const side = 8
export const pixels = side * side
/** Longest side of a picture that is looked at. */
const sideMax = 64
const channelsOfColor = 3
const steps = 5
/** Of the trace of the normal equations: moves that the picture hardly tells of stay small, turning and stretching more so. */
const damping = [0.001, 0.001, 0.03, 0.03, 0.03, 0.03]
const unknowns = damping.length
/** The furthest that a picture is moved, in pixels, turned or stretched, and the most that it becomes brighter, as a factor. */
const moveMax = 2
const turnMax = 0.35
const brighterMax = 1.4
/** How far past its outermost pixels, in pixels, it still shows what these do. */
const edge = 0.05
/** Fewest pixels that both show. */
const sharedMin = pixels / 2

/**
 * Makes a picture of `values` (one channel, or three of color, rows from the top) in `into`; how much further apart than these two inputs are, in the
 * mean. 0: it is none, or too small.
 */
export function pictureOf(values: ArrayLike<number>, into: Float64Array): number {
  const channels = Number.isInteger(Math.sqrt(values.length)) ? 1 : channelsOfColor
  const width = Math.sqrt(values.length / channels)
  if (!Number.isInteger(width) || width < side || width > sideMax) return 0
  const isMixed = channels > 1 && roughness(values, channels) < roughness(values, 1)
  const [next, plane] = isMixed ? [channels, 1] : [1, width * width]
  const part = width / side
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      let [sum, weights] = [0, 0]
      for (let y = Math.floor(row * part); y < (row + 1) * part; y++) {
        const high = Math.min(y + 1, (row + 1) * part) - Math.max(y, row * part)
        for (let x = Math.floor(column * part); x < (column + 1) * part; x++) {
          const weight = high * (Math.min(x + 1, (column + 1) * part) - Math.max(x, column * part))
          for (let channel = 0; channel < channels; channel++)
            sum += weight * values[(y * width + x) * next + channel * plane]!
          weights += weight
        }
      }
      into[row * side + column] = sum / (weights * channels)
    }
  }
  return part * Math.sqrt(channels)
}

/** How unlike values are that are so far from each other. */
function roughness(values: ArrayLike<number>, apart: number): number {
  let sum = 0
  for (let n = apart; n < values.length; n++) sum += Math.abs(values[n]! - values[n - apart]!)
  return sum
}

/** The move at hand: down, right, and what of each row and column (from the middle) is added to these. */
const move = new Float64Array(unknowns)
const sampled = new Float64Array(pixels)
const slopeDown = new Float64Array(pixels)
const slopeRight = new Float64Array(pixels)
const isShared = new Uint8Array(pixels)
const normal = new Float64Array(unknowns * unknowns)
const wanted = new Float64Array(unknowns)
const row = new Float64Array(unknowns)

/** Moves by whole pixels: down, right. */
export const wholeMoves = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right] as const))
export type WholeMove = (typeof wholeMoves)[number]

/** Square of how far a picture is from an earlier one that is moved by whole pixels, in the mean of those that both show. */
export function leftByWhole(x: Float64Array, from: Float64Array, [down, right]: WholeMove): number {
  let [sum, count] = [0, 0]
  for (let y = Math.max(0, -down); y < Math.min(side, side - down); y++) {
    for (let at = Math.max(0, -right); at < Math.min(side, side - right); at++) {
      sum += (x[y * side + at]! - from[(y + down) * side + at + right]!) ** 2
      count++
    }
  }
  return sum / count
}

/** How far it is from an earlier one that is moved as fits best, from such a move on, for all pixels; stops where it is less than `near`. */
export function leftWhenMoved(x: Float64Array, from: Float64Array, [down, right]: WholeMove, near: number): number {
  move.fill(0)
  move[0] = down
  move[1] = right
  let least = Infinity
  for (let step = 0; ; step++) {
    const left = compare(x, from)
    if (left < least) least = left
    if (least < near || step === steps || !improve(x)) return least
  }
}

let gain = 1

/** Samples the earlier one as it is moved; the root of the squares of what is left, for all pixels. */
function compare(x: Float64Array, from: Float64Array): number {
  const middle = (side - 1) / 2
  let [shared, both, own, all] = [0, 0, 0, 0]
  for (let y = 0, n = 0; y < side; y++) {
    for (let at = 0; at < side; at++, n++) {
      const [down, right] = [y - middle, at - middle]
      const atY = y + move[0]! + move[2]! * down + move[3]! * right
      const atX = at + move[1]! + move[4]! * down + move[5]! * right
      const [top, left] = [Math.floor(atY), Math.floor(atX)]
      isShared[n] = 0
      // What comes in over the edge nobody knows.
      if (!(atY >= -edge && atX >= -edge && atY <= side - 1 + edge && atX <= side - 1 + edge)) continue
      const [top0, top1] = [Math.max(0, top) * side, Math.min(side - 1, top + 1) * side]
      const [left0, left1] = [Math.max(0, left), Math.min(side - 1, left + 1)]
      const [a, b, c, d] = [from[top0 + left0]!, from[top0 + left1]!, from[top1 + left0]!, from[top1 + left1]!]
      const [fy, fx] = [atY - top, atX - left]
      const value = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
      sampled[n] = value
      slopeDown[n] = (c - a) * (1 - fx) + (d - b) * fx
      slopeRight[n] = (b - a) * (1 - fy) + (d - c) * fy
      isShared[n] = 1
      shared++
      both += value * x[n]!
      own += value * value
      all += x[n]! * x[n]!
    }
  }
  if (shared < sharedMin) return Infinity
  gain = own > 0 ? Math.min(brighterMax, Math.max(1 / brighterMax, both / own)) : 1
  return Math.sqrt((Math.max(0, all - 2 * gain * both + gain * gain * own) * pixels) / shared)
}

/** A step towards a better one; false: nothing moves it. */
function improve(x: Float64Array): boolean {
  normal.fill(0)
  wanted.fill(0)
  const middle = (side - 1) / 2
  for (let n = 0; n < pixels; n++) {
    if (isShared[n] === 0) continue
    const [down, right] = [Math.floor(n / side) - middle, (n % side) - middle]
    const [slopeY, slopeX] = [gain * slopeDown[n]!, gain * slopeRight[n]!]
    row[0] = slopeY
    row[1] = slopeX
    row[2] = slopeY * down
    row[3] = slopeY * right
    row[4] = slopeX * down
    row[5] = slopeX * right
    const left = x[n]! - gain * sampled[n]!
    for (let i = 0; i < unknowns; i++) {
      wanted[i]! += row[i]! * left
      for (let k = 0; k <= i; k++) normal[i * unknowns + k]! += row[i]! * row[k]!
    }
  }
  let trace = 0
  for (let i = 0; i < unknowns; i++) trace += normal[i * unknowns + i]!
  if (!(trace > 0)) return false
  for (let i = 0; i < unknowns; i++) {
    const held = damping[i]! * trace
    normal[i * unknowns + i]! += held
    if (i > 1) wanted[i]! -= held * move[i]!
  }
  solve()
  for (let i = 0; i < unknowns; i++) {
    const most = i > 1 ? turnMax : moveMax
    move[i] = Math.min(most, Math.max(-most, move[i]! + wanted[i]!))
  }
  return true
}

/** By Cholesky's factors, in place; what is wanted becomes what solves it. */
function solve(): void {
  for (let i = 0; i < unknowns; i++) {
    for (let k = 0; k <= i; k++) {
      let sum = normal[i * unknowns + k]!
      for (let m = 0; m < k; m++) sum -= normal[i * unknowns + m]! * normal[k * unknowns + m]!
      normal[i * unknowns + k] = i === k ? Math.sqrt(sum) : sum / normal[k * unknowns + k]!
    }
  }
  for (let i = 0; i < unknowns; i++) {
    for (let m = 0; m < i; m++) wanted[i]! -= normal[i * unknowns + m]! * wanted[m]!
    wanted[i]! /= normal[i * unknowns + i]!
  }
  for (let i = unknowns - 1; i >= 0; i--) {
    for (let m = i + 1; m < unknowns; m++) wanted[i]! -= normal[m * unknowns + i]! * wanted[m]!
    wanted[i]! /= normal[i * unknowns + i]!
  }
}
