/**
 * One action's way through the outside: intent, call, result, proof; and what to do about an intent whose result was lost.
 *
 * Stands in the sidecar, beside the log. Promises: the intent is durable before the call; a call that may have got through
 * is looked after (`verify`) before it is made again, and is marked where nobody can tell; whatever is known is journaled
 * before anything else happens to the action.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { counted } from '../../core/counted.ts'
import type { Action } from '../../core/action.ts'
import type { Clock } from '../../core/ports/clock.ts'
import {
  ConnectorRefusedError,
  ConnectorUnavailableError,
  type ConnectorAction,
  type ConnectorContext,
  type ConnectorResult,
  type Verification,
} from '../../core/ports/connector.ts'
import type { ActionEntry } from './book.ts'
import { kept, successOf, type Changes } from './attempt-told.ts'
import { callOut, codeOf, isRetryable, mayBeDone, spell } from './call-out.ts'
import { verifying } from './progress.ts'

const firstRetryMs = 500
const retryMsMax = 60_000
const firstLookMs = 5
const lookMsMax = 250
const verifyMsDefault = 30_000
/** Between the two looks that a proof is taken back by. */
const confirmMs = 500
/** A proof that takes longer than this gets a record of its own that it is being waited for. */
const patienceMs = 1_000
/** Past an open intent's timeout, for clocks that differ a little. */
const marginMs = 250
/** What brings its own process down each time must end; a process that is restarted now and then loses nothing by it. */
const cutOffsMax = 20

/** Resolves once the next version of the action is durable, and returns it. */
export type Tell = (changes: Changes) => Promise<Action>

export interface AttemptTools {
  readonly clock: Clock
  /** Aborts when nothing outside may be done any more. */
  readonly signal: AbortSignal
  /** True once nothing new shall be begun. */
  stopping(): boolean
  /** Spreads retries; 0 to 1. */
  random(): number
}

export class Attempt {
  readonly #entry: ActionEntry
  readonly #port: ConnectorAction
  readonly #tell: Tell
  readonly #tools: AttemptTools
  #action: Action

  constructor(entry: ActionEntry, action: Action, port: ConnectorAction, tell: Tell, tools: AttemptTools) {
    this.#entry = entry
    this.#action = action
    this.#port = port
    this.#tell = async (changes) => (this.#action = await tell(changes))
    this.#tools = tools
  }

  /** From `reserved`: does it. */
  async begin(): Promise<void> {
    const { possiblyRepeated } = this.#action
    // An earlier attempt may have got through: whoever can tell is asked first.
    if (possiblyRepeated && this.#port.verify !== undefined) {
      const seen = await this.#look()
      if (seen?.state === 'done') return this.#succeeded(seen, undefined, this.#sinceFirstMs())
      if (seen?.state === 'not-done') return this.#try(false)
    }
    return this.#try(possiblyRepeated)
  }

