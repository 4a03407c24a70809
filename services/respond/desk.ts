/**
 * The desk: takes an action from the wish, through the gates, to the point where the sidecar may do it; and books what the
 * sidecar reports.
 *
 * Pure. Promises: an action reaches `reserved` only past every gate, decided at one place of the log; what was attempted
 * is never forgotten, whatever was decided meanwhile.
 */
import type { Action } from '../../core/action.ts'
import type { Decision } from '../../core/decision.ts'
import type { FlagCode } from '../../core/effect.ts'
import { canonicalDigest, derivedId } from '../../core/ids.ts'
import type { ActionEntry, Book, RunEntry } from './book.ts'
import type { Catalog } from './catalog.ts'
import type { IncidentBrief } from './incident-brief.ts'
import { hasActed, isAhead, isSettled } from './progress.ts'
import { capReached, protectedIn } from './policy.ts'
import type { Playbook, StepAction } from './playbook.ts'
import type { Turn } from './turn.ts'

/** Held by the global stop for longer than this, an action is given up: its moment has passed. */
const heldMsMax = 24 * 3_600_000
/** Actions let go and not settled, of one partition. */
const openMax = 2_000
/** How long somebody has to let an action past a reached cap, ms. */
const capApprovalMs = 4 * 3_600_000
const undoAttemptsMax = 5

/** Reasons of refusal that a person must be told about. */
const flagged: Readonly<Record<string, FlagCode>> = {
  PROTECTED: 'ACTION_REFUSED',
  ARGUMENTS_INVALID: 'ACTION_REFUSED',
  NO_SUCH_ACTION: 'ACTION_REFUSED',
  OVERLOADED: 'ACTION_REFUSED',
  HELD_TOO_LONG: 'ACTION_REFUSED',
  APPROVAL_EXPIRED: 'APPROVAL_EXPIRED',
}

export interface Wish {
  readonly run: RunEntry
  readonly playbook: Playbook
  readonly incident: IncidentBrief
  readonly step: StepAction
  readonly args: unknown
}

export class Desk {
  readonly #book: Book
  readonly #catalog: Catalog
  /** Tells that an action waits for a person, so that people are asked. */
  readonly #onWaiting: (entry: ActionEntry, turn: Turn) => void
  /** The incident as it stands now, merges followed. */
  readonly #incidentOf: (id: string) => IncidentBrief | undefined

