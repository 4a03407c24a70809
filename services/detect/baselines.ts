/**
 * What grouped steps have told the local steps of their rules: kept by the first step of detect, in the task's state.
 *
 * Promises: the last value told under a name is the one that is known; what rules that are not in force any more have told
 * is forgotten; at most `baselinesMax` are kept.
 */
import type { Baseline } from '../../core/control.ts'
import type { KeyedState } from '../../runtime/stage.ts'

const prefix = 'base/'
const baselinesMax = 10_000

export class Baselines {
  readonly #state: KeyedState
  #rules: ReadonlySet<string> = new Set()
  #count = 0

  constructor(state: KeyedState) {
    this.#state = state
  }

  /** These versions of rules are in force. */
  use(rules: ReadonlySet<string>): void {
    this.#rules = rules
    const gone: string[] = []
    this.#count = 0
    for (const [key] of this.#state.entries(prefix)) {
      if (rules.has(key.slice(prefix.length, key.indexOf('/', prefix.length)))) this.#count++
      else gone.push(key)
    }
    for (const key of gone) this.#state.delete(key)
  }

  /** False: it is of no rule in force, or there are too many. */
  told({ rule, name, value }: Baseline): boolean {
    const key = keyOf(rule, name)
    if (!this.#rules.has(rule)) return false
    if (this.#state.get(key) === undefined) {
      if (this.#count >= baselinesMax) return false
      this.#count++
    }
    this.#state.set(key, value)
    return true
  }

  get(rule: string, name: string): unknown {
    return this.#state.get(keyOf(rule, name))
  }
}

function keyOf(rule: string, name: string): string {
  return `${prefix}${rule}/${name.slice(0, 512)}`
}
