/** Licenses and credentials in the form in which they are held against a call. */
import type { CredentialState, License } from '../../core/license.ts'
import type { AddressBlock } from '../../core/addresses.ts'

/** A license, ready to be held against a call. */
export interface KnownLicense {
  readonly id: string
  readonly tenant: string
  readonly form: License['form']
  readonly tier: License['tier']
  readonly requestsPerSecondMax: number | undefined
  readonly requestsPerMinuteMax: number | undefined
  readonly requestsPerDayMax: number | undefined
  readonly tokensPerDayMax: number | undefined
  readonly concurrencyMax: number | undefined
  /** Undefined: anywhere. */
  readonly blocks: readonly AddressBlock[] | undefined
  readonly countries: ReadonlySet<string> | undefined
  readonly validFromMs: number | undefined
  readonly validUntilMs: number | undefined
  /** A call that names no model is covered only where all models are. */
  covers(model: string | undefined): boolean
}

/** What is known of the credential that the call is made with. */
export interface Standing {
  readonly state: CredentialState
  readonly tenant: string
  /** ms since 1970. */
  readonly expiresAtMs: number | undefined
}

export interface KnownCredential extends Standing {
  readonly id: string
  readonly principal: string
  readonly licenseId: string | undefined
  readonly actionId: string | undefined
  readonly version: number
}
