/**
 * Models that learn in a second: as victims, as a thief's copies, and as the copies that a leak account is judged by.
 *
 * Targets are distributions over classes; a label alone is a distribution with a 1 in it.
 */
import type { Dice } from '../dice.ts'
import { argmax, distance, dot, softmax, type Input } from './numbers.ts'

export interface Learned {
  probs(x: Input): number[]
}

/** A model whose answers can be differentiated with regard to the input. */
export interface Differentiable extends Learned {
  /** Of the logarithm of a class's probability. */
  gradient(x: Input, label: number): number[]
}

export function oneHot(label: number, classes: number): number[] {
  return Array.from({ length: classes }, (_, c) => (c === label ? 1 : 0))
}

/** Multinomial logistic regression, by AdaGrad. */
export function logistic(xs: readonly Input[], targets: readonly Input[], dice: Dice, passes = 30): Differentiable {
  const [d, k] = [xs[0]!.length, targets[0]!.length]
  const weights = Array.from({ length: k }, () => new Float64Array(d + 1))
  const squares = Array.from({ length: k }, () => new Float64Array(d + 1).fill(1e-6))
  const logitsOf = (x: Input): number[] =>
    weights.map((row) => {
      let sum = row[d]!
      for (let i = 0; i < d; i++) sum += row[i]! * x[i]!
      return sum
    })
  const order = xs.map((_, n) => n)
  for (let pass = 0; pass < passes; pass++) {
    for (const n of dice.shuffled(order)) {
      const x = xs[n]!
      const shares = softmax(logitsOf(x))
      for (let c = 0; c < k; c++) {
        const error = shares[c]! - targets[n]![c]!
        if (Math.abs(error) < 1e-4) continue
        const [row, square] = [weights[c]!, squares[c]!]
        for (let i = 0; i <= d; i++) {
          const slope = error * (i < d ? x[i]! : 1) + 1e-5 * row[i]!
          square[i]! += slope * slope
          row[i]! -= (0.25 * slope) / Math.sqrt(square[i]!)
        }
      }
    }
  }
  const probs = (x: Input): number[] => softmax(logitsOf(x))
  return {
    probs,
    gradient: (x, label) => {
      const shares = probs(x)
      return x.map((_, i) => {
        let sum = weights[label]![i]!
        for (let c = 0; c < k; c++) sum -= shares[c]! * weights[c]![i]!
        return sum
      })
    },
  }
}

/** One hidden layer of tanh, by Adam in batches of 16. */
export function network(
  xs: readonly Input[],
  targets: readonly Input[],
  dice: Dice,
  { hidden = 24, passes = 40, rate = 0.01 } = {},
): Differentiable {
  const [d, k] = [xs[0]!.length, targets[0]!.length]
  const w1 = Float64Array.from(dice.normals(hidden * d, 1 / Math.sqrt(d)))
  const w2 = Float64Array.from(dice.normals(k * hidden, 1 / Math.sqrt(hidden)))
  const [b1, b2] = [new Float64Array(hidden), new Float64Array(k)]
  const parameters = [w1, w2, b1, b2]
  const slopes = parameters.map((each) => new Float64Array(each.length))
  const firsts = parameters.map((each) => new Float64Array(each.length))
  const seconds = parameters.map((each) => new Float64Array(each.length))
  const [g1, g2, gb1, gb2] = slopes as [Float64Array, Float64Array, Float64Array, Float64Array]
  const h = new Float64Array(hidden)
  const forward = (x: Input): number[] => {
    for (let j = 0; j < hidden; j++) {
      let sum = b1[j]!
      for (let i = 0, at = j * d; i < d; i++) sum += w1[at + i]! * x[i]!
      h[j] = Math.tanh(sum)
    }
    return softmax(
      Array.from(b2, (start, c) => {
        let sum = start
        for (let j = 0, at = c * hidden; j < hidden; j++) sum += w2[at + j]! * h[j]!
        return sum
      }),
    )
  }
  let steps = 0
  const order = xs.map((_, n) => n)
  for (let pass = 0; pass < passes; pass++) {
    const shuffled = dice.shuffled(order)
    for (let from = 0; from < shuffled.length; from += 16) {
      for (const slope of slopes) slope.fill(0)
      for (const n of shuffled.slice(from, from + 16)) {
        const x = xs[n]!
        const shares = forward(x)
        const errors = shares.map((share, c) => share - targets[n]![c]!)
        for (let c = 0; c < k; c++) {
          gb2[c]! += errors[c]!
          for (let j = 0, at = c * hidden; j < hidden; j++) g2[at + j]! += errors[c]! * h[j]!
        }
        for (let j = 0; j < hidden; j++) {
          let back = 0
          for (let c = 0; c < k; c++) back += errors[c]! * w2[c * hidden + j]!
          back *= 1 - h[j]! * h[j]!
          gb1[j]! += back
          for (let i = 0, at = j * d; i < d; i++) g1[at + i]! += back * x[i]!
        }
      }
      steps++
      const [fix1, fix2] = [1 - 0.9 ** steps, 1 - 0.999 ** steps]
      for (const [p, parameter] of parameters.entries()) {
        const [slope, first, second] = [slopes[p]!, firsts[p]!, seconds[p]!]
        for (let i = 0; i < parameter.length; i++) {
          const value = slope[i]! / 16
          first[i] = 0.9 * first[i]! + 0.1 * value
          second[i] = 0.999 * second[i]! + 0.001 * value * value
          parameter[i]! -= (rate * (first[i]! / fix1)) / (Math.sqrt(second[i]! / fix2) + 1e-8)
        }
      }
    }
  }
  return {
    probs: forward,
    gradient: (x, label) => {
      const shares = forward(x)
      const backs = Array.from(h, (value, j) => {
        let back = w2[label * hidden + j]!
        for (let c = 0; c < k; c++) back -= shares[c]! * w2[c * hidden + j]!
        return back * (1 - value * value)
      })
      return x.map((_, i) => backs.reduce((sum, back, j) => sum + back * w1[j * d + i]!, 0))
    },
  }
}

