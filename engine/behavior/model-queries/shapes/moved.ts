/**
 * Whether a picture is an earlier one moved, turned, stretched or made brighter: so more is made of one for training,
 * for a surer answer, and to tell by the answers whether a model was trained on it (Choquette-Choo et al. 2021,
 * translations and rotations).
 *
 * The earlier one is laid over it by what moves it best, whole pixels first and then an affine map by Gauss and Newton
 * (Lucas and Kanade 1981), and what is left of their difference is looked at. Pure.
 */

/** Pictures are compared at so many pixels a side; larger ones are made smaller. */
const side = 8
export const pixels = side * side
/** Longest side of a picture that is looked at. */
const sideMax = 64
const channelsOfColor = 3
/**
 * How far away, in times of what is near, it may still be by whole pixels, and after each step from there on: what is
 * further hardly ever comes to fit. Of pictures that are earlier ones moved, turned and stretched none was further by
 * half of that, where honest ones are as unlike as digits.
 */
const leftMost = [8, 6, 5, 4, 2, 1]
/**
 * So many places to begin at are tried, those that fit best by whole pixels; and so many comparisons are made in all,
 * whoever asks.
 */
const startsMax = 4
const comparisonsMax = 14
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
 * Makes a picture of `values` (one channel, or three of color, rows from the top) in `into`; how much further apart
 * than these two inputs are, in the mean. 0: it is none, or too small.
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

/** Moves by whole pixels. */
const wholeMoves = [0, -1, 1].flatMap((down) => [0, -1, 1].map((right) => ({ down, right })))

/**
 * An earlier picture, by its place, moved by whole pixels; and the square of how far it is then, in the mean of the
 * pixels that both show.
 */
interface Start {
  readonly place: number
  readonly by: (typeof wholeMoves)[number]
  readonly left: number
}

/**
 * The places of those of the earlier ones that the picture is nearer to than `near`, for all pixels, when they are
 * moved as fits best.
 */
export function movedFromWhich(x: Float64Array, earlier: readonly Float64Array[], near: number): readonly number[] {
  const places = new Set<number>()
  let comparisons = 0
  for (const { place, by } of startsOf(x, earlier, (leftMost[0]! * near) ** 2 / pixels)) {
    move.fill(0)
    move[0] = by.down
    move[1] = by.right
    for (const most of leftMost) {
      if (places.has(place) || comparisons++ >= comparisonsMax) break
      const left = compare(x, earlier[place]!)
      if (left < near) places.add(place)
      else if (left > most * near || !improve(x)) break
    }
  }
  return [...places]
}

/** Those that are nearer than `most`, the nearest few, nearest first. */
function startsOf(x: Float64Array, earlier: readonly Float64Array[], most: number): readonly Start[] {
  const starts: Start[] = []
  for (let place = 0; place < earlier.length; place++) {
    for (const by of wholeMoves) {
      const left = leftByWhole(x, earlier[place]!, by.down, by.right, starts[startsMax - 1]?.left ?? most)
      if (left === Infinity) continue
      const at = starts.findIndex((other) => left < other.left)
      starts.splice(at < 0 ? starts.length : at, 0, { place, by, left })
      if (starts.length > startsMax) starts.pop()
    }
  }
  return starts
}

/** Infinity: it is not less than `most`. */
function leftByWhole(x: Float64Array, from: Float64Array, down: number, right: number, most: number): number {
  const count = (side - Math.abs(down)) * (side - Math.abs(right))
  let sum = 0
  for (let y = Math.max(0, -down); y < Math.min(side, side - down); y++) {
    for (let at = Math.max(0, -right); at < Math.min(side, side - right); at++) {
      const difference = x[y * side + at]! - from[(y + down) * side + at + right]!
      sum += difference * difference
    }
    if (sum >= most * count) return Infinity
  }
  return sum / count
}

let gain = 1

/** Samples the earlier one as it is moved; the root of the squares of what is left, for all pixels. */
function compare(x: Float64Array, from: Float64Array): number {
  const middle = (side - 1) / 2
  let [shared, both, own, all] = [0, 0, 0, 0]
  for (let y = 0, n = 0; y < side; y++) {
    for (let at = 0; at < side; at++, n++) {
      // Each number by itself: lists of them take most of the time here.
      const down = y - middle
      const right = at - middle
      const atY = y + move[0]! + move[2]! * down + move[3]! * right
      const atX = at + move[1]! + move[4]! * down + move[5]! * right
      isShared[n] = 0
      // What comes in over the edge nobody knows.
      if (!(atY >= -edge && atX >= -edge && atY <= side - 1 + edge && atX <= side - 1 + edge)) continue
      const top = Math.floor(atY)
      const left = Math.floor(atX)
      const top0 = Math.max(0, top) * side
      const top1 = Math.min(side - 1, top + 1) * side
      const left0 = Math.max(0, left)
      const left1 = Math.min(side - 1, left + 1)
      const a = from[top0 + left0]!
      const b = from[top0 + left1]!
      const c = from[top1 + left0]!
      const d = from[top1 + left1]!
      const fy = atY - top
      const fx = atX - left
      const value = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
      const shown = x[n]!
      sampled[n] = value
      slopeDown[n] = (c - a) * (1 - fx) + (d - b) * fx
      slopeRight[n] = (b - a) * (1 - fy) + (d - c) * fy
      isShared[n] = 1
      shared++
      both += value * shown
      own += value * value
      all += shown * shown
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
    const down = Math.floor(n / side) - middle
    const right = (n % side) - middle
    const slopeY = gain * slopeDown[n]!
    const slopeX = gain * slopeRight[n]!
    row[0] = slopeY
    row[1] = slopeX
    row[2] = slopeY * down
    row[3] = slopeY * right
    row[4] = slopeX * down
    row[5] = slopeX * right
    const left = x[n]! - gain * sampled[n]!
    for (let i = 0; i < unknowns; i++) {
      const own = row[i]!
      wanted[i]! += own * left
      for (let k = 0; k <= i; k++) normal[i * unknowns + k]! += own * row[k]!
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
