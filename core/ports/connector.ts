/**
 * A connector reaches one system outside: mail, chat, a webhook, a cloud, an identity provider.
 *
 * Promises: `do` is called with an idempotency key that stays the same over every attempt; it may be called again after
 * a crash, but only after `verify`, where there is one, has said that nothing happened. No secret appears in a result,
 * an error or a description.
 */
import { WardenError } from '../errors.ts'
import type { z } from 'zod'

export interface ConnectorContext {
  /** Derived from incident, playbook version and step: the same for every attempt. */
  readonly idempotencyKey: string
  /** 1 for the first attempt. */
  readonly attempt: number
  /** True where an earlier attempt may have reached the other side without our hearing so. */
  readonly possiblyRepeated: boolean
  /** Aborts at the action's timeout or when the process stops. */
  readonly signal: AbortSignal
}

export interface ConnectorResult {
  /** One sentence for the incident's timeline. */
  readonly summary: string
  /** Facts to keep: ids that the other side gave, the time it took. Bounded; no secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
  /** What an undo needs: the state before. */
  readonly before?: Readonly<Record<string, string | number | boolean>>
}

export type Verification =
  | { readonly state: 'done'; readonly summary: string; readonly details?: ConnectorResult['details'] }
  | { readonly state: 'not-done'; readonly summary: string }
  /** The other side can't tell. */
  | { readonly state: 'unknown'; readonly summary: string }

/** One named action of a connector. `Args` is what the playbook's templated arguments parse to. */
export interface ConnectorAction<Args = unknown> {
  readonly args: z.ZodType<Args>
  /** Whether it takes something away from somebody: such actions ship in dry run and count against the caps. */
  readonly destructive: boolean
  /** `key`: the other side honors the idempotency key. `readable`: `verify` can tell. `none`: a repeat is possible. */
  readonly once: 'key' | 'readable' | 'none'
  readonly timeoutMs: number
  /** What it would do, in one sentence: the dry run. */
  describe(args: Args): string
  /** What it changes, to serialize commands on the same target, e.g. `credential:hmac-…`. */
  target(args: Args): string
  do(args: Args, context: ConnectorContext): Promise<ConnectorResult>
  verify?(args: Args, context: ConnectorContext): Promise<Verification>
  undo?(args: Args, before: ConnectorResult['before'], context: ConnectorContext): Promise<ConnectorResult>
  /**
   * Looks, before the intent is journaled, whether it may still be done; rejects with ConnectorRefusedError where not,
   * e.g. because somebody else has changed the target since.
   */
  check?(args: Args, context: ConnectorContext): Promise<void>
  /** Where taking it back is a command of its own, journaled and obeyed like any other: which, with which arguments. */
  undoAs?(args: Args, done: DoneAction): { readonly action: string; readonly args: unknown }
  /** How long `verify` is asked again while it says `not-done` right after `do`. Default: 30,000. */
  readonly verifyMsMax?: number
}

/** What is known of an action that is to be taken back. */
export interface DoneAction {
  readonly actionId: string
  readonly before: ConnectorResult['before']
}

export interface Connector {
  readonly name: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each action has its own argument type; callers parse first
  readonly actions: Readonly<Record<string, ConnectorAction<any>>>
  /** How many of its calls may run side by side. Default 4. */
  readonly concurrency?: number
  /** Whether the other side answers and accepts our credentials. */
  probe(): Promise<{ readonly ok: boolean; readonly summary: string }>
  close?(): Promise<void>
}

/** The other side can't be reached now, or asks to wait. */
export class ConnectorUnavailableError extends WardenError {
  override readonly code = 'CONNECTOR_UNAVAILABLE'
  override readonly retryable = true
  /** How long the other side asked us to wait. */
  readonly retryAfterMs: number | undefined
  /** Whether the call may have taken effect all the same. Unless the connector knows better: it may. */
  readonly maybeDone: boolean
  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number; maybeDone?: boolean } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
    this.maybeDone = options.maybeDone ?? true
  }
}

/** The other side refuses for good: bad credentials, an unknown target, an address that is not allowed. */
export class ConnectorRefusedError extends WardenError {
  override readonly code = 'CONNECTOR_REFUSED'
  override readonly retryable = false
}
