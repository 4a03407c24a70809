/**
 * What accounts share, and the evidence pooled over those who share it.
 *
 * Sharing is no evidence; it only says whose evidence is added up. Each kind of evidence is a product of e-values that starts
 * anew when it falls to one, and no account brings more than a share of the line, so that a crowd is never one odd account.
 * Logarithms are whole thousandths, rounded down: sums of them are exact, and short where they are written.
 *
 * Promises: where every query's factors have mean at most one given all before, one of the six sums passes its line at most
 * once in `queriesPerFalseAlarm` queries (Shin, Ramdas and Rinaldo 2023, with the union over the six); leaving out what one
 * account brings too much only makes factors smaller. Bounded: 256 accounts of a cell.
 */
import type { Names } from './queries/names.ts'
import { all, placeOfSort, sums, type CrowdParams, type Logs, type Sight } from './params.ts'
import { isShared, lineToJoin, together } from './join.ts'
import { Past, type PastJson } from './queries/past.ts'
import { judgedAt, Relay, type Run } from './order/relay.ts'
import { Turns, type TurnsJson } from './order/turns.ts'

const accountsMax = 256
const tenantsMax = 4
/** Evidence beside the order of queries that is taken for some: by chance at most once in a hundred such cells. */
export const backing = 1e3 * Math.log(100)

type CellKind = 'network' | 'agent' | 'crowded' | 'model'

/** What one account has brought since its cell's evidence began to rise; lists have a value for each sum. */
export interface Share {
  tenant: string
  /** When it was seen at the model first; states of before don't tell. */
  bornMs: number | undefined
  /** What counted for the cell: at most its share of the line. */
  readonly counted: number[]
  /** All that it brought, for and against. */
  readonly logs: number[]
}

type ShareJson = readonly [
  principal: string,
  tenant: string,
  counted: readonly number[],
  logs: readonly number[],
  bornMs?: number | null,
]

/** Since when what is found waits for a drift, or waited last, and queries since then (wait.ts). JSON. */
export interface Hold {
  readonly sinceMs: number
  queries: number
}

interface CellJson {
  readonly kind: CellKind
  readonly name: string
  readonly tenants: readonly string[]
  readonly turns?: TurnsJson
  readonly relay?: readonly Run[]
  readonly past?: PastJson
  readonly lastMs: number
  readonly sinceMs: number
  readonly sums: readonly number[]
  readonly shares: readonly ShareJson[]
  readonly crossed: boolean
  readonly relayed?: boolean
  readonly by?: readonly number[]
  readonly restarts?: number
  readonly crowd?: string
  readonly hold?: Hold
}

type NamedSums = Readonly<Partial<Record<(typeof sums)[number], number>>>

/** As an earlier version wrote it. */
interface CellByName extends Omit<CellJson, 'sums' | 'shares'> {
  readonly logs: NamedSums
  readonly shares: Readonly<
    Record<string, { readonly tenant: string; readonly counted: NamedSums; readonly logs: NamedSums }>
  >
}

/** As it stands in the state: as it is used, as it is written, or as an earlier version wrote it. */
export type CellKept = Cell | CellJson | CellByName

export class Cell {
  /** Of its entry. */
  readonly key: string
  readonly kind: CellKind
  readonly name: string
  /** The first few that were seen here; while there is but one, nothing else is kept. */
  readonly tenants: string[]
  turns: Turns | undefined
  relay: Relay | undefined
  past: Past | undefined
  lastMs: number
  sinceMs: number
  /** One value for each sum. */
  readonly sums: number[]
  readonly shares: Map<string, Share>
  crossed: boolean
  /** That accounts relieve one another has crossed the line by itself. */
  relayed: boolean
  /** Of those who share a network, the sums that were past the line when it crossed it. */
  by: readonly number[] | undefined
  /** How often the sum of what is beside the order of queries began anew, since that order has crossed the line. */
  restarts: number
  /** What those it has found were put into last. */
  crowd: string | undefined
  hold: Hold | undefined
  /** It is not kept any more. */
  gone = false
  /** For how long accounts of its model have been seen, told by who looks at it. */
  observedMs = 0

