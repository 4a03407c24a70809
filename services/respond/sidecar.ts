/**
 * The sidecar: does what the steps have let go, outside of the log, and journals what came of it.
 *
 * Stands beside one task. Promises: nothing is done before this owner's claim has come back through the log, so all that
 * earlier owners journaled is known; commands on one target go one after the other; a connector that is down holds back
 * its own actions only; once fenced off, everything under way is broken off and nothing more is begun.
 */
import { randomUUID } from 'node:crypto'
import type { Action } from '../../core/action.ts'
import type { Policy } from '../../core/effect.ts'
import { describeError, FencedError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { ConnectorAction } from '../../core/ports/connector.ts'
import { headers, topics } from '../../core/topics.ts'
import type { Log } from '../../runtime/log.ts'
import type { Sidecar, SidecarContext } from '../../runtime/stage/stage.ts'
import type { Telemetry } from '../../runtime/telemetry.ts'
import { Attempt, type AttemptTools, type Tell } from './attempt.ts'
import { Book, type ActionEntry } from './book.ts'
import type { Catalog } from './catalog.ts'
import { Journal } from './journal.ts'
import { isAhead, isSettled, verifying } from './progress.ts'
import { isWatched, nextLookMs, revived } from './watch.ts'

export type PolicySettings = Omit<Policy, 'claim' | 'at'>

export interface SidecarDependencies {
  readonly catalog: Catalog
  readonly policy: PolicySettings
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  /** How soon after its proof a deed is looked at again. */
  readonly lookAgainMs: number
}

const concurrencyDefault = 4
/** Pause after a bug in the sidecar itself, so that it does not spin. */
const bugPauseMs = 5_000
/** Where nobody could be asked whether a deed still holds. */
const askAgainMs = 60_000
/** A timer of Node's can't be set for longer than 24.8 days. */
const timerMsMax = 86_400_000

export class RespondSidecar implements Sidecar {
  readonly #context: SidecarContext
  readonly #deps: SidecarDependencies
  readonly #book: Book
  readonly #journal: Journal
  readonly #claim = randomUUID()
  readonly #over = new AbortController()
  /** What was journaled and has not come back through the log yet. */
  readonly #told = new Map<string, Action>()
  readonly #busy = new Map<string, { readonly connector: string; readonly ended: Promise<void> }>()
  readonly #notBefore = new Map<string, number>()
  /** When a proven deed was last looked at by this owner. */
  readonly #looked = new Map<string, number>()
  /** Of this list of proven deeds none is to be looked at before. */
  #rests: { readonly list: readonly string[]; readonly untilMs: number } | undefined
  #stopping = false
  #timer: NodeJS.Timeout | undefined

  constructor(context: SidecarContext, deps: SidecarDependencies) {
    this.#context = context
    this.#deps = { ...deps, log: deps.log.with({ stage: context.stage, partition: context.at.partition }) }
    this.#book = new Book(context.state)
    this.#journal = new Journal((records) => context.journal(records), this.#over.signal, this.#deps.log)
    const end = (): void => {
      this.#end()
    }
    if (context.signal.aborted) end()
    else context.signal.addEventListener('abort', end, { once: true })
    void this.#claimPartition()
  }

  changed(): void {
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    await Promise.all([...this.#busy.values()].map(({ ended }) => ended))
  }

  pending(): number {
    return (this.#hasClaim() ? 0 : 1) + this.#book.open().length
  }

  #end(): void {
    this.#stopping = true
    clearTimeout(this.#timer)
    this.#over.abort(new FencedError('The partition is not ours any more.'))
  }

  #hasClaim(): boolean {
    return this.#book.policy()?.claim === this.#claim
  }

  /** Puts this owner's bounds on record. Its coming back shows that the log has been read past all earlier owners. */
  async #claimPartition(): Promise<void> {
    const policy: Policy = { ...this.#deps.policy, claim: this.#claim, at: this.#now() }
    try {
      await this.#append('operator', { kind: 'policy', policy })
    } catch (error) {
      this.#deps.log.debug('the partition was lost before it was claimed', { error: describeError(error) })
    }
  }

  /** Begins what may begin now, and wakes up for what may later. */
  #pump(): void {
    if (this.#stopping || !this.#hasClaim()) return
    const nowMs = this.#deps.clock.nowMs()
    for (const id of this.#told.keys()) this.#forgetIfKnown(id)
    const taken = new Set<string>()
    let wakeMs = Infinity
    for (const id of this.#book.open()) {
      const entry = this.#book.action(id)
      if (entry === undefined) continue
      const action = this.#latest(entry)
      if (isSettled(action)) continue
      const { target } = action
      // What changes a target waits for what changed it before, to its end; messages only queue for their connector.
      const isSerial = action.destructive || entry.undoOf !== undefined
      if (isSerial && taken.has(target)) continue
      if (isSerial) taken.add(target)
      if (this.#busy.has(id)) continue
      if (action.state === 'reserved' && this.#book.stopped() && entry.undoOf === undefined) continue
      const readyMs = this.#readyMs(entry, action)
      if (readyMs > nowMs) wakeMs = Math.min(wakeMs, readyMs)
      else if (this.#hasRoom(action.connector)) this.#begin(entry, action)
    }
    wakeMs = Math.min(wakeMs, this.#watch(nowMs))
    clearTimeout(this.#timer)
    if (wakeMs !== Infinity) {
      this.#timer = setTimeout(
        () => {
          this.#pump()
        },
        Math.min(Math.max(1, wakeMs - nowMs), timerMsMax),
      )
    }
  }

  /** Looks again at what was proven where it is time. When the next one is due. */
  #watch(nowMs: number): number {
    const list = this.#book.watched()
    if (list === this.#rests?.list && nowMs < this.#rests.untilMs) return this.#rests.untilMs
    let wakeMs = list.length === 0 ? Infinity : nowMs + askAgainMs
    let rests = true
    for (const id of list) {
      const entry = this.#book.action(id)
      if (entry === undefined || !isWatched(entry)) continue
      const { action, settledMs = nowMs } = entry
      const nextMs = nextLookMs(settledMs, this.#looked.get(id), this.#deps.lookAgainMs)
      const dueMs = Math.max(nextMs, this.#notBefore.get(id) ?? 0)
      if (!this.#busy.has(id) && dueMs > nowMs) wakeMs = Math.min(wakeMs, dueMs)
      else {
        rests = false
        if (!this.#busy.has(id) && this.#hasRoom(action.connector))
          this.#begin(entry, action, () => this.#lookAgain(entry))
      }
    }
    this.#rests = rests ? { list, untilMs: wakeMs } : undefined
    return wakeMs
  }

  async #lookAgain(entry: ActionEntry): Promise<void> {
    const { action } = entry
    const { id, attempt, at } = action
    const port = this.#portOf(action)
    const tell = this.#tellOf(action)
    const seen =
      port === undefined ? undefined : await new Attempt(entry, action, port, tell, this.#tools()).stillHolds()
    const nowMs = this.#deps.clock.nowMs()
    if (seen === undefined || seen.state === 'unknown') this.#notBefore.set(id, nowMs + askAgainMs)
    else this.#looked.set(id, nowMs)
    // Meanwhile somebody may have asked for it back.
    const known = this.#book.action(id)
    if (seen?.state !== 'not-done' || known === undefined || !isWatched(known)) return
    const summary = `It was proven at ${at}, and holds no more: ${seen.summary} Nobody has taken it back here; somebody has elsewhere.`
    await tell({ state: 'failed', attempt, reason: revived, summary: summary.slice(0, 500) })
  }

  /** The latest version, whether it has come back through the log or not. */
  #latest({ action }: ActionEntry): Action {
    return this.#told.get(action.id) ?? action
  }

  #forgetIfKnown(id: string): void {
    const told = this.#told.get(id)
    const entry = this.#book.action(id)
    if (told === undefined || entry === undefined || !isAhead(told, entry.action)) this.#told.delete(id)
  }

  #readyMs(entry: ActionEntry, action: Action): number {
    const notBefore = this.#notBefore.get(action.id) ?? 0
    const retryAtMs = action.state === 'reserved' ? (action.details?.['retryAtMs'] ?? entry.retryAtMs) : undefined
    return Math.max(notBefore, typeof retryAtMs === 'number' ? retryAtMs : 0)
  }

  #hasRoom(connector: string): boolean {
    const max = this.#deps.catalog.connector(connector)?.concurrency ?? concurrencyDefault
    let busy = 0
    for (const each of this.#busy.values()) if (each.connector === connector) busy++
    return busy < max
  }

  #begin(entry: ActionEntry, action: Action, doWork = () => this.#work(entry, action)): void {
    const { id, connector } = action
    this.#notBefore.delete(id)
    const work = doWork()
      .catch((error: unknown) => {
        if (error instanceof FencedError) this.#end()
        else if (!this.#over.signal.aborted) {
          this.#notBefore.set(id, this.#deps.clock.nowMs() + bugPauseMs)
          this.#deps.log.error('an action could not be handled; trying again', {
            action: id,
            error: describeError(error),
          })
        }
      })
      .then(() => {
        this.#busy.delete(id)
        // What has changed is on its way back through the log, but room for others is free now.
        setImmediate(() => {
          this.#pump()
        })
      })
    this.#busy.set(id, { connector, ended: work })
  }

  async #work(entry: ActionEntry, action: Action): Promise<void> {
    const port = this.#portOf(action)
    const tell = this.#tellOf(action)
    if (port === undefined) {
      await tell({
        state: 'failed',
        attempt: Math.max(1, action.attempt),
        reason: 'NO_SUCH_ACTION',
        summary: `No connector has the action ${action.connector}.${action.action} any more.`,
      })
      return
    }
    const attempt = new Attempt(entry, action, port, tell, this.#tools())
    if (action.state === 'reserved') await attempt.begin()
    else if (action.state === 'done' && action.reason === verifying) await attempt.prove()
    else {
      const againMs = await attempt.recover()
      if (againMs !== undefined) this.#notBefore.set(action.id, againMs)
    }
  }

  #tools(): AttemptTools {
    return { clock: this.#deps.clock, signal: this.#over.signal, stopping: () => this.#stopping, random: Math.random }
  }

  #portOf({ connector, action }: Action): ConnectorAction | undefined {
    return this.#deps.catalog.find(connector, action.replace(/:undo$/, ''))?.port
  }

  /** Appends the next version of an action, above all that is known of it. */
  #tellOf(start: Action): Tell {
    let latest = start
    return async ({ reason, details, ...changes }) => {
      const known = this.#book.action(start.id)?.action.version ?? 0
      const { reason: _reason, details: _details, ...kept } = latest
      const next: Action = {
        ...kept,
        ...changes,
        version: Math.max(latest.version, known) + 1,
        at: this.#now(),
        ...(reason === undefined ? {} : { reason }),
        ...(details === undefined ? {} : { details }),
      }
      await this.#append(next.tenant, { kind: 'action', action: next }, next.arrivedMs)
      latest = next
      this.#told.set(next.id, next)
      this.#deps.telemetry.count('actions', { connector: next.connector, state: next.state })
      const provenAfterMs = next.details?.['provenAfterMs']
      if (typeof provenAfterMs === 'number')
        this.#deps.telemetry.observe('action_proven_seconds', { connector: next.connector }, provenAfterMs / 1_000)
      return next
    }
  }

  #append(tenant: string, value: unknown, arrivedMs = this.#deps.clock.nowMs()): Promise<void> {
    return this.#journal.append({
      topic: topics.effects,
      partition: this.#context.at.partition,
      key: tenant,
      value: JSON.stringify(value),
      headers: { [headers.arrived]: String(arrivedMs) },
    })
  }

  #now(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString()
  }
}
