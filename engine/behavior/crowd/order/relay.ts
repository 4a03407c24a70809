/**
 * Accounts that relieve one another: one hand that uses an account for a while, drops it, and goes on with a new one.
 *
 * Where accounts are independent, a new one begins at a time that has nothing to do with when others fall silent for good. Of
 * the last k that did, the newest was then silent for d of the time e that the oldest was; as ends that are spread over that
 * time without a plan, it is as near or nearer with a probability of 1 - (1 - d / e)^(k - 1). A hand that changes accounts
 * begins the next where the last ended, each time. Ends and beginnings that come in waves leave d / e as it is.
 */

/** Accounts that began last, in a cell. */
const runsMax = 24
/** Queries that an account must have asked: to be judged as a successor, and to count as one that has ended. */
export const judgedAt = 12
/** Ends that a beginning is held against. */
const endsMax = 8
/** Silence after which an account has ended, in its own mean intervals. */
const silentIntervals = 4
/** A successor's probability, and the room that accounts have which depend on each other a little. */
const near = 0.05
const room = 1.5
const honest = near * room
const gain = 0.7
/** For an account to be held for a successor in a cell that is past its line. */
const linked = 0.1
/** Where the two are as busy as each other, and where they asked as much. */
const sameInterval = 1.7
const sameCount = 1.6

/** One account's time in use, from its first query on; JSON. */
export interface Run {
  readonly principal: string
  readonly tenant: string
  readonly firstMs: number
  lastMs: number
  queries: number
}

export interface Handover {
  /** The logarithm of the evidence. */
  readonly log: number
  /** Whom it relieves; undefined where it relieves nobody. */
  readonly from: { readonly principal: string; readonly tenant: string } | undefined
  /** Both are as busy, and the first of them was asked about as much as those that ended before. */
  readonly alike: boolean
}

export class Relay {
  /** By principal, in the order in which they began. */
  readonly #runs: Map<string, Run>

  constructor(runs: readonly Run[] = []) {
    this.#runs = new Map(runs.map((run) => [run.principal, { ...run }]))
  }

  /** Takes note of a query; what it says where an account has just shown enough of itself. `begins`: it is its first. */
  relieve(principal: string, tenant: string, timeMs: number, begins: boolean): Handover | undefined {
    const run = this.#runs.get(principal)
    if (run === undefined) {
      if (begins) this.#begin({ principal, tenant, firstMs: timeMs, lastMs: timeMs, queries: 1 })
      return undefined
    }
    run.queries++
    if (timeMs > run.lastMs) run.lastMs = timeMs
    return run.queries === judgedAt ? judge([...this.#runs.values()], run) : undefined
  }

  principals(): readonly string[] {
    return [...this.#runs.keys()]
  }

  toJSON(): readonly Run[] {
    return [...this.#runs.values()]
  }

  #begin(run: Run): void {
    this.#runs.set(run.principal, run)
    const [oldest] = this.#runs.keys()
    if (this.#runs.size > runsMax && oldest !== undefined) this.#runs.delete(oldest)
  }
}

function judge(runs: readonly Run[], run: Run): Handover | undefined {
  const ended = runs
    .filter((other) => other.tenant !== run.tenant && hasEnded(other, run))
    .sort((a, b) => b.lastMs - a.lastMs)
    .slice(0, endsMax)
  if (ended.length < 2) return undefined
  const last = ended[0]!
  const oldestMs = run.firstMs - ended[ended.length - 1]!.lastMs
  const p = 1 - (1 - (run.firstMs - last.lastMs) / oldestMs) ** (ended.length - 1)
  const log = p <= near ? Math.log((honest + (1 - honest) * gain) / honest) : Math.log(1 - gain)
  if (!(p <= linked)) return { log, from: undefined, alike: false }
  const usual = ended[1]!.queries
  return {
    log,
    from: last,
    alike: isAbout(intervalOf(run), intervalOf(last), sameInterval) && isAbout(last.queries, usual, sameCount),
  }
}

function hasEnded(other: Run, run: Run): boolean {
  if (other.queries < judgedAt || other.lastMs >= run.firstMs) return false
  return run.lastMs - other.lastMs >= silentIntervals * intervalOf(other)
}

function intervalOf({ firstMs, lastMs, queries }: Run): number {
  return Math.max(1, lastMs - firstMs) / Math.max(1, queries - 1)
}

function isAbout(a: number, b: number, ratio: number): boolean {
  return a <= b * ratio && b <= a * ratio
}