  /**
   * From `attempted` without a result: the process that made the call is gone. Until when to wait before trying again;
   * undefined where that is settled.
   */
  async recover(): Promise<number | undefined> {
    const { attemptedMs = this.#tools.clock.nowMs() } = this.#entry
    const overMs = attemptedMs + this.#port.timeoutMs + marginMs
    const nowMs = this.#tools.clock.nowMs()
    const seen = this.#port.verify === undefined ? undefined : await this.#look()
    if (seen?.state === 'done') {
      await this.#succeeded(seen, undefined, this.#sinceFirstMs())
      return undefined
    }
    // The call may still be on its way.
    if (nowMs < overMs) return overMs
    if (seen === undefined && this.#port.verify !== undefined && nowMs < overMs + this.#verifyMs)
      return nowMs + lookMsMax * 4
    const cutOffs = (this.#action.cutOffs ?? 0) + 1
    if (cutOffs > cutOffsMax) {
      await this.#tell({
        state: 'failed',
        reason: 'ATTEMPTS_SPENT',
        summary: `Cut off ${counted(cutOffs, 'time')} by the end of the process that did it; nobody can tell whether it was done.`,
      })
      return undefined
    }
    await this.#try(seen?.state !== 'not-done', cutOffs)
    return undefined
  }

  /** From `done` while the proof is outstanding. */
  async prove(): Promise<void> {
    const startMs = this.#entry.attemptedMs ?? this.#tools.clock.nowMs()
    await this.#prove(startMs, startMs, undefined)
  }

  /**
   * Whether what was proven still holds: `not-done` only where the other side says so twice, a moment apart; undefined where
   * it can't be asked now.
   */
  async stillHolds(): Promise<Verification | undefined> {
    const seen = await this.#look()
    if (seen?.state !== 'not-done' || this.#tools.stopping()) return seen
    await pause(confirmMs, undefined, { signal: this.#tools.signal }).catch(() => undefined)
    return this.#look()
  }

  #sinceFirstMs(): number | undefined {
    const { firstAttemptMs } = this.#entry
    return firstAttemptMs === undefined || !this.#entry.verify ? undefined : this.#tools.clock.nowMs() - firstAttemptMs
  }

  /**
   * A message given up may still be on its way: only after this is its absence on the other side a proof. A deed done twice
   * does no harm, and does not wait.
   */
  get #settleMs(): number {
    return this.#port.once === 'readable' && !this.#action.destructive ? this.#port.timeoutMs : 0
  }

  get #verifyMs(): number {
    return this.#port.verifyMsMax ?? verifyMsDefault
  }

  /** Attempts that count: those that were cut off by our own end say nothing of the other side. */
  #counted(attempt: number): number {
    return attempt - (this.#action.cutOffs ?? 0)
  }

  async #try(possiblyRepeated: boolean, cutOffs = this.#action.cutOffs): Promise<void> {
    const attempt = this.#action.attempt + 1
    if (this.#port.check !== undefined && !(await this.#mayStill(attempt, this.#port.check.bind(this.#port)))) return
    if (this.#tools.stopping()) return
    await this.#tell({
      state: 'attempted',
      attempt,
      possiblyRepeated,
      ...(cutOffs === undefined ? {} : { cutOffs }),
      summary: `Attempt ${attempt}: ${this.#entry.what}`.slice(0, 500),
      reason: undefined,
      details: undefined,
    })
    // What was journaled but not begun is found as an open intent by the next owner.
    if (this.#tools.signal.aborted) return
    const startMs = this.#tools.clock.nowMs()
    let result: ConnectorResult
    try {
      result = await this.#call((context) => this.#do(context))
    } catch (error) {
      await this.#failed(error)
      return
    }
    if (this.#entry.verify) await this.#prove(startMs, this.#entry.firstAttemptMs ?? startMs, result)
    else await this.#succeeded({ state: 'done', summary: result.summary, details: result.details }, result)
  }

  async #mayStill(attempt: number, check: NonNullable<ConnectorAction['check']>): Promise<boolean> {
    try {
      await this.#call((context) => check(this.#action.args, context))
      return true
    } catch (error) {
      if (this.#tools.signal.aborted) return false
      if (isRetryable(error) && this.#counted(attempt) < this.#entry.attemptsMax)
        await this.#retryLater(error, attempt, this.#action.possiblyRepeated)
      else await this.#tell({ state: 'refused', attempt, reason: codeOf(error), summary: spell(error) })
      return false
    }
  }

  /** `<name>:undo` means the undo of the action `<name>`. */
  #do(context: ConnectorContext): Promise<ConnectorResult> {
    const { args, action, before } = this.#action
    if (!action.endsWith(':undo')) return this.#port.do(args, context)
    if (this.#port.undo === undefined) throw new ConnectorRefusedError('It can not be undone.')
    return this.#port.undo(args, before, context)
  }

  async #failed(error: unknown): Promise<void> {
    // The process is going down or was fenced off: what happened is for the next owner to find out.
    if (this.#tools.signal.aborted) return
    const { attempt } = this.#action
    if (isRetryable(error) && this.#counted(attempt) < this.#entry.attemptsMax)
      await this.#retryLater(error, attempt, mayBeDone(error))
    else
      await this.#tell({
        state: 'failed',
        reason: codeOf(error),
        summary: `Given up after attempt ${attempt}: ${spell(error)}`,
      })
  }

  async #retryLater(error: unknown, attempt: number, possiblyRepeated: boolean): Promise<void> {
    const asked = error instanceof ConnectorUnavailableError ? error.retryAfterMs : undefined
    const backoffMs =
      Math.min(firstRetryMs * 2 ** (this.#counted(attempt) - 1), retryMsMax) * (0.75 + this.#tools.random() / 2)
    const settleMs = possiblyRepeated ? this.#settleMs : 0
    const retryAtMs = Math.round(this.#tools.clock.nowMs() + Math.max(asked ?? 0, backoffMs, settleMs))
    await this.#tell({
      state: 'reserved',
      attempt,
      possiblyRepeated: this.#action.possiblyRepeated || possiblyRepeated,
      reason: codeOf(error),
      summary: `Attempt ${attempt} failed: ${spell(error)} Again at ${new Date(retryAtMs).toISOString()}.`.slice(
        0,
        500,
      ),
      details: { retryAtMs },
    })
  }

  /** Looks again and again until the proof is there, or the time for it is over. */
  async #prove(startMs: number, firstMs: number, result: ConnectorResult | undefined): Promise<void> {
    const deadlineMs = startMs + this.#verifyMs
    let announced = this.#action.reason === verifying
    for (let lookMs = firstLookMs; ; lookMs = Math.min(lookMs * 2, lookMsMax)) {
      const seen = await this.#look()
      if (this.#tools.signal.aborted) return
      if (seen?.state === 'done') {
        await this.#succeeded(seen, result, this.#tools.clock.nowMs() - firstMs)
        return
      }
      if (seen?.state === 'unknown') {
        await this.#tell({
          state: 'done',
          reason: 'NOT_VERIFIABLE',
          summary: `${result?.summary ?? 'Done.'} It could not be proven: ${seen.summary}`.slice(0, 500),
          ...kept(result),
        })
        return
      }
      const nowMs = this.#tools.clock.nowMs()
      if (nowMs >= deadlineMs) {
        const last = seen?.summary ?? 'nobody can be asked.'
        const summary = `It was ordered, but not proven within ${this.#verifyMs} ms: ${last}`.slice(0, 500)
        await this.#tell({ state: 'failed', reason: 'NOT_VERIFIED', summary, ...kept(result) })
        return
      }
      if (!announced && nowMs - startMs > patienceMs) {
        announced = true
        await this.#tell({
          state: 'done',
          reason: verifying,
          summary: `${result?.summary ?? 'Done.'} The proof is waited for.`.slice(0, 500),
          ...kept(result),
        })
      }
      if (this.#tools.stopping()) return
      await pause(lookMs, undefined, { signal: this.#tools.signal }).catch(() => undefined)
    }
  }

  async #succeeded(
    seen: Extract<Verification, { state: 'done' }>,
    result: ConnectorResult | undefined,
    tookMs?: number,
  ): Promise<void> {
    const nowMs = this.#tools.clock.nowMs()
    await this.#tell(successOf(this.#action, seen, result, { isProven: this.#entry.verify, tookMs, nowMs }))
  }

  /** What the other side says; undefined where it can't be asked now. */
  async #look(): Promise<Verification | undefined> {
    const verify = this.#port.verify?.bind(this.#port)
    if (verify === undefined) return { state: 'unknown', summary: 'The other side can not be asked.' }
    try {
      return await this.#call((context) => verify(this.#action.args, context))
    } catch (error) {
      if (isRetryable(error)) return undefined
      return { state: 'unknown', summary: spell(error) }
    }
  }

  #call<T>(work: (context: ConnectorContext) => Promise<T>): Promise<T> {
    const { id, attempt, possiblyRepeated } = this.#action
    const { timeoutMs } = this.#port
    return callOut(work, { idempotencyKey: id, attempt, possiblyRepeated }, timeoutMs, this.#tools.signal)
  }
}
