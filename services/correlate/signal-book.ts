/**
 * The signals of one task, and the index by which those that may belong together are found.
 *
 * The index is derived from the state when the task starts; only the contributions are stored.
 */
import type { KeyedState } from '../../runtime/stage/stage.ts'
import { principalOf, type Contribution } from './contribution.ts'
import type { CorrelateOptions } from './options.ts'

export const signalPrefix = 's/'

export class SignalBook {
  readonly #state: KeyedState
  readonly #options: CorrelateOptions
  /** Ids by `scope\nentity`. */
  readonly #byEntity = new Map<string, Set<string>>()
  readonly #perPrincipal = new Map<string, number>()

  constructor(state: KeyedState, options: CorrelateOptions) {
    this.#state = state
    this.#options = options
    for (const [, contribution] of state.entries<Contribution>(signalPrefix)) this.#index(contribution)
  }

  get(id: string): Contribution | undefined {
    return this.#state.get<Contribution>(signalPrefix + id)
  }

  all(): Contribution[] {
    return [...this.#state.entries<Contribution>(signalPrefix)].map(([, contribution]) => contribution)
  }

  /** Whether one more of this principal can be kept. */
  hasRoomFor(contribution: Contribution): boolean {
    const kept = this.#perPrincipal.get(scoped(contribution.scope, principalOf(contribution))) ?? 0
    return kept < this.#options.signalsPerPrincipalMax || this.get(contribution.id) !== undefined
  }

  put(contribution: Contribution): void {
    this.remove(contribution.id)
    this.#state.set(signalPrefix + contribution.id, contribution)
    this.#index(contribution)
  }

  remove(id: string): void {
    const contribution = this.get(id)
    if (contribution === undefined) return
    this.#state.delete(signalPrefix + id)
    for (const entity of contribution.joins) {
      const key = scoped(contribution.scope, entity)
      const ids = this.#byEntity.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.#byEntity.delete(key)
    }
    const principal = scoped(contribution.scope, principalOf(contribution))
    const left = (this.#perPrincipal.get(principal) ?? 1) - 1
    if (left > 0) this.#perPrincipal.set(principal, left)
    else this.#perPrincipal.delete(principal)
  }

  #index(contribution: Contribution): void {
    for (const entity of contribution.joins) {
      const key = scoped(contribution.scope, entity)
      const ids = this.#byEntity.get(key)
      if (ids === undefined) this.#byEntity.set(key, new Set([contribution.id]))
      else ids.add(contribution.id)
    }
    const principal = scoped(contribution.scope, principalOf(contribution))
    this.#perPrincipal.set(principal, (this.#perPrincipal.get(principal) ?? 0) + 1)
  }

  /** Whether an entity was seen with too many principals to say anything about any of them. */
  isShared(scope: string, entity: string): boolean {
    if (entity.startsWith('principal:')) return false
    const principals = new Set<string>()
    for (const id of this.#byEntity.get(scoped(scope, entity)) ?? []) {
      const contribution = this.get(id)
      if (contribution === undefined || contribution.gone === true) continue
      for (const { type, id: name } of contribution.entities) if (type === 'principal') principals.add(name)
      if (principals.size > this.#options.sharedPrincipalsMax) return true
    }
    return false
  }

  /**
   * All signals that might have to be drawn together with this one: those that a chain of common entities leads to. An
   * entity that has only now become shared is still followed, so that what it joined is drawn apart.
   */
  around(seed: Contribution): Contribution[] {
    const found = new Map<string, Contribution>([[seed.id, seed]])
    const followed = new Set<string>()
    const waiting = [seed]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const entity of next.joins) {
        if (followed.has(entity)) continue
        followed.add(entity)
        const ids = this.#byEntity.get(scoped(seed.scope, entity))
        // Long shared: it joins nothing, and led to nothing before.
        if (
          ids === undefined ||
          (ids.size > 4 * this.#options.signalsPerPrincipalMax && this.isShared(seed.scope, entity))
        )
          continue
        for (const id of ids) {
          const contribution = this.get(id)
          if (contribution === undefined || found.has(id)) continue
          if (found.size >= this.#options.signalsTogetherMax) return [...found.values()]
          found.set(id, contribution)
          waiting.push(contribution)
        }
      }
    }
    return [...found.values()]
  }
}

function scoped(scope: string, entity: string): string {
  return `${scope}\n${entity}`
}
