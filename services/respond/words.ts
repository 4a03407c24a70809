/**
 * What people say about actions: approvals, refusals, and that something be taken back.
 *
 * Pure. Promises: a word counts only from the tenant and the role that it takes, for exactly the arguments that it was
 * given for, and in its time; a word that does not count is told as such; what is taken back is an action like any other,
 * on record with who wanted it.
 */
import type { Decision } from '../../core/decision.ts'
import { derivedId } from '../../core/ids.ts'
import type { ActionEntry, Book } from './book.ts'
import type { Catalog, CatalogAction } from './catalog.ts'
import type { Desk } from './desk.ts'
import { digestOf, mayDecide } from './ids.ts'
import type { Playbook } from './playbook.ts'
import { hasActed } from './progress.ts'
import type { Turn } from './turn.ts'
import { isWatched } from './watch.ts'

const undoAttemptsMax = 5

export class Words {
  readonly #book: Book
  readonly #catalog: Catalog
  readonly #desk: Desk

  constructor(book: Book, catalog: Catalog, desk: Desk) {
    this.#book = book
    this.#catalog = catalog
    this.#desk = desk
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
      this.#desk.put(
        entry,
        {
          summary: `The word of ${decision.by.slice(0, 100)} does not count: ${wrong}. Waits for approval by ${approval.role}.`,
        },
        turn,
      )
      return
    }
    const signed = { ...approval, by: decision.by, at: decision.at }
    if (turn.nowMs >= Date.parse(approval.expiresAt)) this.#desk.expire('approval', action.id, turn)
    else if (!decision.approved) {
      const why = decision.text === undefined ? '' : `: ${decision.text}`
      this.#desk.put(
        { ...entry, settledMs: turn.nowMs },
        {
          state: 'refused',
          reason: 'APPROVAL_REFUSED',
          approval: signed,
          summary: `Refused by ${decision.by}${why}`.slice(0, 500),
        },
        turn,
      )
    } else
      this.#desk.again({ ...entry, action: { ...action, approval: signed } }, playbookOf(action.playbook.version), turn)
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
      this.#book.setWatched(action.id, false)
      this.#desk.reserve(undo, turn)
    }
  }

  #undoOf(
    entry: ActionEntry,
    decision: Extract<Decision, { kind: 'undo' }>,
    found: CatalogAction,
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
      undoable: false,
      undoOf: action.id,
    }
  }

  /** What became of an undo is what becomes of the action that it was for. */
  undoSettled(undo: ActionEntry, originalId: string, turn: Turn): void {
    const original = this.#book.action(originalId)
    if (original === undefined) return
    const { undo: _undo, ...freed } = original
    const { state, summary, id, approval } = undo.action
    if (state === 'done' || state === 'verified') {
      this.#desk.put(
        { ...freed, undo: id },
        { state: 'undone', summary: `Taken back by ${approval?.by ?? 'a person'}: ${summary}`.slice(0, 500) },
        turn,
      )
      return
    }
    this.#book.setAction(freed)
    this.#book.setWatched(originalId, isWatched(freed))
    turn.flag(id, {
      tenant: original.action.tenant,
      incidentId: original.action.incidentId,
      code: 'UNDO_REFUSED',
      message: `${original.what} is not taken back: ${summary}`.slice(0, 1_000),
      actions: [originalId, id],
    })
  }
}
