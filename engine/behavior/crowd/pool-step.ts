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
import type { Cell } from './cell.ts'
import { Pool } from './pool.ts'
import { gather, keepAwake, type Found } from './crowds.ts'
import { whyMember } from './explain.ts'
import { isMember, isShared } from './join.ts'
import { follow, strong } from './lineage.ts'
import { beginnings } from './prompts/beginnings.ts'
import { dealtOf } from './dealt.ts'
import { Memory, type Known } from './memory.ts'
import { placeOfSort, sorts, type CrowdParams, type Sight } from './params.ts'
import { Past } from './queries/past.ts'
import { Room } from './queries/grid.ts'
import { Relay, type Handover } from './order/relay.ts'
import { rowOf } from './row.ts'
import { alikeMates, type Mates } from './queries/alike.ts'
import { stepFrom, type Kin } from './queries/steps.ts'
import { Turns } from './order/turns.ts'
import { waits } from './wait.ts'

const dayMs = 86_400_000
/** Of a model's queries each so-manieth is held against others' for a step, while there are none. */
const stepsEvery = 4
/** Queries of all accounts that are looked at after one that was a step. */
const stirs = 32

/** One query while it is looked at. */
interface Look {
  readonly model: string
  readonly memory: Memory
  readonly known: Known
  readonly sight: Sight
  readonly tenant: number
  /** Its input is one that can be compared. */
  readonly hasInput: boolean
  readonly repeats: boolean
  readonly kin: Kin | undefined
}

export class PoolStep implements BehaviorStep {
  readonly stateVersion = 1
  readonly groupBy = ['warden.model.id']
  readonly #params: CrowdParams
  readonly #pool: Pool
  readonly #likeLine: number
  readonly #limits: { readonly accountsMin: number; readonly line: number }
  /** What the query brings to the cell that is looked at. */
  readonly #logs = new Int32Array(sorts.length)
  readonly #room = new Room()

  constructor(params: CrowdParams) {
    this.#params = params
    this.#pool = new Pool(params)
    this.#likeLine = Math.log(params.kindsPerFalseAlarm * beginnings)
    this.#limits = { accountsMin: params.accountsMin, line: this.#pool.line }
  }

  apply(group: readonly string[], entries: GroupEntries, input: unknown): StepOutcome {
    const sight = input as Sight
    const memory = Memory.of(entries)
    const known = memory.account(sight)
    const tenant = memory.names.of(sight.tenant)
    const x = this.#room.put(sight.x)
    const hasInput = x.length > 0
    const repeats = hasInput && memory.recent.look(tenant, x)
    // Only differences of values can be even.
    const mayStep = hasInput && !repeats && sight.kind === 'features' && sight.drifted !== true
    const kin = mayStep && isDue(memory, known) ? stepFrom(x, memory.recent) : undefined
    const look: Look = { model: group[0]!, memory, known, sight, tenant, hasInput, repeats, kin }
    const findings = this.#weigh(look, x)
    if (!repeats && hasInput) memory.keepSight(known.account, sight, x)
    memory.save(sight.timeMs)
    return { findings, shuffled: nothing, dueMs: dueMsOf(memory) }
  }

