/**
 * What the mapping of one record may use beside the record, and what it notes on its way.
 *
 * One is made per task and used again for each record, so that the mapping of a record makes no garbage of its own.
 */
import { credentialId, isCredentialId } from '../../core/ids.ts'

/** Digests remembered at most: as many as there are credentials in use at a time. */
const digestsMax = 20_000

export class MappingContext {
  /** Strings and arrays cut to their limits in this record. */
  truncated = 0
  /** Event fields that this record has a value for which is none of the field's type. Bounded. */
  readonly unreadable: string[] = []
  /** The record was freed of credentials before the bus: what looks like a digest is one. */
  masked = false
  readonly #hmacKey: Uint8Array
  readonly #digests = new Map<string, string>()

  constructor(hmacKey: Uint8Array) {
    this.#hmacKey = hmacKey
  }

  reset(masked: boolean): void {
    this.truncated = 0
    if (this.unreadable.length > 0) this.unreadable.length = 0
    this.masked = masked
  }

  /**
   * The keyed digest that stands for a secret. A scheme in front (`Bearer`) is no part of it, so that a header and a bare
   * key are the same credential. A text that merely looks like a digest is digested too, unless collect vouches for it:
   * nobody may speak in another credential's name.
   */
  credential(secret: string): string {
    if (this.masked && isCredentialId(secret)) return secret
    const known = this.#digests.get(secret)
    if (known !== undefined) return known
    const digest = credentialId(bareSecret(secret), this.#hmacKey)
    if (this.#digests.size >= digestsMax) this.#digests.clear()
    this.#digests.set(secret, digest)
    return digest
  }
}

const scheme = /^(?:bearer|basic|token|apikey|api-key) {1,4}/i

export function bareSecret(secret: string): string {
  return secret.replace(scheme, '').trim()
}