  constructor(names: Names, key: string, json: CellJson) {
    this.key = key
    this.kind = json.kind
    this.name = json.name
    this.tenants = [...json.tenants]
    this.turns = json.turns === undefined ? undefined : new Turns(names, json.turns)
    this.relay = json.relay === undefined ? undefined : new Relay(json.relay)
    this.past = json.past === undefined ? undefined : new Past(json.past)
    this.lastMs = json.lastMs
    this.sinceMs = json.sinceMs
    this.sums = [...json.sums]
    this.shares = new Map()
    for (const [principal, tenant, counted, logs, bornMs] of json.shares)
      this.shares.set(principal, { tenant, bornMs: bornMs ?? undefined, counted: [...counted], logs: [...logs] })
    this.crossed = json.crossed
    this.relayed = json.relayed === true
    this.by = json.by
    this.restarts = json.restarts ?? 0
    this.crowd = json.crowd
    if (json.hold !== undefined) this.hold = { ...json.hold }
  }

  static begun(names: Names, key: string, kind: CellKind, name: string, { tenant, timeMs }: Sight): Cell {
    const nothing = { sums: nothingYet(), shares: [], crossed: false }
    return new Cell(names, key, { kind, name, tenants: [tenant], lastMs: timeMs, sinceMs: timeMs, ...nothing })
  }

  static of(names: Names, key: string, value: CellKept): Cell {
    if (value instanceof Cell) return value
    if ('sums' in value) return new Cell(names, key, value)
    const shares = Object.entries(value.shares).map(([principal, { tenant, counted, logs }]): ShareJson => {
      return [principal, tenant, thousandths(counted), thousandths(logs)]
    })
    return new Cell(names, key, { ...value, sums: thousandths(value.logs), shares })
  }

  /** Whether several tenants are here, this one among them. */
  welcome(tenant: string): boolean {
    if (this.tenants.length < tenantsMax && !this.tenants.includes(tenant)) this.tenants.push(tenant)
    return this.tenants.length > 1
  }

  /**
   * Whether more than the order of queries speaks against those who share it: the network does, where accounts of several
   * tenants come from one; a program, or the model, only with evidence of another sort. At a model that begins to count when the
   * order has shown who they are; all beginnings together pass by chance at most once in a hundred such groups: the r-th
   * with a share of 1 / r(r + 1) of that.
   */
  get isBacked(): boolean {
    if (isShared(this)) return true
    const spent = this.kind === 'model' ? 1e3 * Math.log((this.restarts + 1) * (this.restarts + 2)) : 0
    return this.sums[all]! >= backing + spent
  }

  /** The greatest of its sums. */
  get most(): number {
    let most = 0
    for (let sum = 0; sum < sums.length; sum++) if (this.sums[sum]! > most) most = this.sums[sum]!
    return most
  }

  toJSON(): CellJson {
    const { kind, name, tenants, lastMs, sinceMs, crossed } = this
    const shares = [...this.shares].map(([principal, { tenant, bornMs, counted, logs }]): ShareJson => {
      return bornMs === undefined ? [principal, tenant, counted, logs] : [principal, tenant, counted, logs, bornMs]
    })
    return {
      ...{ kind, name, tenants, lastMs, sinceMs, crossed, sums: this.sums, shares },
      ...(this.turns === undefined ? {} : { turns: this.turns.toJSON() }),
      ...(this.relay === undefined ? {} : { relay: this.relay.toJSON() }),
      ...(this.past === undefined || this.past.isNew ? {} : { past: this.past.toJSON() }),
      ...(this.relayed ? { relayed: true } : {}),
      ...(this.by === undefined ? {} : { by: this.by }),
      ...(this.restarts === 0 ? {} : { restarts: this.restarts }),
      ...(this.crowd === undefined ? {} : { crowd: this.crowd }),
      ...(this.hold === undefined ? {} : { hold: this.hold }),
    }
  }
}

function nothingYet(): number[] {
  return [0, 0, 0, 0, 0, 0]
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

function thousandths(logs: NamedSums): number[] {
  return sums.map((sum) => Math.floor(1e3 * (logs[sum] ?? 0)))
}

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

const relaySum = sums.indexOf('relay')

function passed(values: readonly number[], line: number): number[] {
  return values.flatMap((value, sum) => (value >= line ? [sum] : []))
}