  constructor(
    book: Book,
    catalog: Catalog,
    hooks: { onWaiting(entry: ActionEntry, turn: Turn): void; incidentOf(id: string): IncidentBrief | undefined },
  ) {
    this.#book = book
    this.#catalog = catalog
    this.#onWaiting = (entry, turn) => {
      hooks.onWaiting(entry, turn)
    }
    this.#incidentOf = (id) => hooks.incidentOf(id)
  }

  /** Asks for a step's action. The same wish again is the same action, and changes nothing. */
  ask(wish: Wish, turn: Turn): string {
    const { run, playbook, incident, step } = wish
    const id = actionIdOf(run, playbook, step.id)
    if (this.#book.action(id) !== undefined) return id
    const found = this.#catalog.find(step.connector, step.action)
    const parsed = found?.parse(wish.args)
    const args = parsed?.ok === true ? parsed.args : {}
    const action: Action = {
      id,
      version: 1,
      tenant: incident.tenant,
      incidentId: run.incidentId,
      runId: run.id,
      playbook: run.playbook,
      step: step.id,
      connector: step.connector,
      action: step.action,
      target: parsed?.ok === true && found !== undefined ? found.port.target(args) : step.connector,
      args,
      digest: digestOf(step.connector, step.action, args),
      destructive: found?.destructive ?? true,
      state: 'asked',
      attempt: 0,
      possiblyRepeated: false,
      at: turn.at,
      summary: 'Asked for.',
      evidence: incident.evidence,
      arrivedMs: run.arrivedMs,
    }
    const entry: ActionEntry = {
      action: { ...action, version: 0 },
      what:
        parsed?.ok === true && found !== undefined
          ? found.port.describe(args).slice(0, 400)
          : `${step.connector}.${step.action}`,
      verify: (step.verify ?? action.destructive) && (found?.verifiable ?? false),
      attemptsMax: step.attemptsMax,
      message: 'notice' in args,
    }
    if (found === undefined)
      this.#refuse(entry, 'NO_SUCH_ACTION', `No connector has the action ${step.connector}.${step.action}.`, turn)
    else if (parsed?.ok === false)
      this.#refuse(entry, 'ARGUMENTS_INVALID', `Its arguments make no sense: ${parsed.message}`.slice(0, 500), turn)
    else this.#gate(entry, playbook, step, turn)
    return id
  }

  /** Decides whether an action may go on, and into which state it goes. */
  #gate(entry: ActionEntry, playbook: Playbook, step: StepAction, turn: Turn): void {
    const { action } = entry
    const policy = this.#book.policy()
    const incident = this.#incidentOf(action.incidentId)
    if (policy === undefined || incident === undefined) {
      this.#refuse(entry, 'WITHDRAWN', 'Its incident is not known any more.', turn)
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
      this.#refuse(entry, 'PROTECTED', `${spared.slice(0, 200)} is protected.`, turn)
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
    this.#reserve(entry, turn)
  }

  #reserve(entry: ActionEntry, turn: Turn): void {
    if (this.#book.open().length >= openMax) {
      this.#refuse(entry, 'OVERLOADED', `${openMax} actions are under way already.`, turn)
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
    this.#onWaiting(waiting, turn)
  }

  #refuse(entry: ActionEntry, reason: string, summary: string, turn: Turn): void {
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
    this.#book.setHeld(action.id, action.state === 'asked' && action.reason === 'GLOBAL_STOP')
    if (settled) this.#settled(entry, turn)
  }

  #settled(entry: ActionEntry, turn: Turn): void {
    const { action } = entry
    turn.ready.add(action.runId)
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
    if (entry.undoOf !== undefined) this.#undoSettled(entry, entry.undoOf, turn)
  }

  /** Books what the sidecar has journaled. Its own records read back are told by their being no news. */
  report(fact: Action, turn: Turn): void {
    const entry = this.#book.action(fact.id)
    if (entry === undefined) {
      turn.out.drop('unknown-action')
      return
    }
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
    this.#refuse(entry, 'WITHDRAWN', 'Its incident was closed or withdrawn before it was done.', turn)
  }

  /** Puts an action that was withdrawn or held before the gates again. */
  again(entry: ActionEntry, playbook: Playbook | undefined, turn: Turn): void {
    const step = playbook === undefined ? undefined : stepActionOf(playbook, entry.action.step)
    if (entry.undoOf !== undefined) this.#reserve(entry, turn)
    else if (playbook === undefined || step === undefined)
      this.#refuse(entry, 'WITHDRAWN', 'Its playbook is not known any more.', turn)
    else {
      const { settledMs: _settled, ...open } = entry
      this.#gate(open, playbook, step, turn)
    }
  }

  /** A timer has run out. */
  expire(kind: 'approval' | 'held', id: string, turn: Turn): void {
    const entry = this.#book.action(id)
    if (kind === 'approval' && entry?.action.state === 'awaiting-approval') {
      this.#refuse(
        entry,
        'APPROVAL_EXPIRED',
        `Nobody with the role ${entry.action.approval?.role ?? '?'} has approved it in time.`,
        turn,
      )
    } else if (kind === 'held' && entry?.action.reason === 'GLOBAL_STOP') {
      this.#refuse(entry, 'HELD_TOO_LONG', 'The global stop has held it too long.', turn)
    }
  }

  /** Somebody's word on an action. */
  decide(
    decision: Extract<Decision, { kind: 'approval' }>,
    playbookOf: (version: string) => Playbook | undefined,
    turn: Turn,
  ): void {
    const entry = this.#book.action(decision.actionId)
    if (entry === undefined || entry.action.tenant !== decision.tenant) {
      turn.out.drop('unknown-action')
      return
    }
    const { action } = entry
    const approval = action.approval
    if (action.state !== 'awaiting-approval' || approval === undefined) {
      turn.out.drop('not-awaiting-approval')
      return
    }
    const wrong =
      decision.digest !== action.digest
        ? 'it was given for other arguments (the digest differs)'
        : !mayDecide(decision.roles, approval.role)
          ? `it needs the role ${approval.role}`
          : undefined
    if (wrong !== undefined) {
      this.put(
        entry,
        {
          summary: `The word of ${decision.by.slice(0, 100)} does not count: ${wrong}. Waits for approval by ${approval.role}.`,
        },
        turn,
      )
      return
    }
    const signed = { ...approval, by: decision.by, at: decision.at }
    if (turn.nowMs >= Date.parse(approval.expiresAt)) this.expire('approval', action.id, turn)
    else if (!decision.approved) {
      const why = decision.text === undefined ? '' : `: ${decision.text}`
      this.put(
        { ...entry, settledMs: turn.nowMs },
        {
          state: 'refused',
          reason: 'APPROVAL_REFUSED',
          approval: signed,
          summary: `Refused by ${decision.by}${why}`.slice(0, 500),
        },
        turn,
      )
    } else this.again({ ...entry, action: { ...action, approval: signed } }, playbookOf(action.playbook.version), turn)
  }

  /** Somebody wants an action taken back. */
  undo(decision: Extract<Decision, { kind: 'undo' }>, turn: Turn): void {
    const entry = this.#book.action(decision.actionId)
    if (entry === undefined || entry.action.tenant !== decision.tenant) {
      turn.out.drop('unknown-action')
      return
    }
    const { action } = entry
    const found = this.#catalog.find(action.connector, action.action)
    const refuse = (message: string): void => {
      turn.flag(decision.id, {
        tenant: action.tenant,
        incidentId: action.incidentId,
        code: 'UNDO_REFUSED',
        message: `${entry.what} is not taken back: ${message}.`,
        actions: [action.id],
      })
    }
    if (!mayDecide(decision.roles, 'responder')) refuse('that needs the role responder')
    else if (!hasActed(action) || action.state === 'attempted') refuse(`it is ${action.state}`)
    else if (entry.undo !== undefined) refuse('that is under way already')
    else if (found === undefined || found.undo === 'none') refuse('it can not be undone')
    else {
      const undo = this.#undoOf(entry, decision, found, turn)
      this.#book.setAction({ ...entry, undo: undo.action.id })
      this.#reserve(undo, turn)
    }
  }

  #undoOf(
    entry: ActionEntry,
    decision: Extract<Decision, { kind: 'undo' }>,
    found: NonNullable<ReturnType<Catalog['find']>>,
    turn: Turn,
  ): ActionEntry {
    const { action } = entry
    const as = found.port.undoAs?.(action.args, { actionId: action.id, before: action.before })
    const name = as?.action ?? `${action.action}:undo`
    const args = (as?.args ?? action.args) as Record<string, unknown>
    const compensating = as === undefined ? undefined : this.#catalog.find(action.connector, name)
    const { reason: _reason, details: _details, approval: _approval, ...kept } = action
    return {
      action: {
        ...kept,
        id: derivedId('undo', action.id, decision.id),
        version: 0,
        step: `undo:${action.step}`,
        action: name,
        args,
        digest: digestOf(action.connector, name, args),
        destructive: compensating?.destructive ?? false,
        state: 'asked',
        attempt: 0,
        possiblyRepeated: false,
        approval: { role: 'responder', expiresAt: turn.at, by: decision.by, at: decision.at },
        summary: `Asked for by ${decision.by}.`.slice(0, 500),
        arrivedMs: turn.arrivedMs,
      },
      what: (compensating?.port.describe(args) ?? `Take back: ${entry.what}`).slice(0, 400),
      verify: compensating?.verifiable ?? false,
      attemptsMax: undoAttemptsMax,
      message: false,
      undoOf: action.id,
    }
  }

  #undoSettled(undo: ActionEntry, originalId: string, turn: Turn): void {
    const original = this.#book.action(originalId)
    if (original === undefined) return
    const { undo: _undo, ...freed } = original
    const { state, summary, id, approval } = undo.action
    if (state === 'done' || state === 'verified') {
      this.put(
        { ...freed, undo: id },
        { state: 'undone', summary: `Taken back by ${approval?.by ?? 'a person'}: ${summary}`.slice(0, 500) },
        turn,
      )
      return
    }
    this.#book.setAction(freed)
    turn.flag(id, {
      tenant: original.action.tenant,
      incidentId: original.action.incidentId,
      code: 'UNDO_REFUSED',
      message: `${original.what} is not taken back: ${summary}`.slice(0, 1_000),
      actions: [originalId, id],
    })
  }
}

/** From incident, playbook version, subject and step: the same wish always has the same id. */
export function actionIdOf(
  run: Pick<RunEntry, 'incidentId' | 'subject'>,
  playbook: Pick<Playbook, 'id' | 'version'>,
  step: string,
): string {
  return derivedId(
    'action',
    run.incidentId,
    playbook.id,
    playbook.version,
    run.subject?.type ?? '',
    run.subject?.id ?? '',
    step,
  )
}

/** What an approval is bound to. */
function digestOf(connector: string, action: string, args: unknown): string {
  return canonicalDigest({ connector, action, args })
}

/** The named role; `admin` may do everything. */
export function mayDecide(roles: readonly string[], role: string): boolean {
  return roles.includes(role) || roles.includes('admin')
}

/** Also finds what asks for an approval. */
function stepActionOf(playbook: Playbook, id: string): StepAction | undefined {
  const actions = playbook.steps.flatMap((step) => step.actions)
  return [...actions, ...actions.flatMap(({ approval }) => approval?.ask ?? [])].find((each) => each.id === id)
}
