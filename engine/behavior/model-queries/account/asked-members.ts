/**
 * Which training records an account has asked before, so that a suite that holds some says nothing by being run again.
 *
 * One bit each of 2,048: of a thousand records that were never asked two in five are taken for known, which costs their
 * evidence and no more. Kept only of accounts that ask such records at all.
 */
/** Of the entry of an account that asked any. */
export const membersName = 'members'
const bits = 2_048

export class AskedMembers {
  readonly #filter: Buffer

  constructor(filter = Buffer.alloc(bits / 8)) {
    this.#filter = filter
  }

  /** Takes note of a record; true: it was asked before, for all that is known. */
  ask(key: number): boolean {
    const bit = Math.imul(key, 0x85ebca6b) >>> 21
    const known = (this.#filter[bit >> 3]! & (1 << (bit & 7))) !== 0
    this.#filter[bit >> 3]! |= 1 << (bit & 7)
    return known
  }

  toJSON(): string {
    return this.#filter.toString('base64')
  }

  /** From the state, where it is a text after a restart. */
  static of(kept: unknown): AskedMembers {
    if (kept instanceof AskedMembers) return kept
    const filter = typeof kept === 'string' ? Buffer.from(kept, 'base64') : Buffer.alloc(0)
    return filter.length === bits / 8 ? new AskedMembers(filter) : new AskedMembers()
  }
}
