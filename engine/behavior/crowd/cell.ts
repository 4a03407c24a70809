/**
 * What accounts share, and what is kept of those who share it: the evidence that each has brought, and the sums of it.
 *
 * Sharing is no evidence; it only says whose evidence is added up, which pool.ts does. Logarithms are whole thousandths, rounded
 * down: sums of them are exact, and short where they are written.
 */
import type { Names } from './queries/names.ts'
import { all, sums, type Sight } from './params.ts'
import { isShared } from './join.ts'
import { Past, type PastJson } from './queries/past.ts'
import { Relay, type Run } from './order/relay.ts'
import { Turns, type TurnsJson } from './order/turns.ts'

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

/** One value for each sum. */
export function nothingYet(): number[] {
  return [0, 0, 0, 0, 0, 0]
}

function thousandths(logs: NamedSums): number[] {
  return sums.map((sum) => Math.floor(1e3 * (logs[sum] ?? 0)))
}
