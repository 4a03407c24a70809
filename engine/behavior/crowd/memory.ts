/**
 * What the pooling step keeps of one model: accounts, what they share, crowds found, the last queries. In entries of their
 * own, so that a query rewrites few. Beside the entries stand what is laid out of them: names by number, accounts with the
 * cells that they are in, the last queries.
 *
 * Bounded: 4,000 accounts and 2,000 cells of a model; past that those with the least evidence and the longest silence go.
 * 256 queries, of which one account has at most 24.
 */
import type { GroupEntries } from '../types.ts'
import { Cell, type CellKept } from './cell.ts'
import type { Account, Crowd } from './kept.ts'
import { askedPrefix, Likeness, poolPrefix } from './prompts/likeness.ts'
import { Names } from './queries/names.ts'
import type { Sight } from './params.ts'
import { blockQueries, Recent, recentMax, type Seen } from './queries/recent.ts'

const accountsMax = 4_000
const cellsMax = 2_000
const queriesPerAccountMax = 24
const evidenceMax = 3
/** Different names that are told apart by number before all are numbered anew. */
const namesMax = 16_384
/** Tenants on a network from which it counts as shared. */
const crowdedFrom = 3

interface Meta {
  accounts: number
  cells: number
  /** Queries kept so far. */
  kept: number
  /**
   * Queries that are still to be held against others' for a step, whoever asks, for somebody's was one; below 0: that
   * are not.
   */
  stirred?: number
  lastMs: number
  /** When the first account was seen; states of before don't tell. */
  firstMs?: number
}

/** An account, and what is asked for with each of its queries. */
export interface Known {
  /** Of its entry. */
  readonly key: string
  readonly principal: string
  readonly account: Account
  network: Cell | undefined
  agent: Cell | undefined
}

/** What is laid out of the state that a `Meta` stands in. */
const laidOut = new WeakMap<Meta, Memory>()

export class Memory {
  #entries: GroupEntries
  readonly meta: Meta
  names = new Names()
  readonly #accounts = new Map<string, Known>()
  readonly #cells = new Map<string, Cell>()
  /** By number of the network: 1: several tenants come from it, 2: not, 0: nobody has asked. */
  readonly #crowded = new Uint8Array(namesMax + 1_024)
  #recent: Recent | undefined
  #likeness: Likeness | undefined
  #namesMax = namesMax

  private constructor(entries: GroupEntries, meta: Meta) {
    this.#entries = entries
    this.meta = meta
  }

  static of(entries: GroupEntries): Memory {
    const meta = entries.get<Meta>('') ?? { accounts: 0, cells: 0, kept: 0, lastMs: 0 }
    let memory = laidOut.get(meta)
    if (memory === undefined) laidOut.set(meta, (memory = new Memory(entries, meta)))
    memory.#entries = entries
    return memory
  }

  /** The account that asks; it has asked once more. */
  account(sight: Sight): Known {
    const { principal, tenant, network, agent, timeMs } = sight
    const known = this.#known(principal) ?? this.#begin(principal, { tenant, network, agent, timeMs })
    const { account } = known
    if (account.network !== network) {
      account.network = network
      known.network = undefined
    }
    if (account.agent !== agent) {
      account.agent = agent
      known.agent = undefined
    }
    if (timeMs > account.lastMs) account.lastMs = timeMs
    account.queries++
    for (const { type, id } of sight.entities) if (type === 'credential') account.credential = id
    if (account.evidence.length < evidenceMax) account.evidence = [...account.evidence, sight.evidence]
    this.#entries.set(known.key, account)
    return known
  }

  known(principal: string): Account | undefined {
    return this.#known(principal)?.account
  }

  keepAccount(principal: string, account: Account): void {
    this.#entries.set(this.#known(principal)?.key ?? `a/${principal}`, account)
  }

  /** Cells that an account is in by what its queries have in common with others'. */
  networkOf(known: Known, sight: Sight): Cell {
    const cell = known.network
    return cell?.gone === false ? cell : (known.network = this.cell('network', sight.network, sight))
  }

  agentOf(known: Known, sight: Sight): Cell {
    const cell = known.agent
    return cell?.gone === false ? cell : (known.agent = this.cell('agent', sight.agent, sight))
  }

