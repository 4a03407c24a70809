/**
 * What the pooling step keeps of one model: accounts, what they share, crowds found, the last queries. In entries of their
 * own, so that a query rewrites few.
 *
 * Bounded: 4,000 accounts and 2,000 cells of a model; past that those with the least evidence and the longest silence go.
 * 256 queries, of which one account has at most 24.
 */
import type { EvidenceRef } from '../../../core/signal.ts'
import type { GroupEntries } from '../types.ts'
import { newCell, type Cell } from './cell.ts'
import type { Sight } from './params.ts'
import { blockQueries, Recent, recentMax, type Seen } from './recent.ts'

const accountsMax = 4_000
const cellsMax = 2_000
const queriesPerAccountMax = 24
const evidenceMax = 3
/** Tenants on a network from which it counts as shared. */
const crowdedFrom = 3

export interface Account {
  readonly tenant: string
  network: string
  agent: string
  readonly firstMs: number
  lastMs: number
  queries: number
  /** Queries among the last ones, and where that count began. */
  kept: number
  keptFrom: number
  crowd?: string
  /** Evidence that it asks others' queries with a step, and others its own; whose it asked, latest first. */
  steps?: number
  stepped?: number
  parents?: string[]
  /** Whom it relieved, and that it was relieved itself; it is as busy, and as long in use, as those beside it. */
  relieves?: string
  relieved?: boolean
  usual?: boolean
  credential?: string
  evidence: readonly EvidenceRef[]
}

export interface Crowd {
  readonly sinceMs: number
  lastMs: number
  version: number
  /** Members when it was told last. */
  told: number
  /** Member -> why. */
  members: Record<string, string>
  supersedes: string[]
  /** Of the cell with the most evidence. */
  top: number
  cells: string[]
  /** More than the order of their queries speaks against them. */
  backed?: true
  series: [number, number][]
}

interface Meta {
  accounts: number
  cells: number
  /** Queries kept so far. */
  kept: number
  lastMs: number
}

/** Names of networks' cells: each query asks about those of a hundred others, and a text put together anew is hashed anew. */
const networkCells = new Map<string, string>()

function networkCell(network: string): string {
  let name = networkCells.get(network)
  if (name === undefined) {
    if (networkCells.size >= cellsMax) networkCells.clear()
    networkCells.set(network, (name = `c/network/${network}`))
  }
  return name
}

/** What is laid out of the state that a `Meta` stands in. */
const laidOut = new WeakMap<Meta, Recent>()

export class Memory {
  readonly #entries: GroupEntries
  readonly meta: Meta

  constructor(entries: GroupEntries) {
    this.#entries = entries
    this.meta = entries.get<Meta>('') ?? { accounts: 0, cells: 0, kept: 0, lastMs: 0 }
  }

  account(sight: Sight): Account {
    const name = `a/${sight.principal}`
    const { tenant, network, agent, timeMs } = sight
    let account = this.#entries.get<Account>(name)
    if (account === undefined) {
      if (this.meta.accounts >= accountsMax)
        this.#makeRoom('a/', (one: Account) => one.lastMs + (one.crowd === undefined ? 0 : 1e15))
      account = {
        tenant,
        network,
        agent,
        firstMs: timeMs,
        lastMs: timeMs,
        queries: 0,
        kept: 0,
        keptFrom: 0,
        evidence: [],
      }
      this.meta.accounts++
    }
    account.network = network
    account.agent = agent
    account.lastMs = Math.max(account.lastMs, timeMs)
    account.queries++
    const credential = sight.entities.find(({ type }) => type === 'credential')?.id
    if (credential !== undefined) account.credential = credential
    if (account.evidence.length < evidenceMax) account.evidence = [...account.evidence, sight.evidence]
    this.#entries.set(name, account)
    return account
  }

  known(principal: string): Account | undefined {
    return this.#entries.get(`a/${principal}`)
  }

