/**
 * Which license a credential points to, as the log of events has told it so far.
 *
 * Kept in the task's state. Tasks of one process share the texts: each partition knows all credentials.
 */
import type { LicenseRecord } from '../../core/license.ts'
import type { KeyedState } from '../../runtime/stage.ts'

const prefix = 'credential/'
/** Credentials known; those told past it stand without a license. */
const credentialsMax = 1_000_000

interface Known {
  readonly version: number
  readonly licenseId?: string
}

export class KnownCredentials {
  readonly #state: KeyedState
  readonly #known = new Map<string, Known>()

  constructor(state: KeyedState) {
    this.#state = state
    for (const [key, value] of state.entries<Known>(prefix)) this.#known.set(key.slice(prefix.length), value)
  }

  licenseOf(credentialId: string): string | undefined {
    return this.#known.get(credentialId)?.licenseId
  }

  /** False where there is no room for it. */
  told(record: LicenseRecord): boolean {
    if (record.kind !== 'credential') return true
    const { version, credential } = record
    const held = this.#known.get(credential.id)
    if (held !== undefined && held.version >= version) return true
    if (held === undefined && this.#known.size >= credentialsMax) return false
    const known = { version, ...(credential.licenseId === undefined ? {} : { licenseId: credential.licenseId }) }
    this.#known.set(credential.id, known)
    this.#state.set(prefix + credential.id, known)
    return true
  }
}
