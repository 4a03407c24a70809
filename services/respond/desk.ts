/**
 * The desk: takes an action from the wish, through the gates, to the point where the sidecar may do it; and books what the
 * sidecar reports.
 *
 * Pure. Promises: an action reaches `reserved` only past every gate, decided at one place of the log; what was attempted
 * is never forgotten, whatever was decided meanwhile.
 */
import type { Action } from '../../core/action.ts'
import type { FlagCode } from '../../core/effect.ts'
import type { ActionEntry, Book } from './book.ts'
import type { Catalog } from './catalog.ts'
import { actionIdOf } from './ids.ts'
import type { IncidentBrief } from './incident-brief.ts'
import { hasActed, isAhead, isSettled } from './progress.ts'
import { capReached, protectedIn } from './policy.ts'
import type { Playbook, StepAction } from './playbook.ts'
import type { Turn } from './turn.ts'
import { isWatched, revived, takesBackProof, tellRevived } from './watch.ts'
import { entryOf, type Wish } from './wish.ts'

/** Held by the global stop for longer than this, an action is given up: its moment has passed. */
const heldMsMax = 24 * 3_600_000
/** Actions let go and not settled, of one partition. */
const openMax = 2_000
/** How long somebody has to let an action past a reached cap, ms. */
const capApprovalMs = 4 * 3_600_000

/** Reasons of refusal that a person must be told about. */
const flagged: Readonly<Record<string, FlagCode>> = {
  PROTECTED: 'ACTION_REFUSED',
  ARGUMENTS_INVALID: 'ACTION_REFUSED',
  NO_SUCH_ACTION: 'ACTION_REFUSED',
  OVERLOADED: 'ACTION_REFUSED',
  HELD_TOO_LONG: 'ACTION_REFUSED',
  APPROVAL_EXPIRED: 'APPROVAL_EXPIRED',
}

export interface DeskHooks {
  /** An action waits for a person: people are to be asked. */
  onWaiting(entry: ActionEntry, turn: Turn): void
  /** An undo has come to its end. */
  undoSettled(undo: ActionEntry, originalId: string, turn: Turn): void
  /** The incident as it stands now, merges followed. */
  incidentOf(id: string): IncidentBrief | undefined
}

export class Desk {
  readonly #book: Book
  readonly #catalog: Catalog
  readonly #hooks: DeskHooks

  constructor(book: Book, catalog: Catalog, hooks: DeskHooks) {
    this.#book = book
    this.#catalog = catalog
    this.#hooks = hooks
  }

