/**
 * What grouped steps have told the local steps of their rules: kept by the first step of detect, in the task's state.
 *
 * Promises: the last value told under a name is the one that is known; what rules that are not in force any more have told
 * is forgotten; at most `baselinesMax` are kept.
 */
import type { Baseline } from '../../../core/control.ts'
import type { KeyedState } from '../../../runtime/stage/stage.ts'

const prefix = 'base/'
const baselinesMax = 10_000
const nameCharsMax = 512

export class Baselines {
  readonly #state: KeyedState
  /** By rule in force and name: the same as in the state, found without spelling a key for each event. */
  readonly #told = new Map<string, Map<string, unknown>>()
  #count = 0

  constructor(state: KeyedState) {
    this.#state = state
  }

  /** These versions of rules are in force. */
  use(rules: ReadonlySet<string>): void {
    this.#told.clear()
    for (const rule of rules) this.#told.set(rule, new Map())
    const gone: string[] = []
    this.#count = 0
    for (const [key, value] of this.#state.entries(prefix)) {
      const divider = key.indexOf('/', prefix.length)
      const told = this.#told.get(key.slice(prefix.length, divider))
      if (told === undefined) gone.push(key)
      else {
        told.set(key.slice(divider + 1), value)
        this.#count++
      }
    }
    for (const key of gone) this.#state.delete(key)
  }

  /** False: it is of no rule in force, or there are too many. */
  told({ rule, name, value }: Baseline): boolean {
    const told = this.#told.get(rule)
    if (told === undefined) return false
    const kept = bounded(name)
    if (!told.has(kept)) {
      if (this.#count >= baselinesMax) return false
      this.#count++
    }
    told.set(kept, value)
    this.#state.set(`${prefix}${rule}/${kept}`, value)
    return true
  }

  get(rule: string, name: string): unknown {
    const told = this.#told.get(rule)
    return told === undefined || told.size === 0 ? undefined : told.get(bounded(name))
  }
}

function bounded(name: string): string {
  return name.length > nameCharsMax ? name.slice(0, nameCharsMax) : name
}
