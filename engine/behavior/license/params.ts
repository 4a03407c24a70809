/**
 * The parameters of `license-use`, and what it reads from an event.
 */
import { z } from 'zod'
import type { License } from '../../../core/license.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'
import { Duration } from '../units.ts'

export const LicenseUseParams = z.strictObject({
  type: z.literal('license-use'),
  /** For clocks that differ: uses so soon after a credential was switched off are let pass. */
  switchOffGrace: Duration.prefault('2s'),
  /** Tiers whose licenses may ask for log-probabilities or steer logits. */
  logprobTiers: z.array(z.enum(['trusted', 'standard', 'watched'])).default(['trusted', 'standard', 'watched']),
})
export type LicenseUseParams = z.output<typeof LicenseUseParams>

/** One call, download or attestation, as it is held against a license. */
export interface Use {
  readonly timeMs: number
  readonly principal: string
  readonly tenant: string
  readonly form: License['form']
  readonly model: string | undefined
  readonly address: string | undefined
  readonly country: string | undefined
  readonly tokens: number
  /** How long the call took; 0 where that is not told. */
  readonly latencyMs: number
  /** It asked for log-probabilities, or for a bias on logits. */
  readonly logits: boolean
  /** What the environment measured as; only attestations have one. */
  readonly measurement: string | undefined
}

export type BreachKind =
  | 'revoked'
  | 'suspended'
  | 'credential-expired'
  | 'model'
  | 'tenancy'
  | 'form'
  | 'not-yet-valid'
  | 'expired'
  | 'address'
  | 'country'
  | 'tier'
  | 'environment'
  | 'rate-second'
  | 'rate-minute'
  | 'requests-day'
  | 'tokens-day'
  | 'concurrency'

/** What is wrong with a use by itself. */
export interface UseBreach {
  readonly kind: BreachKind
  readonly words: string
  /** The credential that is no good any more; undefined: the license does not allow it. */
  readonly credential?: string
}

/** What travels with a use to the step that counts. */
export interface JudgedUse {
  readonly use: Use
  /** Empty: a credential without a license, switched off. */
  readonly license: string
  readonly caps: Caps
  /** It is the license of all of a tenant: what is used of it is counted over all its principals. */
  readonly shared: boolean
  readonly breach: UseBreach | undefined
  readonly entities: readonly Entity[]
  readonly evidence: EvidenceRef
}

export interface Caps {
  readonly second: number | undefined
  readonly minute: number | undefined
  readonly day: number | undefined
  readonly tokensDay: number | undefined
  readonly concurrent: number | undefined
}
