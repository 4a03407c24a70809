/**
 * A small world to generate traffic in: classes of inputs with correlated values, as images and tables have them, and a
 * model over them that answers with probabilities. Repeatable by its seed.
 */
import { normalOf, randomOf } from '../random.ts'

export type Input = readonly number[]

export interface World {
  readonly dimension: number
  readonly classes: number
  readonly random: () => number
  readonly normal: () => number
  /** An input as honest use has them; of this class, or of any. */
  honest(label?: number): number[]
  /** What the model answers. */
  answer(x: Input): { readonly probs: number[]; readonly label: number; readonly margin: number }
  /** Of the logarithm of a class's probability: where to go for more of it. */
  gradient(label: number): Input
}

export interface WorldOptions {
  readonly seed: number
  readonly dimension: number
  readonly classes: number
  /** Share of the values that are always 0, as the background of an image. */
  readonly blank?: number
  /** How far classes lie apart, in standard deviations. */
  readonly apart?: number
}

export function worldOf({ seed, dimension: d, classes, blank = 0, apart = 3 }: WorldOptions): World {
  const random = randomOf(seed)
  const normal = normalOf(random)
  const causes = Math.max(2, Math.round(d / 5))
  const used = Array.from({ length: d }, () => random() >= blank)
  const loadings = used.map((is) =>
    Array.from({ length: causes }, () => (is ? (0.12 * normal()) / Math.sqrt(causes / 3) : 0)),
  )
  const means = Array.from({ length: classes }, () => used.map((is) => (is ? 0.5 + 0.06 * apart * normal() : 0)))
  const middle = used.map((_, i) => means.reduce((sum, mean) => sum + mean[i]!, 0) / classes)
  const weights = means.map((mean) => mean.map((value, i) => (value - middle[i]!) / 0.02))
  const offsets = means.map(
    (mean, c) =>
      -0.5 *
      dot(
        weights[c]!,
        mean.map((value, i) => value + middle[i]!),
      ),
  )
  const honest = (label = Math.floor(random() * classes)): number[] => {
    const z = Array.from({ length: causes }, normal)
    return used.map((is, i) => (is ? clipped(means[label]![i]! + dot(loadings[i]!, z) + 0.02 * normal()) : 0))
  }
  const answer: World['answer'] = (x) => {
    const logits = weights.map((row, c) => (dot(row, x) + offsets[c]!) / Math.sqrt(d))
    const most = Math.max(...logits)
    const shares = logits.map((logit) => Math.exp(logit - most))
    const total = shares.reduce((sum, share) => sum + share, 0)
    const probs = shares.map((share) => rounded(share / total, 1e6))
    const [first, second] = [...probs].sort((a, b) => b - a) as [number, number]
    return { probs, label: probs.indexOf(first), margin: first - second }
  }
  return { dimension: d, classes, random, normal, honest, answer, gradient: (label) => weights[label]! }
}

export function dot(a: Input, b: Input): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export function clipped(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : rounded(value, 1e5)
}

/** The point at the share `t` of the way from one input to another. */
export function between(a: Input, b: Input, t: number): number[] {
  return a.map((value, i) => clipped(value + t * (b[i]! - value)))
}

function rounded(value: number, by: number): number {
  return Math.round(value * by) / by
}
