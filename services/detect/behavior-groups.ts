/**
 * Keeps the groups of behavior rules: for each its named entries, and when it wants to hear of the watermark.
 *
 * Used by both steps of detect: the first holds the local steps of detectors, the second the grouped ones. Pure over the
 * task's state.
 *
 * Promises: two classes of groups, so that keys nobody knows can't push out what is known of an account. A group is new for
 * a day after it was first seen, unless its principal is registered; of new ones at most `newcomersMax` are kept, the oldest
 * going first; after that it is known, of which there are at most `knownMax`: past that it stays among the new ones. The
 * groups of rules that are not in force any more are forgotten.
 */
import { derivedId } from '../../core/ids.ts'
import type { Signal } from '../../core/signal.ts'
import type {
  BaselineTold,
  BehaviorRule,
  BehaviorStep,
  GroupEntries,
  Shuffled,
  StepContext,
  StepOutcome,
} from '../../engine/behavior/types.ts'
import { emptyInventory, type Inventory } from '../../engine/inventory/inventory.ts'
import type { KeyedState, Outcome } from '../../runtime/stage.ts'
import { DueIndex } from './due-index.ts'
import { groupKey } from './observations.ts'
import type { BehaviorPlanned } from './rule-set.ts'
import { signalOfBehavior, type Seen } from './signals.ts'

const prefix = 'b/'
const newcomersMax = 100_000
const knownMax = 2_000_000
/** Append time for which a group is new. */
const newMs = 86_400_000
/** Share of the new ones that goes at once when there are too many. */
const evictedShare = 0.01
/** Longest entry name that is spelled out in a state key. */
const nameCharsMax = 600

/** A group as it stands in the state; its entries stand under keys of their own. JSON. */
interface Group {
  readonly scope: string
  readonly values: readonly string[]
  readonly version: number
  readonly names: string[]
  dueMs: number | null
  /** Append time of its first observation; none: known. */
  newSinceMs?: number
}

export interface BehaviorFound {
  readonly rule: BehaviorRule
  readonly key: string
  readonly scope: string
  readonly signals: readonly Signal[]
  readonly shuffled: readonly Shuffled[]
  readonly baselines: readonly BaselineTold[]
}

interface Member {
  readonly planned: BehaviorPlanned
  readonly step: BehaviorStep
  readonly context: StepContext
}

export class BehaviorGroups {
  readonly #state: KeyedState
  readonly #which: 'local' | 'grouped'
  readonly #members = new Map<string, Member>()
  readonly #due = new DueIndex((key) => this.#state.get<Group>(key)?.dueMs ?? Infinity)
  readonly #baseline: (rule: string, name: string) => unknown
  #inventory: Inventory = emptyInventory
  /** Keys of the new ones, oldest first. */
  readonly #newcomers = new Set<string>()
  #known = 0
  /** Principals that are registered. */
  #registered: ReadonlySet<string> = new Set()

  /** `baseline`: what the grouped step of a rule has told; only the local steps have any. */
  constructor(state: KeyedState, which: 'local' | 'grouped', baseline?: (rule: string, name: string) => unknown) {
    this.#state = state
    this.#which = which
    this.#baseline = baseline ?? (() => undefined)
  }

  /** From here on this is registered. */
  know(inventory: Inventory): void {
    this.#inventory = inventory
    const licensed = inventory.licenses.flatMap(({ principal }) => (principal === undefined ? [] : [principal]))
    this.#registered = new Set([...licensed, ...inventory.people.keys()])
  }

  use(rules: readonly BehaviorPlanned[]): void {
    this.#members.clear()
    for (const planned of rules) {
      const step = planned.rule.plan[this.#which]
      if (step !== undefined) this.#members.set(planned.key, { planned, step, context: this.#contextOf(planned.key) })
    }
    this.#takeUp()
  }

  #contextOf(rule: string): StepContext {
    const inventory = (): Inventory => this.#inventory
    return {
      get inventory() {
        return inventory()
      },
      baseline: (name, type) => {
        const of = type === undefined ? rule : this.#ruleOfType(type)
        return of === undefined ? undefined : this.#baseline(of, name)
      },
    }
  }

  #ruleOfType(type: string): string | undefined {
    for (const [key, { planned }] of this.#members) if (planned.rule.type === type) return key
    return undefined
  }

  has(key: string): boolean {
    return this.#members.has(key)
  }

