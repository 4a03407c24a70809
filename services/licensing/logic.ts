/**
 * The licensing stage: owns licenses, credentials and their state.
 *
 * Stands between warden.license-commands (one log for all tenants, see commands.ts) and warden.licenses, which every copy
 * of authorize keeps in memory.
 *
 * Promises: an action of one tenant never touches a credential of another, the operator's reach all; a deny for a
 * credential that nobody knows yet is remembered; versions grow with the log, so a reader can tell old from new even if
 * this stage's state was lost; what is refused is counted with its reason and changes nothing.
 */
import type { Action } from '../../core/action.ts'
import type { Decision } from '../../core/decision.ts'
import { complaintText } from '../../core/form-words.ts'
import { canonicalDigest } from '../../core/ids.ts'
import { parseJson } from '../../core/json.ts'
import { credentialOfPrincipal, type License, type LicenseRecord } from '../../core/license.ts'
import { topics } from '../../core/topics.ts'
import type { KeyedState, Outcome, StageLogic, StageRecord, TaskContext } from '../../runtime/stage/stage.ts'
import { Command, OrderArgs, verbs } from './commands.ts'
import {
  obey,
  operator,
  register,
  wasPut,
  withPut,
  type Change,
  type CredentialEntry,
  type Order,
  type Puts,
} from './credential-book.ts'

interface LicenseEntry {
  readonly version: number
  readonly updatedAt: string
  readonly license: License
  readonly puts: Puts
}

/** Who publishes what stands in the configured files. */
export const fileAuthor = 'config:licensing.files'
/** What a person must be to change licenses and credentials; the HTTP edge asks the same. */
const adminRole = 'admin'
const reasonCharsMax = 500

export class LicensingLogic implements StageLogic {
  readonly #state: KeyedState
  /** Ids of the registered credentials by principal; drawn from the state. */
  readonly #byPrincipal = new Map<string, Set<string>>()

  constructor(context: Pick<TaskContext, 'state'>) {
    this.#state = context.state
    for (const [, entry] of this.#state.entries<CredentialEntry>('credential/')) this.#index(entry.credential)
  }

  record(record: StageRecord, out: Outcome): void {
    const parsed = parseJson(record.value)
    if (!parsed.ok) return out.deadLetter(parsed.code, parsed.message)
    const command = Command.safeParse(parsed.value)
    if (!command.success) return out.deadLetter('NOT_AN_EFFECT', `Not a command: ${complaintText(command.error)}`)
    if (command.data.kind === 'action') this.#obey(command.data.action, record, out)
    else this.#decide(command.data.decision, record, out)
  }

  #obey(action: Action, record: StageRecord, out: Outcome): void {
    if (action.connector !== 'licensing' || action.state !== 'attempted') return out.drop('not-for-licensing')
    if (!Object.hasOwn(verbs, action.action)) {
      return out.deadLetter('FIELD_INVALID', 'licensing has no action of that name.')
    }
    const args = OrderArgs.safeParse(action.args)
    if (!args.success)
      return out.deadLetter('FIELD_INVALID', `Arguments of ${action.action}: ${complaintText(args.error)}`)
    const order: Order = {
      verb: verbs[action.action as keyof typeof verbs],
      tenant: action.tenant,
      actionId: action.id,
      reason: plain(args.data.reason),
      ifActionId: args.data.ifActionId,
      arrivedMs: action.arrivedMs,
    }
    const ids =
      'credentialId' in args.data
        ? [args.data.credentialId]
        : this.#credentialsOf(args.data.principal, order.tenant, out)
    for (const id of ids) {
      const key = `credential/${id}`
      const entry = this.#state.get<CredentialEntry>(key)
      this.#applyCredential(key, entry, obey(entry, id, order), record, out)
    }
  }

  /** All known credentials of a principal, in an order that does not depend on when they came. */
  #credentialsOf(principal: string, tenant: string, out: Outcome): readonly string[] {
    if (tenant !== operator && !principal.startsWith(`${tenant}/`)) {
      out.drop('foreign-tenant')
      return []
    }
    const named = credentialOfPrincipal(principal)
    const ids = new Set(this.#byPrincipal.get(principal))
    if (named !== undefined) ids.add(named)
    if (ids.size === 0) out.drop('principal-unknown')
    return [...ids].sort()
  }