  keepAccount(principal: string, account: Account): void {
    this.#entries.set(`a/${principal}`, account)
  }

  /** The cell of a name, made where it is new. */
  cell(kind: Cell['kind'], name: string, sight: Sight): Cell {
    const known = this.#entries.get<Cell>(`c/${kind}/${name}`)
    if (known !== undefined) return known
    if (this.meta.cells >= cellsMax) {
      this.#makeRoom(
        'c/',
        (one: Cell) => one.lastMs + (one.crossed ? 1e15 : Object.keys(one.logs).length > 0 ? 86_400_000 : 0),
      )
    }
    this.meta.cells++
    return newCell(kind, name, sight)
  }

  /** Whether several tenants come from a network. */
  isCrowded(network: string): boolean {
    const cell = this.#entries.get<Cell>(networkCell(network))
    return cell !== undefined && cell.tenants.length >= crowdedFrom
  }

  keepCell(cell: Cell): void {
    this.#entries.set(`c/${cell.kind}/${cell.name}`, cell)
  }

  crowd(id: string): Crowd | undefined {
    return this.#entries.get(`g/${id}`)
  }

  keepCrowd(id: string, crowd: Crowd): void {
    this.#entries.set(`g/${id}`, crowd)
  }

  dropCrowd(id: string): void {
    this.#entries.delete(`g/${id}`)
  }

  crowds(): string[] {
    return this.#entries
      .names()
      .filter((name) => name.startsWith('g/'))
      .map((name) => name.slice(2))
  }

  /** The last queries of all accounts. */
  get recent(): Recent {
    const { meta } = this
    let recent = laidOut.get(meta)
    if (recent === undefined) {
      recent = Recent.of(meta.kept, (number) => this.#entries.get<Seen[]>(`v/${number}`) ?? [])
      laidOut.set(meta, recent)
    }
    return recent
  }

  /** Keeps a query, unless its account has more than its share of them. `place`: its input as it is compared. */
  keepSight(account: Account, { principal, tenant, network, agent, x }: Sight, place: Float64Array): void {
    const { kept } = this.meta
    if (kept - account.keptFrom >= recentMax) Object.assign(account, { kept: 0, keptFrom: kept })
    if (account.kept >= queriesPerAccountMax) return
    account.kept++
    const name = `v/${Math.floor((kept % recentMax) / blockQueries)}`
    const block = kept % blockQueries === 0 ? [] : (this.#entries.get<Seen[]>(name) ?? [])
    const seen: Seen = { principal, tenant, network, agent, x }
    this.recent.add(seen, place)
    block.push(seen)
    this.#entries.set(name, block)
    this.meta.kept++
  }

  save(timeMs: number): void {
    this.meta.lastMs = Math.max(this.meta.lastMs, timeMs)
    this.#entries.set('', this.meta)
  }

  /** Forgets what has been silent since. */
  forgetBefore(timeMs: number): void {
    for (const name of this.#entries.names()) {
      if (name === '' || name.startsWith('v/')) continue
      if (this.#entries.get<{ lastMs: number }>(name)!.lastMs >= timeMs) continue
      this.#delete(name)
    }
  }

  /** A tenth goes at once, least worth first, so that a flood of strangers does not pay for each. */
  #makeRoom<T>(prefix: string, worth: (of: T) => number): void {
    const names = this.#entries.names().filter((name) => name.startsWith(prefix))
    const worths = new Map(names.map((name) => [name, worth(this.#entries.get<T>(name)!)]))
    names.sort((a, b) => worths.get(a)! - worths.get(b)! || (a < b ? -1 : 1))
    for (const name of names.slice(0, Math.ceil(names.length / 10))) this.#delete(name)
  }

  #delete(name: string): void {
    this.#entries.delete(name)
    if (name.startsWith('a/')) this.meta.accounts--
    if (name.startsWith('c/')) this.meta.cells--
  }
}
