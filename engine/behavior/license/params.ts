/**
 * The parameters of `license-use`, and what it reads from an event.
 */
import { z } from 'zod'
import type { License } from '../../../core/license.ts'
import type { Entity, EvidenceRef } from '../../../core/signal.ts'

export const LicenseUseParams = z.strictObject({
  type: z.literal('license-use'),
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

/** What travels with a use to the step that counts. */
export interface JudgedUse {
  readonly use: Use
  readonly license: string
  readonly caps: Caps
  /** It is the license of all of a tenant: what is used of it is counted over all its principals. */
  readonly shared: boolean
  /** What is wrong with it by itself. */
  readonly breach: { readonly kind: BreachKind; readonly words: string } | undefined
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
