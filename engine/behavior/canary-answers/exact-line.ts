/**
 * How much evidence an examination of known length asks for, exactly.
 *
 * An e-value that passes 1 in a thousand is right however long one goes on (Ville 1939), and pays for that: most of what it
 * crosses the line by is wasted, and nobody asks for ever. Where it is known beforehand how many answers there will be at most,
 * and no guess is likelier than `chance`, the evidence after n answers depends on n and on the hits alone; the probability that
 * it ever reaches a line is a walk on a lattice, summed here to the last term. The line is the lowest one that a model which
 * guesses all reaches with at most the probability asked for, at whichever answer one looks. At the last answer nothing is to be
 * kept for later, so less evidence does: more models are told at the end, none later (compare Wang and Tsiatis 1987).
 *
 * Pure. A model that hits less often than `chance` reaches it more seldom still: hits only add evidence.
 */

/** Shares of the canaries that a derived model may know; mixed evenly. */
export const shares = [0.1, 0.2, 0.35, 0.6, 0.9] as const
/** Longest examination that is summed exactly: its square is the cost. */
export const plannedMax = 200

/** By how much less evidence does at the last answer, as a logarithm. */
const lastGain = 1

/** log of the mixed likelihood ratio of "knows a share, guesses the rest" against "guesses all", after these answers. */
export function logEvidence(answers: number, hits: number, chance: number): number {
  const logs = shares.map((share) => {
    const knowing = share + (1 - share) * chance
    return hits * Math.log(knowing / chance) + (answers - hits) * Math.log((1 - knowing) / (1 - chance))
  })
  return logMean(logs)
}

export function logMean(logs: readonly number[]): number {
  const most = Math.max(...logs)
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length)
}

/** The evidence that is held against the line at this answer. */
export function standing({ planned, chance }: Examination, answers: number, hits: number): number {
  return logEvidence(answers, hits, chance) + (answers === planned ? lastGain : 0)
}

export interface Examination {
  /** Answers at most. */
  readonly planned: number
  /** Of a guess, at most. */
  readonly chance: number
  /** Answers before anything is said. */
  readonly from: number
}

/** Probability that evidence of at least `logLine` is reached by guessing alone, at any answer. */
export function reachedByGuessing(examination: Examination, logLine: number): number {
  const { planned, chance, from } = examination
  let on = [1]
  let reached = 0
  for (let answers = 1; answers <= planned; answers++) {
    const next = new Array<number>(answers + 1).fill(0)
    for (const [hits, p] of on.entries()) {
      next[hits]! += p * (1 - chance)
      next[hits + 1]! += p * chance
    }
    if (answers >= from) {
      for (const [hits, p] of next.entries()) {
        if (p === 0 || standing(examination, answers, hits) < logLine) continue
        reached += p
        next[hits] = 0
      }
    }
    on = next
  }
  return reached
}

const lines = new Map<string, number>()
const linesMax = 100

/** The lowest line that guessing reaches with at most this probability; a cache over a pure function. */
export function exactLine(examination: Examination, significance: number): number {
  const { planned, chance, from } = examination
  const key = `${planned} ${chance} ${from} ${significance}`
  const known = lines.get(key)
  if (known !== undefined) return known
  // Ville's line, with what the last answer gains, is high enough; 40 halvings of what lies below it are finer than the lattice.
  let [low, high] = [0, lastGain - Math.log(significance)]
  for (let n = 0; n < 40; n++) {
    const middle = (low + high) / 2
    if (reachedByGuessing(examination, middle) <= significance) high = middle
    else low = middle
  }
  if (lines.size >= linesMax) lines.clear()
  lines.set(key, high)
  return high
}
