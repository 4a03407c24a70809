/**
 * What accounts share, and the evidence pooled over those who share it.
 *
 * Sharing is no evidence; it only says whose evidence is added up. Each kind of evidence is a product of e-values that starts
 * anew when it falls to one, and no account brings more than a share of the line, so that a crowd is never one odd account.
 *
 * Promises: where every query's factors have mean at most one given all before, one of the six sums passes its line at most
 * once in `queriesPerFalseAlarm` queries (Shin, Ramdas and Rinaldo 2023, with the union over the six); leaving out what one
 * account brings too much only makes factors smaller. Bounded: 256 accounts of a cell.
 */
import { sorts, type CrowdParams, type Logs, type Sight } from './params.ts'
import { judgedAt, type Relay } from './relay.ts'
import { emptyTurns, type Turns } from './turns.ts'

const accountsMax = 256
const tenantsMax = 4
/** That an honest account which shares something with a crowd is taken for one of it: at most one in a hundred. */
const byChance = 1 / 100
/** Evidence beside the order of queries that is taken for some: by chance at most once in a hundred such cells. */
const backing = Math.log(100)
/** Sums: each sort by itself, and all but turns together. */
const sums = [...sorts, 'all'] as const
type Sum = (typeof sums)[number]

/** What one account has brought since its cell's evidence began to rise. */
export interface Share {
  readonly tenant: string
  /** What counted for the cell: at most its share of the line. */
  readonly counted: Partial<Record<Sum, number>>
  /** All that it brought, for and against. */
  readonly logs: Partial<Record<Sum, number>>
  queries: number
}

/** JSON. */
export interface Cell {
  readonly kind: 'network' | 'agent' | 'crowded' | 'model'
  readonly name: string
  /** The first few that were seen here; while there is but one, nothing else is kept. */
  readonly tenants: string[]
  turns?: Turns
  relay?: Relay
  lastMs: number
  logs: Partial<Record<Sum, number>>
  sinceMs: number
  shares: Record<string, Share>
  crossed: boolean
  /** That accounts relieve one another has crossed the line by itself. */
  relayed?: boolean
}

export function newCell(kind: Cell['kind'], name: string, { tenant, timeMs }: Sight): Cell {
  return { kind, name, tenants: [tenant], lastMs: timeMs, logs: {}, sinceMs: timeMs, shares: {}, crossed: false }
}

/** Whether several tenants are here, this one among them. */
export function welcome(cell: Cell, tenant: string): boolean {
  if (cell.tenants.length < tenantsMax && !cell.tenants.includes(tenant)) cell.tenants.push(tenant)
  return cell.tenants.length > 1
}

export function turnsOf(cell: Cell): Turns {
  return (cell.turns ??= emptyTurns())
}

export function relayOf(cell: Cell): Relay {
  return (cell.relay ??= [])
}

export class Pool {
  readonly #params: CrowdParams
  /** The most that one account may bring. */
  readonly #most: number
  readonly line: number

  constructor(params: CrowdParams) {
    this.#params = params
    this.line = Math.log(params.queriesPerFalseAlarm * sums.length)
    this.#most = this.line / params.accountsMin
  }

  /** Adds a query's evidence; true once the cell has crossed the line. */
  add(cell: Cell, sight: Sight, logs: Logs): boolean {
    cell.lastMs = Math.max(cell.lastMs, sight.timeMs)
    if (!cell.crossed && mostOf(cell) === 0) {
      cell.sinceMs = sight.timeMs
      cell.shares = {}
    }
    const share = shareOf(cell, sight)
    if (share === undefined) return cell.crossed
    share.queries++
    let all = 0
    for (const sort of sorts) {
      const log = logs[sort] ?? 0
      if (sort !== 'turns') all += log
      this.#sum(cell, share, sort, log)
    }
    this.#sum(cell, share, 'all', all)
    // An account is judged once in so many of its queries.
    cell.relayed ||= (cell.logs.relay ?? 0) >= this.line - Math.log(judgedAt)
    cell.crossed ||= mostOf(cell) >= this.line && this.members(cell).length >= this.#params.accountsMin
    return cell.crossed
  }

  #sum(cell: Cell, share: Share, sum: Sum, log: number): void {
    if (log === 0) return
    const counted = share.counted[sum] ?? 0
    const given = Math.min(log, Math.max(0, this.#most - counted))
    share.counted[sum] = Math.max(0, counted + given)
    share.logs[sum] = (share.logs[sum] ?? 0) + log
    cell.logs[sum] = Math.min(2 * this.line, Math.max(0, (cell.logs[sum] ?? 0) + given))
  }

  /**
   * Those who brought evidence of their own. The mean of an honest account's products passes 1 / `byChance` ever with a
   * probability of at most `byChance` (Ville's inequality), however long it shares something with a crowd.
   */
  members(cell: Cell): string[] {
    const tenants = new Set<string>()
    const found: string[] = []
    for (const [principal, { tenant, logs }] of Object.entries(cell.shares)) {
      const products = Object.values(logs).map((log) => Math.exp(Math.min(50, log)))
      const mean = products.reduce((sum, product) => sum + product, 0) / Math.max(1, products.length)
      if (mean < 1 / byChance) continue
      tenants.add(tenant)
      found.push(principal)
    }
    return tenants.size < this.#params.accountsMin ? [] : found.sort()
  }
}

/**
 * Whether more than the order of queries speaks against those who share it: the network does, where accounts of several
 * tenants come from one; a program, or the model, only with evidence of another sort.
 */
export function isBacked({ kind, logs }: Cell): boolean {
  return kind === 'network' || kind === 'crowded' || (logs.all ?? 0) >= backing
}

function mostOf({ logs }: Cell): number {
  let most = 0
  for (const sum of sums) {
    const log = logs[sum]
    if (log !== undefined && log > most) most = log
  }
  return most
}

function shareOf(cell: Cell, { principal, tenant }: Sight): Share | undefined {
  if (Object.hasOwn(cell.shares, principal)) return cell.shares[principal]
  if (Object.keys(cell.shares).length >= accountsMax) return undefined
  const share: Share = { tenant, counted: {}, logs: {}, queries: 0 }
  Object.defineProperty(cell.shares, principal, { value: share, enumerable: true, writable: true, configurable: true })
  return share
}
