/**
 * What accounts with prompts of one kind get for them: answers longer than others get, and prompts more various than others'.
 *
 * Who trains another model on answers buys text (Hinton et al. 2015), and asks for all that the model can do. Each call is a bet: an honest kind's answers are
 * longer than those of `shares` of all others with the square root of that, as an honest account's are (docs/detectors.md). Pure.
 */
import { betOn, evidenceOfBets, settle } from '../bets.ts'

/** Shares of others' answers that are as long. */
const shares = [0.2, 0.05] as const
const allowed = shares.map((share) => Math.sqrt(share))
const bets = allowed.map((share) =>
  [2.5, 5].map((times) => betOn((times * share) / (1 - share + times * share), share)),
)
const logMost = 40
/** Fewest other accounts, and answers of each, to compare with. */
const othersMin = 4
const answersMin = 4
/** Of the others whose prompts are the most various, this share does not count; fewest to compare with. */
const variousShare = 0.1
const variousMin = 8

export interface GatheredJson {
  readonly lines?: readonly number[]
  readonly logs: readonly (readonly number[])[]
  readonly isBroad: boolean
}

export class Gathered {
  #lines: readonly number[] | undefined
  readonly #logs: number[][]
  isBroad: boolean

  constructor({ lines, logs, isBroad }: GatheredJson = { logs: [], isBroad: false }) {
    this.#lines = lines
    this.#logs = shares.map((_, n) => [...(logs[n] ?? [])])
    this.isBroad = isBroad
  }

  /** That its answers are long. */
  get evidence(): number {
    return evidenceOfBets(this.#logs.flat())
  }

  /** Tokens of an answer and of its prompt. */
  take(answer: number | undefined, prompt: number | undefined): void {
    if (this.#lines === undefined || answer === undefined) return
    for (const [n, line] of this.#lines.entries())
      settle(this.#logs[n]!, bets[n]!, answer > line && answer > (prompt ?? 0), logMost)
  }

  /** What others get and ask: the last answers of each, each with the same say; how various the prompts are. */
  learn(
    answers: readonly (readonly number[])[],
    { own, others }: { readonly own: number; readonly others: readonly number[] },
  ): void {
    const known = answers.filter(({ length }) => length >= answersMin)
    this.#lines = known.length < othersMin ? undefined : shares.map((share) => lineOf(known, share))
    const sorted = [...others].sort((a, b) => b - a)
    this.isBroad = sorted.length >= variousMin && own >= sorted[Math.floor(variousShare * sorted.length)]!
  }

  toJSON(): GatheredJson {
    return { ...(this.#lines === undefined ? {} : { lines: this.#lines }), logs: this.#logs, isBroad: this.isBroad }
  }
}

function lineOf(accounts: readonly (readonly number[])[], share: number): number {
  const weighted = accounts
    .flatMap((answers) => answers.map((tokens): [number, number] => [tokens, 1 / answers.length / accounts.length]))
    .sort(([a], [b]) => b - a)
  let sum = 0
  for (const [tokens, weight] of weighted) if ((sum += weight) >= share) return tokens
  return weighted.at(-1)![0]
}
