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
import { isBacked, Pool, relayOf, turnsOf, welcome, type Cell } from './cell.ts'
import { gather, type Found } from './crowds.ts'
import { whyMember } from './explain.ts'
import { follow } from './lineage.ts'
import { Memory } from './memory.ts'
import type { CrowdParams, Logs, Sight } from './params.ts'
import { isRepetition, placeOf, type Around, type Recent } from './recent.ts'
import { relieve } from './relay.ts'
import { rowOf } from './row.ts'
import { alikeMates, stepFrom, type Kin } from './sights.ts'
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
    const x = placeOf(sight.x)
    const around = aroundOf(memory, sight, x)
    const repeats = around !== undefined && isRepetition(around)
    const kin = around === undefined || repeats || sight.drifted === true ? undefined : kinOf(memory, sight, x, around)
    const own: Logs = repeats ? {} : { novel: sight.novelty, steps: kin?.log ?? 0 }
    const found: Found[] = []
    if (kin !== undefined) {
      const by = follow(memory, account, sight, kin, this.#pool.line)
      if (by !== undefined) found.push(by)
    }
    for (const cell of this.#cellsOf(memory, sight)) {
      // What a whole model's accounts have in common is the model: only the order in which they come says anything.
      const logs: Logs = cell.kind === 'model' ? {} : { ...own }
      // A repeated query takes no turn: a check of health comes in the same order for ever.
      if (!repeats) logs.turns = takeTurn(turnsOf(cell), sight.tenant, sight.timeMs)
      if (cell.kind !== 'model' && !repeats && around !== undefined)
        logs.alike = alikeMates(around, mateOf(cell, memory))
      const handover = repeats ? undefined : relieve(relayOf(cell), sight, account.queries === 1)
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
    if (!repeats && x.length > 0) memory.keepSight(account, sight, x)
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
      backed: isBacked(cell),
      tells: cell.kind !== 'model',
      members: members.map((principal) => ({
        principal,
        why: (account) => whyMember(cell, cell.shares[principal]!, account),
      })),
    }
  }
}

/** What lies around a query; undefined where it has no input. */
function aroundOf(memory: Memory, { tenant, kind }: Sight, x: Float64Array): Around | undefined {
  if (x.length === 0) return undefined
  // Answers alone say nothing of who asks alike, and only differences of values can be even.
  return memory.recent.around(tenant, x, { neighbors: kind !== 'output', closest: kind === 'features' })
}

/** Whose query it is a step from; undefined where there is none, or steps say nothing. */
function kinOf(memory: Memory, { kind }: Sight, x: Float64Array, around: Around): Kin | undefined {
  const { recent } = memory
  if (kind !== 'features' || around.closest < 0) return undefined
  return { of: recent.at(around.closest), log: stepFrom(x, recent, around) }
}

function mateOf({ kind, name }: Cell, memory: Memory): (slot: number) => boolean {
  const { recent } = memory
  switch (kind) {
    case 'network': {
      const own = recent.numberOf(name)
      return (slot) => recent.networkOf(slot) === own
    }
    case 'agent': {
      const own = recent.numberOf(name)
      return (slot) => recent.agentOf(slot) === own
    }
    case 'model':
      return () => true
    case 'crowded':
      return crowdedIn(memory, recent)
  }
}

/** Whether a query comes from a network with several tenants: asked for each network once. */
function crowdedIn(memory: Memory, recent: Recent): (slot: number) => boolean {
  const known = new Map<number, boolean>()
  return (slot) => {
    const network = recent.networkOf(slot)
    let is = known.get(network)
    if (is === undefined) known.set(network, (is = memory.isCrowded(recent.at(slot).network)))
    return is
  }
}
