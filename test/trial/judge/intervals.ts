/** The arithmetic of the judge: exact intervals of a share, and order statistics. */

/** ln Γ(x), Lanczos with g = 7. */
function logGamma(x: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ]
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum = terms[0]!
  for (let n = 1; n < terms.length; n++) sum += terms[n]! / (x - 1 + n)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** P(X <= k) for X of the binomial distribution. */
export function binomialAtMost(k: number, n: number, p: number): number {
  if (k >= n) return 1
  if (p <= 0) return 1
  if (p >= 1) return 0
  let sum = 0
  for (let i = 0; i <= k; i++) {
    const ways = logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1)
    sum += Math.exp(ways + i * Math.log(p) + (n - i) * Math.log1p(-p))
  }
  return Math.min(1, sum)
}

/** Clopper and Pearson 1934: the exact interval of a share. */
export function exactInterval(hits: number, of: number, confidence = 0.95): readonly [number, number] {
  if (of === 0) return [0, 1]
  const tail = (1 - confidence) / 2
  const low = hits === 0 ? 0 : solve((p) => 1 - binomialAtMost(hits - 1, of, p) - tail)
  const high = hits === of ? 1 : solve((p) => tail - binomialAtMost(hits, of, p))
  return [low, high]
}

/** Where an increasing function crosses zero, between 0 and 1. */
function solve(of: (p: number) => number): number {
  let [low, high] = [0, 1]
  for (let n = 0; n < 60; n++) {
    const middle = (low + high) / 2
    if (of(middle) < 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The middle value; of an even number, the mean of the two. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1
    ? sorted[half]
    : sorted.length === 0
      ? undefined
      : (sorted[half - 1]! + sorted[half]!) / 2
}