  /** Asks for a step's action. The same wish again is the same action, and changes nothing. */
  ask(wish: Wish, turn: Turn): string {
    const { playbook, step } = wish
    const id = actionIdOf(wish.run, playbook, step.id)
    if (this.#book.action(id) !== undefined) return id
    const { entry, objection } = entryOf(id, wish, this.#catalog, turn.at)
    if (objection === undefined) this.#gate(entry, playbook, step, turn)
    else this.refuse(entry, objection.reason, objection.summary, turn)
    return id
  }

  /** Decides whether an action may go on, and into which state it goes. */
  #gate(entry: ActionEntry, playbook: Playbook, step: StepAction, turn: Turn): void {
    const { action } = entry
    const policy = this.#book.policy()
    const incident = this.#hooks.incidentOf(action.incidentId)
    if (policy === undefined || incident === undefined) {
      this.refuse(entry, 'WITHDRAWN', 'Its incident is not known any more.', turn)
      return
    }
    const isDry = this.#book.run(action.runId)?.dryRun === true || !policy.enabled.includes(playbook.id)
    if (action.destructive && isDry) {
      this.put(
        { ...entry, settledMs: turn.nowMs },
        { state: 'dry-run', summary: `Dry run (${playbook.id} is not enabled): ${entry.what}` },
        turn,
      )
      return
    }
    const spared = action.destructive
      ? protectedIn([...policy.protected, ...playbook.protected], action.target, action.args, incident)
      : undefined
    if (spared !== undefined) {
      this.refuse(entry, 'PROTECTED', `${spared.slice(0, 200)} is protected.`, turn)
      return
    }
    if (this.#book.stopped()) {
      this.#hold(entry, turn)
      return
    }
    const approved = action.approval?.by !== undefined
    if (step.approval !== undefined && !approved) {
      this.#wait(entry, step.approval.role, step.approval.expiresMs, undefined, turn)
      return
    }
    const cap =
      action.destructive && entry.pastCap !== true && entry.counted !== true
        ? capReached(policy, playbook.id, this.#book.reservations(action.tenant, turn.nowMs))
        : undefined
    if (cap !== undefined) {
      turn.flag(action.id, {
        tenant: action.tenant,
        incidentId: incident.id,
        code: 'CAP_REACHED',
        message: `${entry.what} — ${cap}; it waits for somebody with the role ${policy.capRole}.`,
        actions: [action.id],
      })
      this.#wait(entry, policy.capRole, capApprovalMs, cap, turn)
      return
    }
    this.reserve(entry, turn)
  }

  /** Lets an action go. Only for what has passed the gates, or what a person has ordered. */
  reserve(entry: ActionEntry, turn: Turn): void {
    if (this.#book.open().length >= openMax) {
      this.refuse(entry, 'OVERLOADED', `${openMax} actions are under way already.`, turn)
      return
    }
    const { action } = entry
    const counts = action.destructive && entry.undoOf === undefined && entry.counted !== true
    if (counts) this.#book.reserve(action.tenant, action.playbook.id, turn.nowMs)
    this.put(
      { ...entry, ...(counts ? { counted: true } : {}) },
      { state: 'reserved', summary: `Let go: ${entry.what}`.slice(0, 500), reason: undefined },
      turn,
    )
  }

  #hold(entry: ActionEntry, turn: Turn): void {
    this.#book.addTimer({ kind: 'held', id: entry.action.id, atMs: turn.nowMs + heldMsMax })
    this.put(entry, { state: 'asked', reason: 'GLOBAL_STOP', summary: 'Held by the global stop.' }, turn)
  }

  #wait(entry: ActionEntry, role: string, expiresMs: number, cap: string | undefined, turn: Turn): void {
    const expiresAtMs = turn.nowMs + expiresMs
    this.#book.addTimer({ kind: 'approval', id: entry.action.id, atMs: expiresAtMs })
    const waiting = this.put(
      { ...entry, ...(cap === undefined ? {} : { pastCap: true }) },
      {
        state: 'awaiting-approval',
        approval: { role, expiresAt: new Date(expiresAtMs).toISOString() },
        ...(cap === undefined ? {} : { reason: 'CAP_REACHED' }),
        summary: `Waits for approval by ${role}${cap === undefined ? '' : `, because of ${cap}`}.`.slice(0, 500),
      },
      turn,
    )
    this.#hooks.onWaiting(waiting, turn)
  }

  refuse(entry: ActionEntry, reason: string, summary: string, turn: Turn): void {
    this.put({ ...entry, settledMs: turn.nowMs }, { state: 'refused', reason, summary }, turn)
  }

  /** Writes an action's next version, and keeps the lists of what is open and held. */
  put(
    entry: ActionEntry,
    changes: Omit<Partial<Action>, 'reason'> & { readonly reason?: string | undefined },
    turn: Turn,
  ): ActionEntry {
    const { reason, ...rest } = { reason: entry.action.reason, ...changes }
    const { reason: _old, ...known } = entry.action
    const action: Action = {
      ...known,
      version: entry.action.version + 1,
      at: turn.at,
      ...rest,
      ...(reason === undefined ? {} : { reason }),
    }
    const next = { ...entry, action }
    turn.action(action)
    this.#keep(next, turn)
    return next
  }

