/**
 * The life of one credential: what an order or a registration makes of it.
 *
 * Pure. Promises: revoked is final; the same action or decision applied twice changes nothing; a reinstatement takes back
 * only what the action that it undoes has done: a suspension by another action stays in force; what is refused has a
 * reason of a bounded set.
 */
import type { Credential, CredentialState } from '../../core/license.ts'
import { canonicalDigest } from '../../core/ids.ts'
import type { Verb } from './commands.ts'

/** Ids of actions and decisions remembered of one credential, to tell a repetition. */
const rememberedMax = 64
/** Suspensions in force at a time that are told apart. */
const holdsMax = 32

/** State of one credential. */
export interface CredentialEntry {
  readonly version: number
  readonly updatedAt: string
  readonly credential: Credential
  readonly state: CredentialState
  readonly reason?: string | undefined
  readonly actionId?: string | undefined
  readonly arrivedMs?: number | undefined
  /** False while it is known only from an order. */
  readonly registered: boolean
  /** Actions whose suspension is in force, oldest first, each with its reason. */
  readonly holds: readonly Hold[]
  readonly applied: readonly string[]
  readonly puts: Puts
}

interface Hold {
  readonly actionId: string
  readonly reason?: string | undefined
}

/** Which decisions were applied to an entry. */
export interface Puts {
  /** The last from a file: a start publishes it again, and only a change of the file means something. */
  readonly file?: string | undefined
  readonly others: readonly string[]
}

export interface Order {
  readonly verb: Verb
  readonly tenant: string
  readonly actionId: string
  readonly reason: string | undefined
  readonly ifActionId: string | undefined
  readonly arrivedMs: number | undefined
}

export type Refusal =
  | 'repeated'
  | 'unchanged'
  | 'revoked-is-final'
  | 'foreign-tenant'
  | 'credential-unknown'
  | 'principal-unknown'
  | 'not-suspended'
  | 'not-put-by-that-action'
  | 'role-missing'
  | 'not-for-licensing'

/** What became of it. `shown`: whether anything that others see has changed. */
export type Change<Entry> =
  { readonly entry: Omit<Entry, 'version' | 'updatedAt'>; readonly shown: boolean } | { readonly refused: Refusal }

/** The scope whose orders reach across tenants. */
export const operator = 'operator'

export function obey(entry: CredentialEntry | undefined, id: string, order: Order): Change<CredentialEntry> {
  if (entry === undefined) return remember(id, order)
  // What nobody has registered belongs to nobody yet: any tenant's deny counts, and only its own is taken back.
  const own = order.tenant === operator || order.tenant === entry.credential.tenant
  if (!own && (entry.registered || order.verb === 'reinstate')) return { refused: 'foreign-tenant' }
  if (entry.applied.includes(order.actionId)) return { refused: 'repeated' }
  if (entry.state === 'revoked') return { refused: 'revoked-is-final' }
  if (order.verb === 'reinstate') return reinstate(entry, order)
  if (order.ifActionId !== undefined && order.ifActionId !== entry.actionId)
    return { refused: 'not-put-by-that-action' }
  const { actionId, reason, arrivedMs } = order
  const holds = order.verb === 'revoke' ? [] : [...entry.holds, { actionId, reason }].slice(-holdsMax)
  const state = order.verb === 'revoke' ? 'revoked' : 'suspended'
  return {
    entry: { ...entry, state, reason, actionId, arrivedMs, holds, applied: withLast(entry.applied, actionId) },
    shown: true,
  }
}

/** Nobody has registered it yet: that it must not be used is known all the same. */
function remember(id: string, order: Order): Change<CredentialEntry> {
  if (order.verb === 'reinstate') return { refused: 'credential-unknown' }
  if (order.ifActionId !== undefined) return { refused: 'not-put-by-that-action' }
  const { actionId, reason, arrivedMs } = order
  const suspended = order.verb === 'suspend'
  return {
    entry: {
      credential: { id, tenant: order.tenant, principal: '' },
      state: suspended ? 'suspended' : 'revoked',
      reason,
      actionId,
      arrivedMs,
      registered: false,
      holds: suspended ? [{ actionId, reason }] : [],
      applied: [actionId],
      puts: { others: [] },
    },
    shown: true,
  }
}

function reinstate(entry: CredentialEntry, order: Order): Change<CredentialEntry> {
  if (entry.state !== 'suspended') return { refused: 'not-suspended' }
  const { ifActionId, actionId, reason, arrivedMs } = order
  const holds = ifActionId === undefined ? [] : entry.holds.filter((hold) => hold.actionId !== ifActionId)
  if (holds.length === entry.holds.length && ifActionId !== undefined) return { refused: 'not-put-by-that-action' }
  const applied = withLast(entry.applied, actionId)
  const last = holds.at(-1)
  if (last === undefined) {
    return { entry: { ...entry, state: 'active', reason, actionId, arrivedMs, holds, applied }, shown: true }
  }
  const shown = last.actionId !== entry.actionId
  return { entry: { ...entry, reason: last.reason, actionId: last.actionId, holds, applied }, shown }
}

/** Registers it, or changes what is known of it; never its state. */
export function register(
  entry: CredentialEntry | undefined,
  credential: Credential,
  decision: { readonly id: string; readonly fromFile: boolean },
): Change<CredentialEntry> {
  if (entry === undefined) {
    const puts = withPut({ others: [] }, decision)
    return { entry: { credential, state: 'active', registered: true, holds: [], applied: [], puts }, shown: true }
  }
  // Who registers what another has only been told to refuse takes the refusal over: deny wins.
  if (entry.registered && entry.credential.tenant !== credential.tenant) return { refused: 'foreign-tenant' }
  if (wasPut(entry.puts, decision)) return { refused: 'repeated' }
  const shown = !entry.registered || canonicalDigest(entry.credential) !== canonicalDigest(credential)
  // What changes here is no news about the state: its arrival is not measured again.
  const { arrivedMs: _measured, ...rest } = entry
  return { entry: { ...rest, credential, registered: true, puts: withPut(entry.puts, decision) }, shown }
}

export function wasPut(puts: Puts, decision: { readonly id: string; readonly fromFile: boolean }): boolean {
  return decision.fromFile ? puts.file === decision.id : puts.others.includes(decision.id)
}

export function withPut(puts: Puts, decision: { readonly id: string; readonly fromFile: boolean }): Puts {
  return decision.fromFile ? { ...puts, file: decision.id } : { ...puts, others: withLast(puts.others, decision.id) }
}

function withLast(ids: readonly string[], id: string): readonly string[] {
  return [...ids.slice(-(rememberedMax - 1)), id]
}
