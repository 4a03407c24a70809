/**
 * Places for the accounts of a model that are followed: who comes first stays, and who has been silent for a week makes room.
 *
 * Pure. If the one that was silent longest left at once, nobody would stay where more ask than there are places, and nothing
 * would be learned of any of them.
 */
import { NamedValues } from './named-values.ts'

const silentMs = 7 * 86_400_000

export class Places<Account extends { readonly lastMs: number }> extends NamedValues<Account> {
  /** Nobody was silent longer when there was no place: until a week later nobody need be looked at. */
  readonly #oldest = new WeakMap<Record<string, Account>, number>()

  override set(accounts: Record<string, Account>, name: string, account: Account): void {
    this.#oldest.delete(accounts)
    super.set(accounts, name, account)
  }

  /** Whether one more has a place among `max`; `leave` takes out who makes room. */
  hasRoom(accounts: Record<string, Account>, max: number, timeMs: number, leave: (name: string) => void): boolean {
    const all = this.of(accounts)
    if (all.size < max) return true
    if (timeMs - (this.#oldest.get(accounts) ?? -Infinity) <= silentMs) return false
    let oldest = ''
    let oldestMs = Infinity
    all.forEach(({ lastMs }, name) => {
      if (lastMs > oldestMs || (lastMs === oldestMs && name >= oldest)) return
      oldest = name
      oldestMs = lastMs
    })
    this.#oldest.set(accounts, oldestMs)
    if (timeMs - oldestMs <= silentMs) return false
    leave(oldest)
    return true
  }
}
