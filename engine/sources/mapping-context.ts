/**
 * What the mapping of one record may use beside the record, and what it notes on its way.
 *
 * One is made per task and used again for each record, so that the mapping of a record makes no garbage of its own.
 */
import { credentialId } from '../../core/ids.ts'

/** Digests remembered at most: as many as there are credentials in use at a time. */
const digestsMax = 20_000

export class MappingContext {
  /** Strings and arrays cut to their limits in this record. */
  truncated = 0
  /** What stands for the credential that was asked about last. */
  lastDigest = ''
  /** Event fields that this record has a value for which is none of the field's type. Bounded. */
  readonly unreadable: string[] = []
  readonly #hmacKey: Uint8Array
  readonly #digests = new Map<string, string>()

  constructor(hmacKey: Uint8Array) {
    this.#hmacKey = hmacKey
  }

  reset(): void {
    this.truncated = 0
    if (this.unreadable.length > 0) this.unreadable.length = 0
  }

  /**
   * The keyed digest that stands for a secret. A scheme in front (`Bearer`) is no part of it, so that a header and a bare
   * key are the same credential. A text that looks like a digest is digested like any other: nobody may speak in another
   * credential's name.
   */
  credential(secret: string): string {
    let digest = this.#digests.get(secret)
    if (digest === undefined) {
      digest = credentialId(bareSecret(secret), this.#hmacKey)
      if (this.#digests.size >= digestsMax) this.#digests.clear()
      this.#digests.set(secret, digest)
    }
    this.lastDigest = digest
    return digest
  }
}

const scheme = /^(?:bearer|basic|token|apikey|api-key) {1,4}/i

export function bareSecret(secret: string): string {
  return secret.replace(scheme, '').trim()
}
