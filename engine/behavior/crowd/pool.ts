/**
 * The grouped step of `account-crowd`: pools evidence over the accounts of all tenants at one model.
 *
 * Stands behind the shuffle. Each query counts in the cells that its account is in: its network, its kind of program, and
 * all networks that several tenants share. Where a cell crosses the line, those of its accounts that brought evidence of
 * their own are a crowd; crowds that have a member in common are one, and later members are added.
 *
 * Promises: O(1) a query; bounds as memory.ts has them; a crowd keeps its id while it grows.
 */
import type { BehaviorStep, GroupEntries, StepOutcome } from '../types.ts'
import { Pool, relayOf, turnsOf, welcome, type Cell } from './cell.ts'
import { gather, type Found } from './crowds.ts'
import { whyMember } from './explain.ts'
import { follow } from './lineage.ts'
import { Memory } from './memory.ts'
import type { CrowdParams, Logs, Sight } from './params.ts'
import { alikeMates, neighborsOf, stepFrom, type Seen } from './sights.ts'
import { relieve } from './relay.ts'
import { rowOf } from './row.ts'
import { takeTurn } from './turns.ts'

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
    const found: Found[] = []
    if (kin !== undefined && kin !== 'repeat') {
      const by = follow(memory, account, sight, kin, this.#pool.line)
      if (by !== undefined) found.push(by)
    }
    for (const cell of this.#cellsOf(memory, sight)) {
      // What a whole model's accounts have in common is the model: only the order in which they come says anything.
      const logs: Logs = cell.kind === 'model' ? {} : { ...own }
      // A repeated query takes no turn: a check of health comes in the same order for ever.
      if (kin !== 'repeat') logs.turns = takeTurn(turnsOf(cell), sight.tenant, sight.timeMs)
      if (cell.kind !== 'model' && kin !== 'repeat') logs.alike = alikeMates(neighbors, mateOf(cell, memory))
      const handover = kin === 'repeat' ? undefined : relieve(relayOf(cell), sight, account.queries === 1)
      if (handover !== undefined) logs.relay = handover.log
      const crossed = this.#pool.add(cell, sight, logs)
      memory.keepCell(cell)
      const row = handover === undefined ? undefined : rowOf(memory, account, sight, cell, handover)
      if (row !== undefined) found.push(row)
      const by = crossed ? this.#found(cell) : undefined
      if (by !== undefined) found.push(by)
    }
    const limits = { accountsMin: this.#params.accountsMin, line: this.#pool.line }
    const findings = found.flatMap((each) => gather(group[0]!, memory, each, sight.timeMs, limits))
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

  #found(cell: Cell): Found | undefined {
    const members = this.#pool.members(cell)
    if (members.length === 0) return undefined
    return {
      id: `${cell.kind}/${cell.name}/${cell.sinceMs}`,
      sinceMs: cell.sinceMs,
      over: `${cell.kind} ${cell.name}`.trim(),
      top: Math.max(...Object.values(cell.logs)),
      tells: cell.kind !== 'model',
      members: members.map((principal) => ({
        principal,
        why: (account) => whyMember(cell, cell.shares[principal]!, account),
      })),
    }
  }
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
