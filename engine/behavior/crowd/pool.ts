/**
 * Adds up the evidence of accounts that share something, in their cell (cell.ts).
 *
 * Each kind of evidence is a product of e-values that starts anew when it falls to one, and no account brings more than a share
 * of the line, so that a crowd is never one odd account.
 *
 * Promises: where every query's factors have mean at most one given all before, one of the six sums passes its line at most
 * once in `queriesPerFalseAlarm` queries (Shin, Ramdas and Rinaldo 2023, with the union over the six); leaving out what one
 * account brings too much only makes factors smaller. Bounded: 256 accounts of a cell.
 */
import { nothingYet, type Cell, type Share } from './cell.ts'
import { isShared, lineToJoin, together } from './join.ts'
import { judgedAt } from './order/relay.ts'
import { all, placeOfSort, sums, type CrowdParams, type Logs, type Sight } from './params.ts'

const accountsMax = 256
const relaySum = sums.indexOf('relay')

export class Pool {
  readonly #params: CrowdParams
  /** The most that one account may bring, and the line. */
  readonly #most: number
  readonly #line: number
  /** In nats. */
  readonly line: number

  constructor(params: CrowdParams) {
    this.#params = params
    this.line = Math.log(params.queriesPerFalseAlarm * sums.length)
    this.#line = Math.ceil(1e3 * this.line)
    this.#most = Math.floor((1e3 * this.line) / params.accountsMin)
  }

  /** Adds a query's evidence; true once the cell has crossed the line. `bornMs`: when its account was seen first. */
  add(cell: Cell, principal: string, { tenant, timeMs }: Sight, logs: Logs, bornMs?: number): boolean {
    if (timeMs > cell.lastMs) cell.lastMs = timeMs
    const anew = !cell.crossed && cell.most === 0
    if (anew) cell.sinceMs = timeMs
    let share = anew ? onlyShare(cell.shares, principal) : cell.shares.get(principal)
    if (share === undefined) {
      if (cell.shares.size >= accountsMax) return cell.crossed
      share = { tenant, bornMs, counted: nothingYet(), logs: nothingYet() }
      cell.shares.set(principal, share)
    }
    share.tenant = tenant
    share.bornMs = bornMs
    let together = 0
    for (let sort = 0; sort < all; sort++) {
      const log = logs[sort]!
      if (log === 0) continue
      if (sort > 0) together += log
      this.#sum(cell, share, sort, log)
    }
    if (together !== 0) {
      this.#sum(cell, share, all, together)
      if (cell.crossed && cell.sums[all] === 0) cell.restarts++
    }
    // An account is judged once in so many of its queries.
    if (!cell.relayed) cell.relayed = cell.sums[relaySum]! >= this.#line - 1e3 * Math.log(judgedAt)
    if (!cell.crossed) {
      cell.crossed = cell.most >= this.#line && this.members(cell).length >= this.#params.accountsMin
      if (cell.crossed && isShared(cell)) cell.by = passed(cell.sums, this.#line)
    }
    return cell.crossed
  }

  /** What was learned before says nothing any more: nor does what was unlike it, where nobody was told of yet. */
  forgetNovelty(cell: Cell): void {
    const { novel } = placeOfSort
    if (cell.sums[novel] === 0) return
    for (const { counted, logs } of cell.shares.values()) {
      counted[all] = Math.max(0, counted[all]! - counted[novel]!)
      logs[all] = logs[all]! - logs[novel]!
      counted[novel] = logs[novel] = 0
    }
    cell.sums[all] = Math.max(0, cell.sums[all]! - cell.sums[novel]!)
    cell.sums[novel] = 0
    cell.past?.forget()
    cell.crossed &&= cell.most >= this.#line
    if (!cell.crossed) cell.by = undefined
  }

  #sum(cell: Cell, share: Share, sum: number, log: number): void {
    const counted = share.counted[sum]!
    const given = Math.min(log, Math.max(0, this.#most - counted))
    share.counted[sum] = Math.max(0, counted + given)
    share.logs[sum] = share.logs[sum]! + log
    cell.sums[sum] = Math.min(2 * this.#line, Math.max(0, cell.sums[sum]! + given))
  }

  /** Those who brought evidence of their own; none where they are of too few tenants. */
  members(cell: Cell): string[] {
    const tenants = new Set<string>()
    const found: string[] = []
    const line = lineToJoin(cell)
    const broughtBy = together(cell)
    for (const [principal, share] of cell.shares) {
      if (broughtBy(share) < line) continue
      tenants.add(share.tenant)
      found.push(principal)
    }
    return tenants.size < this.#params.accountsMin ? [] : found.sort()
  }
}

function passed(values: readonly number[], line: number): number[] {
  return values.flatMap((value, sum) => (value >= line ? [sum] : []))
}

/**
 * Leaves no share but an empty one of this account, made of the one that was there; undefined: there was none, or several. The
 * evidence of honest accounts begins anew with nearly every query.
 */
function onlyShare(shares: Map<string, Share>, principal: string): Share | undefined {
  if (shares.size > 1) shares.clear()
  const [only] = shares
  if (only === undefined) return undefined
  const [before, share] = only
  share.counted.fill(0)
  share.logs.fill(0)
  if (before !== principal) {
    shares.set(principal, share)
    shares.delete(before)
  }
  return share
}
