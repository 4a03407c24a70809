/**
 * The grouped step of `account-crowd`: pools evidence over the accounts of all tenants at one model.
 *
 * Stands behind the shuffle. Each query counts in the cells that its account is in: its network, its kind of program, and
 * all networks that several tenants share. Where a cell crosses the line, those of its accounts that brought evidence of
 * their own are a crowd; crowds that have a member in common are one, and later members are added.
 *
 * Promises: O(1) a query; bounds as memory.ts has them; a crowd keeps its id while it grows.
 */
import type { BehaviorFinding, BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { Pool, turnsOf, welcome, type Cell } from './cell.ts'
import { describeCrowd, whyMember } from './explain.ts'
import { Memory, type Account, type Crowd } from './memory.ts'
import type { CrowdParams, Logs, Sight } from './params.ts'
import { alikeMates, neighborsOf, stepFrom, type Seen } from './sights.ts'
import { takeTurn } from './turns.ts'

const membersMax = 1_000
const dayMs = 86_400_000

export class PoolStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id']
  readonly #params: CrowdParams
  readonly #pool: Pool

  constructor(params: CrowdParams) {
    this.#params = params
    this.#pool = new Pool(params)
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const sight = input as Sight
    const memory = new Memory(entries)
    const account = memory.account(sight)
    const seen = sight.x.length === 0 ? [] : memory.seen()
    const neighbors = sight.x.length === 0 || sight.kind === 'output' ? [] : neighborsOf(sight, seen)
    const kin = sight.x.length === 0 ? undefined : stepFrom(sight, seen)
    const own: Logs = kin === 'repeat' ? {} : { novel: sight.novelty, steps: kin?.log ?? 0 }
    const findings: BehaviorFinding[] = []
    for (const cell of this.#cellsOf(memory, sight)) {
      // What a whole model's accounts have in common is the model: only the order in which they come says anything.
      const logs: Logs = cell.kind === 'model' ? {} : { ...own }
      // A repeated query takes no turn: a check of health comes in the same order for ever.
      if (kin !== 'repeat') logs.turns = takeTurn(turnsOf(cell), sight.tenant, sight.timeMs)
      if (cell.kind !== 'model' && kin !== 'repeat') logs.alike = alikeMates(neighbors, mateOf(cell, memory))
      const crossed = this.#pool.add(cell, sight, logs)
      memory.keepCell(cell)
      if (crossed) findings.push(...this.#gather(group[0]!, memory, cell, sight))
    }
    if (kin !== 'repeat' && sight.x.length > 0) memory.keepSight(account, sight)
    memory.save(sight.timeMs)
    return { findings, shuffled: [], dueMs: this.#dueMs(memory) }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const memory = new Memory(entries)
    if (watermarkMs === Infinity) return { findings: [], shuffled: [], dueMs: this.#dueMs(memory) }
    memory.forgetBefore(watermarkMs - this.#params.forget)
    if (memory.meta.accounts === 0) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    memory.save(watermarkMs)
    return { findings: [], shuffled: [], dueMs: (Math.floor(watermarkMs / dayMs) + 1) * dayMs }
  }

  /** By the day, so that not every query moves it. */
  #dueMs(memory: Memory): number {
    return (Math.floor(memory.meta.lastMs / dayMs) + 1) * dayMs
  }

  /** The cells with other tenants in them. */
  #cellsOf(memory: Memory, sight: Sight): Cell[] {
    const cells: Cell[] = []
    for (const cell of [
      memory.cell('network', sight.network, sight),
      ...(sight.agent === '' ? [] : [memory.cell('agent', sight.agent, sight)]),
      ...(memory.isCrowded(sight.network) ? [memory.cell('crowded', '', sight)] : []),
      memory.cell('model', '', sight),
    ]) {
      if (welcome(cell, sight.tenant)) cells.push(cell)
      else {
        cell.lastMs = Math.max(cell.lastMs, sight.timeMs)
        memory.keepCell(cell)
      }
    }
    return cells
  }

  /** Puts the members of a cell into a crowd; a finding where it has grown. */
  #gather(model: string, memory: Memory, cell: Cell, sight: Sight): BehaviorFinding[] {
    const members = this.#pool.members(cell)
    if (members.length === 0) return []
    const ids = [...new Set(members.flatMap((principal) => memory.known(principal)?.crowd ?? []))].sort()
    const known = ids.flatMap((id) => {
      const crowd = memory.crowd(id)
      return crowd === undefined ? [] : [{ id, crowd }]
    })
    known.sort((a, b) => a.crowd.sinceMs - b.crowd.sinceMs || (a.id < b.id ? -1 : 1))
    const id = known[0]?.id ?? `${cell.kind}/${cell.name}/${cell.sinceMs}`
    const crowd = known[0]?.crowd ?? newCrowd(cell)
    for (const { id: other, crowd: merged } of known.slice(1)) this.#merge(memory, id, crowd, other, merged)
    let news = 0
    for (const principal of members) news += this.#join(memory, id, crowd, cell, principal)
    crowd.lastMs = Math.max(crowd.lastMs, sight.timeMs)
    crowd.top = Math.max(crowd.top, ...Object.values(cell.logs))
    const name = `${cell.kind} ${cell.name}`.trim()
    if (!crowd.cells.includes(name) && crowd.cells.length < 16) crowd.cells.push(name)
    const count = Object.keys(crowd.members).length
    const tell = news > 0 || known.length > 1
    if (tell) {
      crowd.version++
      crowd.told = count
      crowd.series.push([sight.timeMs, count])
      if (crowd.series.length > 64) crowd.series.splice(1, 1)
    }
    memory.keepCrowd(id, crowd)
    return tell ? [describeCrowd(model, id, crowd, (principal) => memory.known(principal), this.#pool.line)] : []
  }

  #join(memory: Memory, id: string, crowd: Crowd, cell: Cell, principal: string): number {
    const account = memory.known(principal)
    if (account === undefined) return 0
    const isNew = !Object.hasOwn(crowd.members, principal)
    if (isNew && Object.keys(crowd.members).length >= membersMax) return 0
    // What says the least about it does not take the place of another reason.
    if (isNew || cell.kind !== 'model') set(crowd.members, principal, whyMember(cell, cell.shares[principal]!, account))
    if (account.crowd !== id) {
      account.crowd = id
      memory.keepAccount(principal, account)
    }
    return isNew ? 1 : 0
  }

  #merge(memory: Memory, id: string, into: Crowd, other: string, merged: Crowd): void {
    for (const [principal, why] of Object.entries(merged.members)) {
      if (Object.keys(into.members).length >= membersMax) break
      set(into.members, principal, why)
      const account: Account | undefined = memory.known(principal)
      if (account === undefined) continue
      account.crowd = id
      memory.keepAccount(principal, account)
    }
    into.supersedes = [...into.supersedes, other].slice(-64)
    into.top = Math.max(into.top, merged.top)
    into.cells = [...new Set([...into.cells, ...merged.cells])].slice(0, 16)
    memory.dropCrowd(other)
  }
}

/** Names of accounts come from outside: `__proto__` is one like any other. */
function set(members: Record<string, string>, principal: string, why: string): void {
  Object.defineProperty(members, principal, { value: why, enumerable: true, writable: true, configurable: true })
}

function newCrowd(cell: Cell): Crowd {
  const { sinceMs } = cell
  return { sinceMs, lastMs: sinceMs, version: 0, told: 0, members: {}, supersedes: [], top: 0, cells: [], series: [] }
}

function mateOf(cell: Cell, memory: Memory): (of: Seen) => boolean {
  switch (cell.kind) {
    case 'network':
      return ({ network }) => network === cell.name
    case 'agent':
      return ({ agent }) => agent === cell.name
    case 'model':
      return () => true
    case 'crowded':
      return ({ network }) => memory.isCrowded(network)
  }
}
