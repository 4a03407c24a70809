/**
 * Licenses and credentials: who may use which model, how much, from where, until when; and whether this key still may.
 *
 * Owned by licensing, distributed to every authorize over the compacted topic `warden.licenses`.
 */
import { z } from 'zod'
import { isCredentialId } from './ids.ts'

export const License = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  /** Model ids; `*` at the end stands for any rest. */
  models: z.array(z.string()),
  form: z.enum(['api', 'weights', 'training-data']),
  tier: z.enum(['trusted', 'standard', 'watched']).default('standard'),
  /** Of any second of the clock. */
  requestsPerSecondMax: z.int().positive().optional(),
  requestsPerMinuteMax: z.int().positive().optional(),
  requestsPerDayMax: z.int().positive().optional(),
  tokensPerDayMax: z.int().positive().optional(),
  concurrencyMax: z.int().positive().optional(),
  /** CIDR blocks; absent: anywhere. */
  addresses: z.array(z.string()).optional(),
  /** ISO 3166-1 alpha-2; absent: anywhere. */
  countries: z.array(z.string()).optional(),
  validFrom: z.iso.datetime().optional(),
  validUntil: z.iso.datetime().optional(),
  /** What a confidential environment must measure as, in hexadecimal, to run the model; absent: any environment. */
  measurements: z.array(z.string()).optional(),
  /** How faithful a copy of the model may become that its answers allow to train: a share of natural inputs. */
  copyFidelityMax: z.number().min(0.1).max(1).optional(),
})
export type License = z.infer<typeof License>

/**
 * Whether a license's models cover one; compiled once for many questions. A call that names no model is covered only where
 * all models are.
 */
export function modelsCovered(models: readonly string[]): (model: string | undefined) => boolean {
  const exact = new Set(models.filter((model) => !model.endsWith('*')))
  const prefixes = models.filter((model) => model.endsWith('*')).map((model) => model.slice(0, -1))
  const all = prefixes.includes('')
  return (model) =>
    all || (model !== undefined && (exact.has(model) || prefixes.some((prefix) => model.startsWith(prefix))))
}

export const credentialStates = ['active', 'suspended', 'revoked'] as const

export const Credential = z.strictObject({
  /** `hmac-…` of the secret: the secret itself is nowhere. */
  id: z.string(),
  tenant: z.string(),
  /** `tenant/user`. */
  principal: z.string(),
  licenseId: z.string().optional(),
  /** A few characters or a name that people recognize it by; never enough to use it. */
  label: z.string().optional(),
  expiresAt: z.iso.datetime().optional(),
})
export type Credential = z.infer<typeof Credential>

/** What stands on `warden.licenses`: keyed `license/<id>` and `credential/<id>`. */
export const LicenseRecord = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('license'),
    version: z.int().positive(),
    updatedAt: z.iso.datetime(),
    license: License,
  }),
  z.strictObject({
    kind: z.literal('credential'),
    version: z.int().positive(),
    updatedAt: z.iso.datetime(),
    credential: Credential,
    state: z.enum(credentialStates),
    /** Why it is in this state, and which action put it there. */
    reason: z.string().optional(),
    actionId: z.string().optional(),
    /** Arrival of the raw record that led here, ms since 1970. */
    arrivedMs: z.number().optional(),
  }),
])
export type LicenseRecord = z.infer<typeof LicenseRecord>
/** A record as it is told to those who read events: how it stands, without why. */
export function toldOf(record: LicenseRecord): LicenseRecord {
  if (record.kind === 'license') return record
  const { kind, version, updatedAt, credential, state } = record
  return { kind, version, updatedAt, credential, state }
}

export type CredentialState = (typeof credentialStates)[number]

/** From when on a credential is no good any more. */
export interface CredentialEnd {
  /** Whose credential it is; `operator`: nobody has registered it, and the operator has had it switched off. */
  readonly tenant: string
  readonly off?: { readonly state: Exclude<CredentialState, 'active'>; readonly sinceMs: number }
  readonly expiresAtMs?: number
}

/**
 * The credential that a principal is named after: a principal without a user is `<tenant>/<credential id>`.
 */
export function credentialOfPrincipal(principal: string): string | undefined {
  const name = principal.slice(principal.indexOf('/') + 1)
  return isCredentialId(name) ? name : undefined
}
