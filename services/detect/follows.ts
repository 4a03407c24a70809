/**
 * What comes of a match of each rule: which behavior rule reads it, and which correlations.
 *
 * Laid out once a set of rules, so that an event looks nothing up but its rules.
 */
import type { Exceptions } from '../../engine/sigma/exceptions.ts'
import type { SigmaRule } from '../../engine/sigma/types.ts'
import type { Member } from './behavior/members.ts'
import { eventObserver, type EventObserver } from './observe.ts'
import type { BehaviorPlanned, CorrelationPlan, RuleSet } from './rule-set/rule-set.ts'

/** A correlation that reads the events of a base rule. */
export interface Reader {
  readonly plan: CorrelationPlan
  /** Tells readers apart; it may name another one once other rules are in force. */
  readonly number: number
  readonly observe: EventObserver
  /** An exception may hide what it reads. */
  readonly hidden: boolean
}

/** A behavior rule that reads the events of a selection. */
export interface Selected {
  readonly planned: BehaviorPlanned
  /** Undefined: its groups are kept behind the shuffle alone. */
  readonly member: Member | undefined
}

/** What comes of a match of one rule. */
export interface Follow {
  /** An exception may hide the match. */
  readonly hidden: boolean
  /** The behavior rule whose selection it is. */
  readonly selected: Selected | undefined
  readonly readers: readonly Reader[]
}

export function followsOf(
  set: RuleSet,
  exceptions: Exceptions,
  memberOf: (key: string) => Member | undefined,
): Map<SigmaRule, Follow> {
  const selected = new Map(
    set.behavior.map((planned): [string, Selected] => [
      planned.rule.selectId,
      { planned, member: memberOf(planned.key) },
    ]),
  )
  const readers = readersOf(set, exceptions)
  return new Map(
    set.sigma.map((rule) => {
      const { id } = rule.meta
      return [rule, { hidden: exceptions.concern(id), selected: selected.get(id), readers: readers.get(id) ?? [] }]
    }),
  )
}

function readersOf(set: RuleSet, exceptions: Exceptions): Map<string, Reader[]> {
  const readers = new Map<string, Reader[]>()
  let count = 0
  for (const plan of set.correlations) {
    const hidden = exceptions.concern(plan.rule.meta.id)
    for (const [base, { kind, id }] of plan.rule.base.entries()) {
      if (kind !== 'rule') continue
      const list = readers.get(id)
      const reader: Reader = { plan, number: count++, observe: eventObserver(plan.rule, base), hidden }
      if (list === undefined) readers.set(id, [reader])
      else list.push(reader)
    }
  }
  return readers
}
