/** The little vector arithmetic that victims, customers and attacks share. */

export type Input = readonly number[]

export function dot(a: Input, b: Input): number {
  let sum = 0
  for (let n = 0; n < a.length; n++) sum += a[n]! * b[n]!
  return sum
}

export function norm(a: Input): number {
  return Math.sqrt(dot(a, a))
}

export function distance(a: Input, b: Input): number {
  let sum = 0
  for (let n = 0; n < a.length; n++) sum += (a[n]! - b[n]!) ** 2
  return Math.sqrt(sum)
}

/** a + t · b */
export function plus(a: Input, b: Input, t = 1): number[] {
  return a.map((value, n) => value + t * b[n]!)
}

/** The point at the share `t` of the way from a to b. */
export function between(a: Input, b: Input, t: number): number[] {
  return a.map((value, n) => value + t * (b[n]! - value))
}

export function scaledTo(a: Input, length: number): number[] {
  const by = length / (norm(a) || 1)
  return a.map((value) => value * by)
}

export function softmax(logits: Input): number[] {
  const most = Math.max(...logits)
  const shares = logits.map((logit) => Math.exp(logit - most))
  const total = shares.reduce((sum, share) => sum + share, 0)
  return shares.map((share) => share / total)
}

export function argmax(values: Input): number {
  let best = 0
  for (let n = 1; n < values.length; n++) if (values[n]! > values[best]!) best = n
  return best
}

/** Between the two best classes. */
export function margin(probs: Input): number {
  const [first = 0, second = 0] = [...probs].sort((a, b) => b - a)
  return first - second
}

export function rounded(value: number, by = 1e5): number {
  return Math.round(value * by) / by
}