  observe(
    ruleKey: string,
    scope: string,
    values: readonly string[],
    observation: unknown,
    watermarkMs: number,
    seen: Seen,
    out: Outcome,
  ): BehaviorFound | undefined {
    const member = this.#members.get(ruleKey)
    if (member === undefined) return undefined
    const key = `${prefix}${ruleKey}/${groupKey(scope, values)}`
    let group = this.#state.get<Group>(key)
    if (group === undefined) {
      group = { scope, values, version: member.step.stateVersion, names: [], dueMs: null, newSinceMs: seen.appendedMs }
      this.#state.set(key, group)
      this.#newcomers.add(key)
      if (this.#newcomers.size > newcomersMax) this.#evict(out)
    }
    if (group.newSinceMs !== undefined) this.#promote(key, group, group.newSinceMs, seen)
    const outcome = member.step.apply(values, this.#entries(key, group), observation, watermarkMs, member.context)
    if (outcome.dropped !== undefined) out.drop(`behavior-${outcome.dropped}`)
    return this.#settle(key, group, member, outcome, seen)
  }

  advance(watermarkMs: number, seen: Seen): BehaviorFound[] {
    const all: BehaviorFound[] = []
    for (const key of this.#due.take(watermarkMs)) {
      const group = this.#state.get<Group>(key)
      const member = this.#members.get(ruleKeyOf(key))
      if (group === undefined || member === undefined) continue
      group.dueMs = null
      const outcome = member.step.advance(group.values, this.#entries(key, group), watermarkMs, member.context)
      all.push(this.#settle(key, group, member, outcome, seen))
    }
    return all
  }

  #settle(key: string, group: Group, member: Member, outcome: StepOutcome, seen: Seen): BehaviorFound {
    const { rule, key: ruleKey } = member.planned
    const dueMs = outcome.dueMs === Infinity ? null : outcome.dueMs
    if (outcome.forget === true) this.#forget(key, group)
    else {
      if (dueMs !== group.dueMs) {
        group.dueMs = dueMs
        this.#state.set(key, group)
      }
      this.#due.set(key, outcome.dueMs)
    }
    const signals = outcome.findings.map((finding) => signalOfBehavior(rule, finding, group.scope, seen))
    return {
      rule,
      key: ruleKey,
      scope: group.scope,
      signals,
      shuffled: outcome.shuffled,
      baselines: outcome.baselines ?? [],
    }
  }

  #entries(key: string, group: Group): GroupEntries {
    return {
      get: (name) => this.#state.get(entryKey(key, name)),
      set: (name, value) => {
        const at = entryKey(key, name)
        if (this.#state.get(at) === undefined) {
          group.names.push(name)
          this.#state.set(key, group)
        }
        this.#state.set(at, value)
      },
      delete: (name) => {
        const at = entryKey(key, name)
        if (this.#state.get(at) === undefined) return
        this.#state.delete(at)
        group.names.splice(group.names.indexOf(name), 1)
        this.#state.set(key, group)
      },
      names: () => [...group.names],
    }
  }

  #forget(key: string, group: Group): void {
    for (const name of group.names) this.#state.delete(entryKey(key, name))
    this.#state.delete(key)
    this.#due.delete(key)
    if (!this.#newcomers.delete(key)) this.#known--
  }

  #promote(key: string, group: Group, newSinceMs: number, seen: Seen): void {
    const isKnown = seen.appendedMs - newSinceMs >= newMs || group.values.some((value) => this.#registered.has(value))
    if (!isKnown || this.#known >= knownMax) return
    delete group.newSinceMs
    this.#newcomers.delete(key)
    this.#known++
    this.#state.set(key, group)
  }

  #evict(out: Outcome): void {
    const keys: string[] = []
    for (const key of this.#newcomers) {
      if (keys.length >= newcomersMax * evictedShare) break
      keys.push(key)
    }
    for (const key of keys) {
      const group = this.#state.get<Group>(key)
      if (group !== undefined) this.#forget(key, group)
    }
    out.drop('behavior-group-evicted', keys.length)
  }

  #takeUp(): void {
    const gone: string[] = []
    this.#newcomers.clear()
    this.#known = 0
    for (const [key, value] of this.#state.entries<Group>(prefix)) {
      const member = this.#members.get(ruleKeyOf(key))
      if (member === undefined) gone.push(key)
      else if (!isEntry(key)) {
        if (member.step.stateVersion !== value.version)
          gone.push(key, ...value.names.map((name) => entryKey(key, name)))
        else {
          if (value.newSinceMs === undefined) this.#known++
          else this.#newcomers.add(key)
          this.#due.set(key, value.dueMs ?? Infinity)
        }
      }
    }
    for (const key of gone) {
      this.#state.delete(key)
      this.#due.delete(key)
    }
  }
}

/** Group keys are JSON or hexadecimal: neither has this character unescaped. */
const divider = '\u0000'

function entryKey(key: string, name: string): string {
  return `${key}${divider}${name.length <= nameCharsMax ? name : derivedId('entry', name)}`
}

function isEntry(key: string): boolean {
  return key.includes(divider)
}

function ruleKeyOf(key: string): string {
  return key.slice(prefix.length, key.indexOf('/', prefix.length))
}
