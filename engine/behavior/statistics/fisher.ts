/** Fisher's exact test of two rates (Fisher 1935). */
import { logChoose } from './evidence.ts'

/** One-sided: at least `hitsA` of the hits among A, were they spread by chance (hypergeometric tail). */
export function fisher(hitsA: number, askedA: number, hitsB: number, askedB: number): number {
  const hits = hitsA + hitsB
  const all = logChoose(askedA + askedB, hits)
  let sum = 0
  for (let k = hitsA; k <= Math.min(askedA, hits); k++) {
    if (hits - k <= askedB) sum += Math.exp(logChoose(askedA, k) + logChoose(askedB, hits - k) - all)
  }
  return Math.min(1, sum)
}