  #decide(decision: Decision, record: StageRecord, out: Outcome): void {
    if (decision.kind !== 'license.put' && decision.kind !== 'credential.put') return out.drop('not-for-licensing')
    if (!decision.roles.includes(adminRole)) return out.drop('role-missing')
    const { tenant } = decision.kind === 'license.put' ? decision.license : decision.credential
    if (decision.tenant !== tenant && decision.tenant !== operator) return out.drop('foreign-tenant')
    const put = { id: decision.id, fromFile: decision.by === fileAuthor }
    if (decision.kind === 'license.put') {
      this.#putLicense(decision.license, put, record, out)
      return
    }
    const { credential } = decision
    if (!credential.principal.startsWith(`${tenant}/`)) {
      return out.deadLetter('FIELD_INVALID', 'The principal of a credential begins with its tenant and a slash.')
    }
    const key = `credential/${credential.id}`
    const entry = this.#state.get<CredentialEntry>(key)
    this.#applyCredential(key, entry, register(entry, credential, put), record, out)
  }

  #putLicense(
    license: License,
    put: { readonly id: string; readonly fromFile: boolean },
    record: StageRecord,
    out: Outcome,
  ): void {
    const key = `license/${license.id}`
    const entry = this.#state.get<LicenseEntry>(key)
    if (entry !== undefined && entry.license.tenant !== license.tenant) return out.drop('foreign-tenant')
    if (entry !== undefined && wasPut(entry.puts, put)) return out.drop('repeated')
    const puts = withPut(entry?.puts ?? { others: [] }, put)
    if (entry !== undefined && canonicalDigest(entry.license) === canonicalDigest(license)) {
      this.#state.set(key, { ...entry, puts } satisfies LicenseEntry)
      return out.drop('unchanged')
    }
    const next: LicenseEntry = { license, puts, ...stamp(entry, record) }
    this.#state.set(key, next)
    const { version, updatedAt } = next
    const value: LicenseRecord = { kind: 'license', version, updatedAt, license }
    out.emit({ topic: topics.licenses, key, value })
  }

  #applyCredential(
    key: string,
    before: CredentialEntry | undefined,
    change: Change<CredentialEntry>,
    record: StageRecord,
    out: Outcome,
  ): void {
    if ('refused' in change) return out.drop(change.refused)
    const standing = change.shown || before === undefined ? stamp(before, record) : before
    const entry: CredentialEntry = { ...change.entry, version: standing.version, updatedAt: standing.updatedAt }
    this.#state.set(key, entry)
    if (before !== undefined) this.#unindex(before.credential)
    this.#index(entry.credential)
    if (!change.shown) return out.drop('unchanged')
    out.emit({ topic: topics.licenses, key, value: recordOf(entry) })
  }

  #unindex({ id, principal }: { readonly id: string; readonly principal: string }): void {
    const ids = this.#byPrincipal.get(principal)
    if (ids?.delete(id) === true && ids.size === 0) this.#byPrincipal.delete(principal)
  }

  #index({ id, principal }: { readonly id: string; readonly principal: string }): void {
    if (principal === '') return
    const ids = this.#byPrincipal.get(principal)
    if (ids === undefined) this.#byPrincipal.set(principal, new Set([id]))
    else ids.add(id)
  }
}

/** Versions follow the log: they also grow where the state was lost and is drawn from the log again. */
function stamp(
  before: { readonly version: number } | undefined,
  record: StageRecord,
): { version: number; updatedAt: string } {
  return {
    version: Math.max((before?.version ?? 0) + 1, record.offset + 1),
    updatedAt: new Date(record.appendedMs).toISOString(),
  }
}

function recordOf(entry: CredentialEntry): LicenseRecord {
  const { version, updatedAt, credential, state, reason, actionId, arrivedMs } = entry
  return {
    kind: 'credential',
    version,
    updatedAt,
    credential,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(actionId === undefined ? {} : { actionId }),
    ...(arrivedMs === undefined ? {} : { arrivedMs }),
  }
}

/** One bounded line: reasons quote what came from outside. */
function plain(reason: string | undefined): string | undefined {
  return reason?.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, reasonCharsMax)
}