  advance(_group: readonly string[], entries: GroupEntries, watermarkMs: number): StepOutcome {
    const memory = Memory.of(entries)
    if (watermarkMs === Infinity) return { findings: [], shuffled: [], dueMs: dueMsOf(memory) }
    memory.forgetBefore(watermarkMs - this.#params.forget)
    if (memory.meta.accounts === 0) return { findings: [], shuffled: [], dueMs: Infinity, forget: true }
    memory.save(watermarkMs)
    return { findings: [], shuffled: [], dueMs: (Math.floor(watermarkMs / dayMs) + 1) * dayMs }
  }

  #weigh(look: Look, x: Float64Array): readonly BehaviorFinding[] {
    const { memory, known, sight, kin } = look
    const findings: BehaviorFinding[] = []
    keepAwake(memory, known.account, sight.timeMs)
    if (kin !== undefined && kin.log >= strong) memory.meta.stirred = stirs
    if (kin?.own === false) {
      const by = follow(memory, known, sight, kin, this.#limits.line)
      if (by !== undefined) this.#gather(look, by, findings)
    }
    const network = memory.networkOf(known, sight)
    this.#enter(look, network, findings)
    if (sight.agent !== '') this.#enter(look, memory.agentOf(known, sight), findings)
    if (memory.isCrowded(memory.names.of(sight.network))) this.#enter(look, memory.cell('crowded', '', sight), findings)
    this.#enter(look, memory.cell('model', '', sight), findings)
    if (sight.kind === 'embedding' && look.hasInput && !look.repeats) this.#liken(look, x, findings)
    return findings.length === 0 ? nothing : findings
  }

  /** Accounts that ask alike are told where a load is dealt between them. */
  #liken(look: Look, x: Float64Array, findings: BehaviorFinding[]): void {
    const { memory, known, sight } = look
    const like = memory.likeOf(sight, x)
    if (like === undefined) return
    const found = dealtOf(memory, known, like, { timeMs: sight.timeMs, line: this.#likeLine })
    if (found !== undefined) this.#gather(look, found, findings)
  }

  #gather({ model, memory, sight }: Look, found: Found, findings: BehaviorFinding[]): string {
    const { id, told } = gather(model, memory, found, sight.timeMs, this.#limits)
    if (told !== undefined) findings.push(told)
    return id
  }

  /** What the query says in one of the cells that its account is in. */
  #enter(look: Look, cell: Cell, findings: BehaviorFinding[]): void {
    const { memory, known, sight } = look
    if (!cell.welcome(sight.tenant)) {
      if (sight.timeMs > cell.lastMs) cell.lastMs = sight.timeMs
      return memory.keepCell(cell)
    }
    if (sight.drifted === true && memory.crowd(cell.crowd ?? '')?.backed !== true) this.#pool.forgetNovelty(cell)
    cell.observedMs = memory.observedMs(sight.timeMs)
    const handover = this.#read(look, cell)
    const crossedBefore = cell.crossed
    this.#pool.add(cell, known.principal, sight, this.#logs, known.account.firstMs)
    memory.keepCell(cell)
    const row = handover === undefined ? undefined : rowOf(memory, known, cell, handover)
    if (row !== undefined) this.#gather(look, row, findings)
    if (!cell.crossed || (crossedBefore && !this.#isNews(look, cell))) return
    const found = this.#found(cell)
    if (found === undefined) return
    const members = found.members.flatMap(({ principal }) => memory.known(principal) ?? [])
    if (found.backed && waits(cell, members, sight.timeMs)) return memory.keepCell(cell)
    cell.crowd = this.#gather(look, found, findings)
    memory.keepCell(cell)
  }

  /** Puts what it says into `#logs`. */
  #read({ memory, known, sight, tenant, hasInput, repeats, kin }: Look, cell: Cell): Handover | undefined {
    const logs = this.#logs
    logs.fill(0)
    // A repeated query takes no turn: a check of health comes in the same order for ever.
    if (repeats) return undefined
    const { names } = memory
    cell.turns ??= new Turns(names)
    const mayBeAlike = cell.kind !== 'model' && hasInput && saysWhoIsAlike(sight, cell, tenant)
    logs[placeOfSort.turns] = thousandths(cell.turns.take(tenant, sight.timeMs))
    // What a whole model's accounts have in common is the model: only the order in which they come says anything, until it
    // has shown who belongs together.
    if (cell.kind !== 'model' || (cell.crossed && isMember(cell, known.principal))) {
      logs[placeOfSort.novel] = thousandths(this.#novel(cell, sight, known))
      if (kin !== undefined) logs[placeOfSort.steps] = thousandths(kin.log)
    }
    if (mayBeAlike) logs[placeOfSort.alike] = thousandths(alikeMates(memory.recent, matesOf(cell, memory)))
    const relay = (cell.relay ??= new Relay())
    const handover = relay.relieve(known.principal, sight.tenant, sight.timeMs, known.account.queries === 1)
    if (handover !== undefined) logs[placeOfSort.relay] = thousandths(handover.log)
    return handover
  }

  /**
   * What its novelty brings, by what those asked who share something since evidence began; once they are told, by what
   * their members ask.
   */
  #novel(cell: Cell, { novelty, past, noisy }: Sight, { principal }: Known): number {
    if (past === undefined) return novelty
    const bet = (cell.past ??= new Past())
    if (!cell.crossed && cell.sums[placeOfSort.novel] === 0) bet.forget()
    const isTheirs = cell.crossed && isShared(cell)
    // Noise of its own makes nobody one of those who were told of.
    const [lines, log] = (cell.crossed && cell.kind !== 'model' ? noisy : undefined) ?? [past[0], novelty]
    return bet.take(lines, past[1], log, {
      allowance: this.#params.allowance,
      // What a camera or a sensor makes noisy is past the first line often, and past the second as any honest account
      // may be; noisier ones, of one vendor with its program, past that.
      from: isTheirs ? 1 : cell.kind === 'agent' ? 3 : 2,
      learns: !cell.crossed || isMember(cell, principal),
    })
  }

  /** Whether the account that asks is one that is not in the crowd of its cell yet, or one more reason speaks against them. */
  #isNews({ memory, known }: Look, cell: Cell): boolean {
    const crowd = cell.crowd === undefined ? undefined : memory.crowd(cell.crowd)
    const isNew = crowd === undefined || known.account.crowd !== cell.crowd
    return (isNew || (cell.isBacked && crowd.backed !== true)) && isMember(cell, known.principal)
  }

  #found(cell: Cell): Found | undefined {
    const members = this.#pool.members(cell)
    if (members.length === 0) return undefined
    return {
      id: `${cell.kind}/${cell.name}/${cell.sinceMs}`,
      sinceMs: cell.sinceMs,
      over: `${cell.kind} ${cell.name}`.trim(),
      top: cell.most / 1e3,
      backed: cell.isBacked,
      tells: cell.kind !== 'model',
      members: members.map((principal) => ({
        principal,
        why: (account) => whyMember(cell, cell.shares.get(principal)!, account),
      })),
    }
  }
}

