/**
 * All licenses and credentials in memory: what the hot path answers from.
 *
 * Fed in log order from warden.licenses. Promises: a record older than what is held changes nothing (a fenced-off licensing
 * may come late); a license's text is compiled once, not for each call; a lookup is one step for each id.
 */
import { sha256Hex, credentialId } from '../../core/ids.ts'
import {
  credentialOfPrincipal,
  modelsCovered,
  type CredentialState,
  type License,
  type LicenseRecord,
} from '../../core/license.ts'
import { compileBlocks } from '../../core/addresses.ts'
import type { KnownCredential, KnownLicense } from './known.ts'

const severity: Readonly<Record<CredentialState, number>> = { active: 0, suspended: 1, revoked: 2 }

export class LicenseMap {
  readonly #licenses = new Map<string, { readonly version: number; readonly license: KnownLicense }>()
  readonly #credentials = new Map<string, KnownCredential>()
  readonly #byPrincipal = new Map<string, Set<string>>()

  get credentials(): number {
    return this.#credentials.size
  }

  get licenses(): number {
    return this.#licenses.size
  }

  /** Takes a record in; false where something as new is held already. */
  apply(record: LicenseRecord): boolean {
    if (record.kind === 'license') {
      const { license, version } = record
      if ((this.#licenses.get(license.id)?.version ?? 0) >= version) return false
      this.#licenses.set(license.id, { version, license: compileLicense(license) })
      return true
    }
    const { credential, version } = record
    const before = this.#credentials.get(credential.id)
    if (before !== undefined && before.version >= version) return false
    if (before !== undefined) this.#unindex(before)
    const known: KnownCredential = {
      id: credential.id,
      tenant: credential.tenant,
      principal: credential.principal,
      licenseId: credential.licenseId,
      state: record.state,
      expiresAtMs: timeOf(credential.expiresAt),
      actionId: record.actionId,
      version,
    }
    this.#credentials.set(known.id, known)
    if (known.principal === '') return true
    const ids = this.#byPrincipal.get(known.principal)
    if (ids === undefined) this.#byPrincipal.set(known.principal, new Set([known.id]))
    else ids.add(known.id)
    return true
  }

  /** A tombstone: what is not known is denied. */
  remove(key: string): void {
    const slash = key.indexOf('/')
    const id = key.slice(slash + 1)
    if (key.startsWith('license/')) this.#licenses.delete(id)
    const credential = key.startsWith('credential/') ? this.#credentials.get(id) : undefined
    if (credential === undefined) return
    this.#unindex(credential)
    this.#credentials.delete(id)
  }

  license(id: string | undefined): KnownLicense | undefined {
    return id === undefined ? undefined : this.#licenses.get(id)?.license
  }

  credential(id: string): KnownCredential | undefined {
    return this.#credentials.get(id)
  }

  /**
   * The credential behind a secret. Gateways that log a key's SHA-256 in place of the key (LiteLLM does) have it ordered
   * off under the digest of that hash: whichever of the two stands worse counts.
   */
  bySecret(secret: string, hmacKey: Uint8Array): KnownCredential | undefined {
    const known = this.#credentials.get(credentialId(secret, hmacKey))
    const hashed = this.#credentials.get(credentialId(sha256Hex(secret), hmacKey))
    if (known === undefined || hashed === undefined) return known ?? hashed
    const [named, other] = known.licenseId === undefined ? [hashed, known] : [known, hashed]
    if (severity[other.state] <= severity[named.state]) return named
    return { ...named, state: other.state, actionId: other.actionId }
  }

  /** All credentials of a principal, the one that it is named after included. */
  ofPrincipal(principal: string): readonly KnownCredential[] {
    const ids = new Set(this.#byPrincipal.get(principal))
    const named = credentialOfPrincipal(principal)
    if (named !== undefined) ids.add(named)
    return [...ids].sort().flatMap((id) => this.#credentials.get(id) ?? [])
  }

  #unindex({ id, principal }: KnownCredential): void {
    const ids = this.#byPrincipal.get(principal)
    if (ids?.delete(id) === true && ids.size === 0) this.#byPrincipal.delete(principal)
  }
}

function compileLicense(license: License): KnownLicense {
  return {
    id: license.id,
    tenant: license.tenant,
    form: license.form,
    tier: license.tier,
    requestsPerSecondMax: license.requestsPerSecondMax,
    requestsPerMinuteMax: license.requestsPerMinuteMax,
    requestsPerDayMax: license.requestsPerDayMax,
    tokensPerDayMax: license.tokensPerDayMax,
    concurrencyMax: license.concurrencyMax,
    blocks: license.addresses === undefined ? undefined : compileBlocks(license.addresses),
    countries:
      license.countries === undefined ? undefined : new Set(license.countries.map((code) => code.toUpperCase())),
    validFromMs: timeOf(license.validFrom),
    validUntilMs: timeOf(license.validUntil),
    covers: modelsCovered(license.models),
  }
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}