interface Node {
  readonly column: number
  readonly line: number
  readonly below: Node | readonly number[]
  readonly above: Node | readonly number[]
}

/** Trees that split at random lines, the best of a few, over bootstrapped rows. */
export function forest(xs: readonly Input[], targets: readonly Input[], dice: Dice, trees = 40, depth = 10): Learned {
  const all = Array.from({ length: trees }, () => {
    const rows = xs.map(() => dice.int(0, xs.length - 1))
    return grown(xs, targets, rows, dice, depth)
  })
  return {
    probs: (x) => {
      const sum = targets[0]!.map(() => 0)
      for (const tree of all) for (const [c, share] of leafOf(tree, x).entries()) sum[c]! += share / trees
      return sum
    },
  }
}

function leafOf(tree: Node | readonly number[], x: Input): readonly number[] {
  let at = tree
  while ('column' in at) at = x[at.column]! < at.line ? at.below : at.above
  return at
}

function grown(
  xs: readonly Input[],
  targets: readonly Input[],
  rows: readonly number[],
  dice: Dice,
  depth: number,
): Node | readonly number[] {
  const shares = sharesOf(targets, rows)
  if (depth === 0 || rows.length < 4 || Math.max(...shares) > 0.999) return shares
  let best: { cost: number; column: number; line: number } | undefined
  const tries = Math.max(4, Math.ceil(1.5 * Math.sqrt(xs[0]!.length)))
  for (let attempt = 0; attempt < tries; attempt++) {
    const column = dice.int(0, xs[0]!.length - 1)
    const line = dice.between(xs[dice.pick(rows)]![column]!, xs[dice.pick(rows)]![column]!)
    const [below, above] = split(xs, rows, column, line)
    if (below.length === 0 || above.length === 0) continue
    const cost = below.length * impurity(targets, below) + above.length * impurity(targets, above)
    if (best === undefined || cost < best.cost) best = { cost, column, line }
  }
  if (best === undefined) return shares
  const [below, above] = split(xs, rows, best.column, best.line)
  return {
    column: best.column,
    line: best.line,
    below: grown(xs, targets, below, dice, depth - 1),
    above: grown(xs, targets, above, dice, depth - 1),
  }
}

function split(xs: readonly Input[], rows: readonly number[], column: number, line: number): [number[], number[]] {
  const below: number[] = []
  const above: number[] = []
  for (const row of rows) (xs[row]![column]! < line ? below : above).push(row)
  return [below, above]
}

function sharesOf(targets: readonly Input[], rows: readonly number[]): number[] {
  const sum = targets[0]!.map(() => 0)
  for (const row of rows) for (let c = 0; c < sum.length; c++) sum[c]! += targets[row]![c]! / rows.length
  return sum
}

function impurity(targets: readonly Input[], rows: readonly number[]): number {
  const shares = sharesOf(targets, rows)
  return 1 - dot(shares, shares)
}

export function neighbors(xs: readonly Input[], targets: readonly Input[], count: number): Learned {
  return {
    probs: (x) => {
      const near: { far: number; row: number }[] = []
      for (let row = 0; row < xs.length; row++) {
        const far = distance(xs[row]!, x)
        if (near.length === count && far >= near[count - 1]!.far) continue
        near.push({ far, row })
        near.sort((a, b) => a.far - b.far)
        if (near.length > count) near.pop()
      }
      return sharesOf(
        targets,
        near.map(({ row }) => row),
      )
    },
  }
}

export function agreement(copy: Learned, xs: readonly Input[], labels: readonly number[]): number {
  return xs.filter((x, n) => argmax(copy.probs(x)) === labels[n]).length / xs.length
}
