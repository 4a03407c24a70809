/** The behavior rules in force whose groups a step keeps (behavior-groups.ts), and what their detectors may ask for. */
import type { BehaviorStep, StepContext } from '../../../engine/behavior/types.ts'
import { emptyInventory, type Inventory } from '../../../engine/inventory/inventory.ts'
import type { BehaviorPlanned } from '../rule-set/rule-set.ts'
import type { BehaviorStore, GroupOwner } from './behavior-store.ts'

/** A rule whose groups are kept here. */
export interface Member {
  readonly planned: BehaviorPlanned
  readonly step: BehaviorStep
  readonly context: StepContext
  readonly owner: GroupOwner
  /** Tells those in force apart whose groups were asked for, so that lists by it are short; -1: its own were not. */
  number: number
}

export class Members {
  readonly #which: 'local' | 'grouped'
  readonly #store: BehaviorStore
  readonly #baseline: (rule: string, name: string) => unknown
  readonly #members = new Map<string, Member>()
  /** How many of them have a number. */
  #numbered = 0
  /** Type of a detector -> the first rule that has it. */
  readonly #firstOfType = new Map<string, string>()
  #inventory: Inventory = emptyInventory

  constructor(
    which: 'local' | 'grouped',
    store: BehaviorStore,
    baseline: (rule: string, name: string) => unknown = () => undefined,
  ) {
    this.#which = which
    this.#store = store
    this.#baseline = baseline
  }

  /** From here on this is registered. */
  know(inventory: Inventory): void {
    this.#inventory = inventory
  }

  use(rules: readonly BehaviorPlanned[]): void {
    this.#members.clear()
    this.#numbered = 0
    this.#firstOfType.clear()
    for (const planned of rules) {
      const step = planned.rule.plan[this.#which]
      if (step === undefined) continue
      const { key, rule } = planned
      const owner: GroupOwner = { rule: key, version: step.stateVersion, store: this.#store }
      this.#members.set(key, { planned, step, context: this.#contextOf(key), owner, number: -1 })
      if (!this.#firstOfType.has(rule.type)) this.#firstOfType.set(rule.type, key)
    }
  }

  get(ruleKey: string): Member | undefined {
    return this.#members.get(ruleKey)
  }

  numberOf(member: Member): number {
    if (member.number < 0) member.number = this.#numbered++
    return member.number
  }

  #contextOf(rule: string): StepContext {
    const inventory = (): Inventory => this.#inventory
    return {
      get inventory() {
        return inventory()
      },
      baseline: (name, type) => {
        const of = type === undefined ? rule : this.#firstOfType.get(type)
        return of === undefined ? undefined : this.#baseline(of, name)
      },
    }
  }
}
