/**
 * Evidence against a rate that is usual, gathered outcome by outcome.
 *
 * Under the hypothesis that hits come with a probability of at most `usual`, each factor has an expectation of at most one.
 * Started once, the product is an e-process: it ever reaches `c` with a probability of at most 1/c (Ville 1939). Held at one
 * from below, as here, it is an e-detector: a change is found whenever it comes, and the mean number of outcomes before a
 * false alarm is at least `c` (Lorden 1971; Shin, Ramdas and Rinaldo 2022).
 */

/** How many times the usual rate the bet is placed on. */
const ratio = 5

/** The evidence after one more outcome, as a natural logarithm, at least 0. */
export function gather(evidence: number, hit: boolean, usual: number): number {
  const supposed = Math.min(0.5 + usual / 2, ratio * usual)
  const step = hit ? Math.log(supposed / usual) : Math.log((1 - supposed) / (1 - usual))
  return Math.max(0, evidence + step)
}

/** log of the probability of at least `hits` of `trials` at a rate (exact binomial tail). */
export function logBinomialTail(hits: number, trials: number, rate: number): number {
  if (hits <= 0) return 0
  if (hits > trials || rate <= 0) return -Infinity
  if (rate >= 1) return 0
  let term = logChoose(trials, hits) + hits * Math.log(rate) + (trials - hits) * Math.log1p(-rate)
  let most = term
  const terms = [term]
  for (let k = hits; k < trials; k++) {
    term += Math.log(((trials - k) / (k + 1)) * (rate / (1 - rate)))
    terms.push(term)
    most = Math.max(most, term)
    if (term < most - 40) break
  }
  return Math.min(0, most + Math.log(terms.reduce((sum, each) => sum + Math.exp(each - most), 0)))
}

export function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

const factorials: number[] = [0]

export function logFactorial(n: number): number {
  if (n > 10_000) return stirling(n)
  while (factorials.length <= n) factorials.push(factorials.at(-1)! + Math.log(factorials.length))
  return factorials[n]!
}

/** Of ln n!, to about 1e-12 where it is used. */
function stirling(n: number): number {
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3)
}