  /** The cell of a name, made where it is new. */
  cell(kind: Cell['kind'], name: string, sight: Sight): Cell {
    const key = keyOf(kind, name)
    const known = this.#cell(key)
    if (known !== undefined) return known
    if (this.meta.cells >= cellsMax) {
      this.#makeRoom('c/', (cell) => {
        const one = this.#cell(cell)!
        return one.lastMs + (one.crossed ? 1e15 : one.most > 0 ? 86_400_000 : 0)
      })
    }
    this.meta.cells++
    const cell = Cell.begun(this.names, key, kind, name, sight)
    this.#cells.set(key, cell)
    return cell
  }

  /** Whether several tenants come from a network. */
  readonly isCrowded = (network: number): boolean => {
    let is = this.#crowded[network] ?? 0
    if (is === 0) {
      const cell = this.#cell(keyOf('network', this.names.nameOf(network)))
      this.#crowded[network] = is = cell !== undefined && cell.tenants.length >= crowdedFrom ? 1 : 2
    }
    return is === 1
  }

  keepCell(cell: Cell): void {
    this.#entries.set(cell.key, cell)
    if (cell.kind === 'network' && cell.tenants.length === crowdedFrom) this.#crowded[this.names.of(cell.name)] = 1
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

  /** The last queries of all accounts. */
  get recent(): Recent {
    return (this.#recent ??= Recent.of(
      this.meta.kept,
      this.names,
      (number) => this.#entries.get<Seen[]>(`v/${number}`) ?? [],
      (principal) => this.known(principal),
    ))
  }

  /** Who asks like whom: the pool that the account of this query is in. */
  likeOf(sight: Sight, x: Float64Array): ReturnType<Likeness['take']> {
    return this.#like.take(this.#entries, sight, x)
  }

  /** Keeps a query, unless its account has more than its share of them. `place`: its input as it is compared. */
  keepSight(account: Account, { principal, tenant, network, agent, x, past }: Sight, place: Float64Array): void {
    const { kept } = this.meta
    if (kept - account.keptFrom >= recentMax) {
      account.kept = 0
      account.keptFrom = kept
    }
    if (account.kept >= queriesPerAccountMax) return
    account.kept++
    const name = blockNames[Math.floor((kept % recentMax) / blockQueries)]!
    const block = kept % blockQueries === 0 ? [] : (this.#entries.get<Seen[]>(name) ?? [])
    const odd = past !== undefined && past[0] > 0
    const seen: Seen = { principal, tenant, network, agent, x, ...(odd && { odd }) }
    this.recent.add(seen, place, account)
    block.push(seen)
    this.#entries.set(name, block)
    this.meta.kept++
  }

  /** For how long accounts have been seen. */
  observedMs(timeMs: number): number {
    return timeMs - (this.meta.firstMs ??= timeMs)
  }

  save(timeMs: number): void {
    if (timeMs > this.meta.lastMs) this.meta.lastMs = timeMs
    this.#entries.set('', this.meta)
    if (this.names.size > this.#namesMax) this.#renumber()
  }

  /** Forgets what has been silent since. */
  forgetBefore(timeMs: number): void {
    for (const name of this.#entries.names()) {
      if (name === '' || name.startsWith('v/')) continue
      const kept = this.#entries.get<{ lastMs: number }>(name)
      // A pool went with the last of its accounts.
      if (kept !== undefined && kept.lastMs < timeMs) this.#delete(name)
    }
  }

  get #like(): Likeness {
    return (this.#likeness ??= new Likeness(this.#entries))
  }

  #known(principal: string): Known | undefined {
    const known = this.#accounts.get(principal)
    if (known !== undefined) return known
    const key = `a/${principal}`
    const account = this.#entries.get<Account>(key)
    return account === undefined ? undefined : this.#layOut(key, principal, account)
  }

  #begin(principal: string, who: { tenant: string; network: string; agent: string; timeMs: number }): Known {
    if (this.meta.accounts >= accountsMax) {
      this.#makeRoom('a/', (name) => {
        const { lastMs, crowd } = this.#entries.get<Account>(name)!
        return lastMs + (crowd === undefined ? 0 : 1e15)
      })
    }
    this.meta.accounts++
    const { tenant, network, agent, timeMs } = who
    const counts = { queries: 0, kept: 0, keptFrom: 0 }
    const account: Account = { tenant, network, agent, firstMs: timeMs, lastMs: timeMs, ...counts, evidence: [] }
    return this.#layOut(`a/${principal}`, principal, account)
  }

  #layOut(key: string, principal: string, account: Account): Known {
    const known = { key, principal, account, network: undefined, agent: undefined }
    this.#accounts.set(principal, known)
    return known
  }

  #cell(key: string): Cell | undefined {
    let cell = this.#cells.get(key)
    if (cell !== undefined) return cell
    const kept = this.#entries.get<CellKept>(key)
    if (kept !== undefined) this.#cells.set(key, (cell = Cell.of(this.names, key, kept)))
    return cell
  }

  /** A tenth goes at once, least worth first, so that a flood of strangers does not pay for each. */
  #makeRoom(prefix: string, worth: (name: string) => number): void {
    const names = this.#entries.names().filter((name) => name.startsWith(prefix))
    const worths = new Map(names.map((name) => [name, worth(name)]))
    names.sort((a, b) => worths.get(a)! - worths.get(b)! || (a < b ? -1 : 1))
    for (const name of names.slice(0, Math.ceil(names.length / 10))) this.#delete(name)
  }

  #delete(name: string): void {
    if (name.startsWith(askedPrefix) || name.startsWith(poolPrefix)) this.#like.forget(this.#entries, name)
    this.#entries.delete(name)
    if (name.startsWith('a/')) {
      this.#accounts.delete(name.slice(2))
      this.meta.accounts--
    } else if (name.startsWith('c/')) {
      const cell = this.#cells.get(name)
      if (cell !== undefined) cell.gone = true
      this.#cells.delete(name)
      this.#crowded.fill(0)
      this.meta.cells--
    }
  }

  #renumber(): void {
    this.names = new Names()
    for (const cell of this.#cells.values()) cell.turns?.renumber(this.names)
    this.#recent?.renumber(this.names)
    this.#crowded.fill(0)
    // Where as many are in use, they are not numbered anew with every query.
    this.#namesMax = Math.max(namesMax, 2 * this.names.size)
  }
}

const blockNames = Array.from({ length: recentMax / blockQueries }, (_, n) => `v/${n}`)

function keyOf(kind: Cell['kind'], name: string): string {
  return `c/${kind}/${name}`
}
