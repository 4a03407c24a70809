/**
 * Licenses and credentials as a stage's own log has told them so far (control records, see core/control.ts).
 *
 * Kept in the task's state, so that a restart does not change what is known at a place in the log. A stage that has no use
 * for licenses themselves keeps credentials alone.
 */
import type { CredentialEnd, License, LicenseRecord } from '../core/license.ts'
import type { KeyedState } from './stage/stage.ts'

/** Credentials, and licenses, kept; those told past it are not known. */
const knownMax = 1_000_000

const prefixes = { license: 'told-license/', credential: 'told-credential/' } as const

interface KnownLicense {
  readonly version: number
  readonly license: License
}

interface KnownCredential {
  readonly version: number
  readonly licenseId?: string
  /** Only where there is an end to it. */
  readonly end?: CredentialEnd
  /** Only where somebody has it, and the stage asks for no more than credentials. */
  readonly owner?: CredentialOwner
}

interface CredentialOwner {
  readonly principal: string
  readonly sinceMs: number
}

/** `stale`: not newer than what is held. `full`: there is no room for it. */
export type Told = 'news' | 'stale' | 'full'

export class ToldLicenses {
  readonly #state: KeyedState
  readonly #keeps: 'all' | 'credentials'
  readonly #licenses = new Map<string, KnownLicense>()
  readonly #credentials = new Map<string, KnownCredential>()

  constructor(state: KeyedState, keeps: 'all' | 'credentials') {
    this.#state = state
    this.#keeps = keeps
    for (const [key, known] of state.entries<KnownLicense>(prefixes.license))
      this.#licenses.set(key.slice(prefixes.license.length), known)
    for (const [key, known] of state.entries<KnownCredential>(prefixes.credential))
      this.#credentials.set(key.slice(prefixes.credential.length), known)
  }

  take(record: LicenseRecord): Told {
    const { version } = record
    if (record.kind === 'credential') {
      const { id, licenseId } = record.credential
      const held = this.#credentials.get(id)
      const end = endOf(record, held?.end)
      const owner = this.#keeps === 'credentials' ? ownerOf(record, held?.owner) : undefined
      const known = {
        version,
        ...(licenseId === undefined ? {} : { licenseId }),
        ...(end === undefined ? {} : { end }),
        ...(owner === undefined ? {} : { owner }),
      }
      // Kept by a version that took no note of ends and owners: told again, it is made whole.
      const lacksEnd = held?.end === undefined && end !== undefined
      const lacksOwner = held?.owner === undefined && owner !== undefined
      return this.#put(
        'credential',
        this.#credentials,
        id,
        known,
        held?.version === version && (lacksEnd || lacksOwner),
      )
    }
    if (this.#keeps === 'credentials') return 'stale'
    return this.#put('license', this.#licenses, record.license.id, { version, license: record.license })
  }

  /** The license that a credential points to, whether it is known or not. */
  licenseOf(credentialId: string): string | undefined {
    return this.#credentials.get(credentialId)?.licenseId
  }

  /** When and how it ended, or will end; undefined: not known, or without an end. */
  endOf(credentialId: string): CredentialEnd | undefined {
    return this.#credentials.get(credentialId)?.end
  }

  /** From when on a credential is whose it is now; -Infinity: nobody has registered it. */
  ownedSinceMs(credentialId: string): number {
    return this.#credentials.get(credentialId)?.owner?.sinceMs ?? -Infinity
  }

  license(id: string): License | undefined {
    return this.#licenses.get(id)?.license
  }

  /** All of them, in the order of their ids. */
  licenses(): readonly License[] {
    return [...this.#licenses].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, { license }]) => license)
  }

  #put<Known extends { readonly version: number }>(
    kind: keyof typeof prefixes,
    all: Map<string, Known>,
    id: string,
    known: Known,
    again = false,
  ): Told {
    const held = all.get(id)
    if (held !== undefined && held.version >= known.version && !again) return 'stale'
    if (held === undefined && all.size >= knownMax) return 'full'
    all.set(id, known)
    this.#state.set(prefixes[kind] + id, known)
    return 'news'
  }
}

/** What is told again of a credential that is off, such as another label, does not make it off from then on only. */
function endOf(
  { credential, state, updatedAt }: Extract<LicenseRecord, { kind: 'credential' }>,
  before: CredentialEnd | undefined,
): CredentialEnd | undefined {
  const { tenant, expiresAt } = credential
  const sinceMs = Math.min(Date.parse(updatedAt), before?.off?.sinceMs ?? Infinity)
  if (state === 'active' && expiresAt === undefined) return undefined
  return {
    tenant,
    ...(state === 'active' ? {} : { off: { state, sinceMs } }),
    ...(expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) }),
  }
}

/** Another label, license or state makes it nobody else's. */
function ownerOf(
  { credential: { principal }, updatedAt }: Extract<LicenseRecord, { kind: 'credential' }>,
  before: CredentialOwner | undefined,
): CredentialOwner | undefined {
  if (principal === '') return undefined
  return before?.principal === principal ? before : { principal, sinceMs: Date.parse(updatedAt) }
}