  #keep(entry: ActionEntry, turn: Turn): void {
    const { action } = entry
    this.#book.setAction(entry)
    const settled = isSettled(action)
    const isOpen = !settled && action.state !== 'asked' && action.state !== 'awaiting-approval'
    this.#book.setOpen(action.id, isOpen)
    this.#book.setWatched(action.id, isWatched(entry))
    this.#book.setHeld(action.id, action.state === 'asked' && action.reason === 'GLOBAL_STOP')
    if (settled) this.#settled(entry, turn)
  }

  #settled(entry: ActionEntry, turn: Turn): void {
    const { action } = entry
    turn.ready.add(action.runId)
    if (action.reason === revived)
      return tellRevived(entry, this.#hooks.incidentOf(action.incidentId)?.id ?? action.incidentId, turn)
    const code =
      action.state === 'failed'
        ? 'ACTION_FAILED'
        : action.state === 'refused'
          ? flagged[action.reason ?? '']
          : undefined
    if (code !== undefined && entry.undoOf === undefined) {
      turn.flag(action.id, {
        tenant: action.tenant,
        incidentId: action.incidentId,
        code,
        message: `${entry.what} — ${action.summary}`.slice(0, 1_000),
        actions: [action.id],
      })
    }
    if (action.destructive && entry.undoOf === undefined && hasActed(action)) this.#flagIfWithdrawn(entry, turn)
    if (entry.undoOf !== undefined) this.#hooks.undoSettled(entry, entry.undoOf, turn)
  }

  /** It was under way when its incident was withdrawn: nobody has been told of that yet. */
  #flagIfWithdrawn({ action, what }: ActionEntry, turn: Turn): void {
    const isTold = this.#book.incident(action.incidentId)?.flagged.some((flag) => flag.startsWith('ACTED_ON_WITHDRAWN'))
    if (this.#book.run(action.runId)?.stopped !== 'withdrawn' || isTold === true) return
    const message = `${what} — this was under way when its incident was closed or withdrawn, and is done. Decide whether to take it back.`
    const { tenant, incidentId } = action
    turn.flag(action.id, { tenant, incidentId, code: 'ACTED_ON_WITHDRAWN', message, actions: [action.id] })
  }

  /** Books what the sidecar has journaled. Its own records read back are told by their being no news. */
  report(fact: Action, turn: Turn): void {
    const entry = this.#book.action(fact.id)
    if (entry === undefined) {
      turn.out.drop('unknown-action')
      return
    }
    // Somebody here has asked for it back meanwhile: what is known stands, as the version after.
    if (takesBackProof(fact, entry.action) && !isWatched(entry))
      return void this.put({ ...entry, action: { ...entry.action, version: fact.version } }, {}, turn)
    if (!isAhead(fact, entry.action)) {
      turn.out.drop('own-record')
      return
    }
    const attempted = fact.state === 'attempted'
    const retryAtMs = fact.state === 'reserved' ? fact.details?.['retryAtMs'] : undefined
    const { retryAtMs: _old, ...kept } = entry
    const next: ActionEntry = {
      ...kept,
      ...(attempted ? { attemptedMs: turn.nowMs, firstAttemptMs: entry.firstAttemptMs ?? turn.nowMs } : {}),
      ...(typeof retryAtMs === 'number' ? { retryAtMs } : {}),
      ...(isSettled(fact) ? { settledMs: turn.nowMs } : {}),
    }
    // Something was decided while the fact was on its way: the fact stands, as the version after.
    if (fact.version <= entry.action.version)
      this.put({ ...next, action: { ...fact, version: entry.action.version } }, { at: fact.at }, turn)
    else this.#keep({ ...next, action: fact }, turn)
    if (fact.state === 'reserved') this.#recheck(fact.id, turn)
  }

  /** Before it is tried again: may it still be? */
  #recheck(id: string, turn: Turn): void {
    const entry = this.#book.action(id)
    if (entry === undefined || entry.undoOf !== undefined) return
    if (this.#book.run(entry.action.runId)?.state === 'stopped') this.withdraw(entry, turn)
    else if (this.#book.stopped()) this.#hold(entry, turn)
  }

  /** Takes back what has not been attempted, because its incident was withdrawn. */
  withdraw(entry: ActionEntry, turn: Turn): void {
    if (entry.action.state === 'attempted' || isSettled(entry.action) || hasActed(entry.action)) return
    this.refuse(entry, 'WITHDRAWN', 'Its incident was closed or withdrawn before it was done.', turn)
  }

  /** Puts an action that was withdrawn or held before the gates again. */
  again(entry: ActionEntry, playbook: Playbook | undefined, turn: Turn): void {
    const step = playbook === undefined ? undefined : stepActionOf(playbook, entry.action.step)
    if (entry.undoOf !== undefined) this.reserve(entry, turn)
    else if (playbook === undefined || step === undefined)
      this.refuse(entry, 'WITHDRAWN', 'Its playbook is not known any more.', turn)
    else {
      const { settledMs: _settled, ...open } = entry
      this.#gate(open, playbook, step, turn)
    }
  }

  /** A timer has run out. */
  expire(kind: 'approval' | 'held', id: string, turn: Turn): void {
    const entry = this.#book.action(id)
    if (kind === 'approval' && entry?.action.state === 'awaiting-approval') {
      this.refuse(
        entry,
        'APPROVAL_EXPIRED',
        `Nobody with the role ${entry.action.approval?.role ?? '?'} has approved it in time.`,
        turn,
      )
    } else if (kind === 'held' && entry?.action.reason === 'GLOBAL_STOP') {
      this.refuse(entry, 'HELD_TOO_LONG', 'The global stop has held it too long.', turn)
    }
  }
}

/** Also finds what asks for an approval. */
function stepActionOf(playbook: Playbook, id: string): StepAction | undefined {
  const actions = playbook.steps.flatMap((step) => step.actions)
  return [...actions, ...actions.flatMap(({ approval }) => approval?.ask ?? [])].find((each) => each.id === id)
}
