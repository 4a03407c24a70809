/**
 * Answers gateways: looks up, decides, counts.
 *
 * One per process. Promises: looking up, deciding and counting a call happen in one turn, so no two calls take the same
 * room; a caller that speaks for one tenant learns nothing of another's credentials.
 */
import { randomUUID } from 'node:crypto'
import type { CredentialState } from '../../core/license.ts'
import { bareSecret } from '../../engine/sources/mapping-context.ts'
import { decide, type Call, type Code, type Obligation } from './decide.ts'
import type { KnownCredential } from './known.ts'
import type { LicenseMap } from './license-map.ts'
import type { UsageBook } from './usage-book.ts'

/** Which credential: as it was presented, or its id. */
export interface Presented {
  readonly credential?: string | undefined
  readonly credentialId?: string | undefined
}

export interface Answer {
  readonly decision: 'allow' | 'deny' | 'throttle'
  readonly code: Code
  readonly message: string
  readonly obligations: readonly Obligation[]
  readonly retryAfterMs?: number
  readonly lease?: { readonly id: string; readonly expiresAt: string }
  readonly tenant?: string
  readonly principal?: string
}

export interface UsageReport extends Presented {
  readonly lease?: string | undefined
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface UsageAnswer {
  /** The lease was under way here, and is not any more. */
  readonly closed: boolean
  /** The tokens were added; false for a repetition, and for what nobody knows. */
  readonly counted: boolean
}

export interface CredentialCheck {
  readonly credentialId: string
  readonly state: CredentialState | 'unknown'
  /** Of the credential alone: what a call with it would meet first. */
  readonly decision: 'allow' | 'deny'
  readonly actionId?: string
}

export interface AuthorizerOptions {
  readonly map: LicenseMap
  readonly usage: UsageBook
  readonly hmacKey: Uint8Array
  readonly nowMs: () => number
}

export class Authorizer {
  readonly #options: AuthorizerOptions
  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** `tenant`: the only one that the caller speaks for. */
  authorize(presented: Presented, call: Call, tenant: string | undefined): Answer {
    const { map, usage, nowMs } = this.#options
    const now = nowMs()
    const known = this.#find(presented, tenant)
    const license = known === undefined ? undefined : map.license(known.licenseId)
    const verdict = decide(call, known, license, usage.read(license?.id, now), now)
    const { decision, code, message, obligations, retryAfterMs } = verdict
    const whose =
      known === undefined
        ? {}
        : { tenant: known.tenant, ...(known.principal === '' ? {} : { principal: known.principal }) }
    const answer: Answer = {
      decision,
      code,
      message,
      obligations,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...whose,
    }
    if (decision !== 'allow' || known === undefined || license === undefined) return answer
    const tokens = license.tokensPerDayMax === undefined ? 0 : (call.tokens ?? 0)
    usage.admit(license.id, tokens, now)
    if (!verdict.leased) return answer
    const lease = usage.lease(randomUUID(), { licenseId: license.id, credentialId: known.id, tokens }, now)
    return lease === undefined
      ? answer
      : { ...answer, lease: { id: lease.id, expiresAt: new Date(lease.expiresAtMs).toISOString() } }
  }

  /** A call has ended. */
  report(report: UsageReport, tenant: string | undefined): UsageAnswer {
    const { map, usage, nowMs } = this.#options
    const now = nowMs()
    usage.expire(now)
    const tokens = report.inputTokens + report.outputTokens
    const lease = report.lease === undefined ? undefined : usage.find(report.lease)
    if (lease === 'closed') return { closed: true, counted: false }
    if (lease !== undefined && this.#isOf(map.credential(lease.credentialId), tenant)) {
      usage.close(lease, tokens, now)
      return { closed: true, counted: true }
    }
    // The lease was another copy's, or has run out: the tokens count all the same.
    const license = map.license(this.#find(report, tenant)?.licenseId)
    if (license === undefined) return { closed: false, counted: false }
    usage.addTokens(license.id, tokens, now)
    return { closed: false, counted: true }
  }

  check(credentialId: string, tenant: string | undefined): CredentialCheck {
    const known = this.#find({ credentialId }, tenant)
    return known === undefined ? { credentialId, state: 'unknown', decision: 'deny' } : this.#checked(known)
  }

  checkPrincipal(principal: string, tenant: string | undefined): readonly CredentialCheck[] {
    return this.#options.map
      .ofPrincipal(principal)
      .filter((known) => this.#isOf(known, tenant))
      .map((known) => this.#checked(known))
  }

  #checked({ id, state, actionId, expiresAtMs }: KnownCredential): CredentialCheck {
    const expired = expiresAtMs !== undefined && this.#options.nowMs() >= expiresAtMs
    const decision = state === 'active' && !expired ? 'allow' : 'deny'
    return { credentialId: id, state, decision, ...(actionId === undefined ? {} : { actionId }) }
  }

  #find({ credential, credentialId }: Presented, tenant: string | undefined): KnownCredential | undefined {
    const { map, hmacKey } = this.#options
    const known =
      credential === undefined
        ? credentialId === undefined
          ? undefined
          : map.credential(credentialId)
        : map.bySecret(bareSecret(credential), hmacKey)
    return this.#isOf(known, tenant) ? known : undefined
  }

  #isOf(known: KnownCredential | undefined, tenant: string | undefined): boolean {
    return tenant === undefined || known?.tenant === tenant
  }
}