const nothing: readonly never[] = []

/**
 * Answers alone say nothing of who asks alike; nor do embeddings of those who share a program: the customers of a
 * vendor ask with its template (likeness.ts). Whose calls come from one network as well are taken for its own, unless
 * they come in sessions, as a reseller's customers do.
 */
function saysWhoIsAlike({ kind, timeMs }: Sight, { kind: over, turns }: Cell, tenant: number): boolean {
  if (kind !== 'embedding') return kind !== 'output'
  return over !== 'agent' && turns?.comeInSessions(tenant, timeMs) === false
}

/** Rounded down: no evidence is made. */
function thousandths(log: number): number {
  return Math.floor(1e3 * log)
}

/** By the day, so that not every query moves it. */
function dueMsOf({ meta }: Memory): number {
  return (Math.floor(meta.lastMs / dayMs) + 1) * dayMs
}

/**
 * Whether a query is held against others' for a step: while nobody's at the model has lately been one, and none of its
 * account's, only each `stepsEvery`-th. Who is looked at is settled by what came before, so evidence stays what it is (Banerjee
 * and Veeravalli 2012, "Data-efficient quickest change detection").
 */
function isDue({ meta }: Memory, { account }: Known): boolean {
  const stirred = (meta.stirred ?? 0) - 1
  meta.stirred = stirred <= -stepsEvery ? 0 : stirred
  return meta.stirred >= 0 || (account.steps ?? 0) > 0
}

function matesOf({ kind, name }: Cell, memory: Memory): Mates {
  if (kind === 'network' || kind === 'agent') return { of: kind, number: memory.names.known(name) }
  return { of: 'crowded', isCrowded: memory.isCrowded }
}
