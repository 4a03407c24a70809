/**
 * What accounts with prompts of one kind get for them: answers longer than others get, and prompts more various than others'.
 *
 * Who trains another model on answers buys text (Hinton et al. 2015), and asks for all that the model can do. Each call
 * is a bet: an honest kind's answers are longer than those of `shares` of all others with the square root of that, as
 * an honest account's are (docs/detectors/account-crowd-evidence.md). Whose own answers are as long as others' rather
 * than as the members' gathers none. Pure.
 */
import { betOn, evidenceOfBets, settle } from '../../bets.ts'

/** Shares of others' answers that are as long. */
const shares = [0.2, 0.05] as const
const allowed = shares.map((share) => Math.sqrt(share))
const bets = allowed.map((share) =>
  [2.5, 5].map((times) => betOn((times * share) / (1 - share + times * share), share)),
)
const logMost = 40
/** No member's answers are taken to be long for sure. */
const mostShare = 0.95
/** Fewest other accounts, and answers of each, to compare with. */
const othersMin = 4
const answersMin = 4
/** What an account has a say of, in whole numbers: it is divided by each number of answers that is known of one, 4 to 8. */
const sayOfOne = 840
const keyStep = 16
/** Of the others whose prompts are the most various, this share does not count; fewest to compare with. */
const variousShare = 0.1
const variousMin = 8
/** How far members' means are apart, in multiples of what their scatter makes of it, where none has a subject of its own. */
const apartMost = 1.25
/** Of the others so many ask for more. */
const narrowShare = 0.9

export interface GatheredJson {
  readonly lines?: readonly number[]
  readonly logs: readonly (readonly number[])[]
  readonly isBroad: boolean
  /** States of before have neither. */
  readonly isOne?: boolean
  readonly isNarrow?: boolean
  /** Of each member, how many answers were long, and of how many; states of before have none. */
  readonly members?: readonly (readonly [principal: string, long: number, answers: number])[]
}

export class Gathered {
  #lines: readonly number[] | undefined
  readonly #logs: number[][]
  readonly #members: Map<string, [long: number, answers: number]>
  isBroad: boolean
  /** No member has a subject of its own. */
  isOne: boolean
  /** They ask for less than nearly all others do. */
  isNarrow: boolean

  constructor(
    { lines, logs, isBroad, isOne = false, isNarrow = true, members = [] }: GatheredJson = { logs: [], isBroad: false },
  ) {
    this.#lines = lines
    this.#members = new Map(members.map(([principal, long, answers]) => [principal, [long, answers]]))
    this.#logs = shares.map((_, n) => [...(logs[n] ?? [])])
    this.isBroad = isBroad
    this.isOne = isOne
    this.isNarrow = isNarrow
  }

  /** That its answers are long. */
  get evidence(): number {
    return evidenceOfBets(this.#logs.flat())
  }

  /** Tokens of an answer to a member, and of its prompt. */
  take(principal: string, answer: number | undefined, prompt: number | undefined): void {
    if (this.#lines === undefined || answer === undefined) return
    const own = this.#members.get(principal) ?? [0, 0]
    this.#members.set(principal, own)
    own[1]++
    if (answer > this.#lines[0]! && answer > (prompt ?? 0)) own[0]++
    for (const [n, line] of this.#lines.entries())
      settle(this.#logs[n]!, bets[n]!, answer > line && answer > (prompt ?? 0), logMost)
  }

  /** What others get and ask: the last answers of each, each with the same say; how various the prompts are. */
  learn(
    answers: readonly (readonly number[])[],
    { own, others, apart }: { readonly own: number; readonly others: readonly number[]; readonly apart: number },
  ): void {
    const known = answers.filter(({ length }) => length >= answersMin)
    this.#lines = known.length < othersMin ? undefined : linesOf(known)
    const sorted = [...others].sort((a, b) => b - a)
    this.isBroad = sorted.length >= variousMin && own >= sorted[Math.floor(variousShare * sorted.length)]!
    this.isOne = apart <= apartMost
    this.isNarrow = sorted.filter((each) => each > own).length >= narrowShare * sorted.length
  }

  leave(principal: string): void {
    this.#members.delete(principal)
  }

  /**
   * Whether a member's answers are long as often as all members' are, rather than as others': by the ratio of the two
   * likelihoods.
   */
  gathers(principal: string): boolean {
    const [long, answers] = this.#members.get(principal) ?? [0, 0]
    let [allLong, all] = [0, 0]
    for (const [theirs, of] of this.#members.values()) {
      allLong += theirs
      all += of
    }
    const [usual] = shares
    const share = Math.min(mostShare, Math.max(usual, allLong / all))
    return answers === 0 || long * Math.log(share / usual) >= (answers - long) * Math.log((1 - usual) / (1 - share))
  }

  toJSON(): GatheredJson {
    return {
      ...(this.#lines === undefined ? {} : { lines: this.#lines }),
      logs: this.#logs,
      isBroad: this.isBroad,
      isOne: this.isOne,
      isNarrow: this.isNarrow,
      members: [...this.#members].map(([principal, counts]) => [principal, ...counts]),
    }
  }
}

/** Of the answers of all, each account with the same say, those of which so large shares are as long. */
function linesOf(accounts: readonly (readonly number[])[]): readonly number[] {
  // A number for each answer, by which they are sorted: its tokens, then how many its account has.
  const keys = new Float64Array(accounts.reduce((sum, { length }) => sum + length, 0))
  let count = 0
  for (const answers of accounts)
    for (const tokens of answers) keys[count++] = Math.round(tokens) * keyStep + answers.length
  keys.sort()
  return shares.map((share) => {
    let [at, sum] = [count, 0]
    while (at > 0 && sum < share * sayOfOne * accounts.length) sum += sayOfOne / (keys[--at]! % keyStep)
    return Math.floor(keys[at]! / keyStep)
  })
}
