/**
 * Whose records the state of detect's two steps belongs to: the first log is keyed by principal, the second by rule and group.
 *
 * A state key names a version of a rule, and the log its id: so the rules in force must be at hand.
 */
import {
  dealIds,
  joinIds,
  least,
  newest,
  numberAnew,
  toNumber,
  type Dealt,
  type Entries,
  type Home,
  type Rekey,
} from '../../runtime/stage/rekey.ts'
import type { BehaviorHead } from './behavior/behavior-group.ts'
import { observedKey } from './observations.ts'
import type { Observed } from './observed.ts'
import { logKeyOf, type Placement } from './rule-set/placement.ts'
import type { RuleSet } from './rule-set/rule-set.ts'

/** As in the keys of groups' parts. */
const divider = '\u0000'

interface KnownRule {
  readonly id: string
  /** Which of a local correlation's values is the principal. */
  readonly principalAt: number
  /** Of a correlation. */
  readonly placement?: Placement
}

type Rules = ReadonlyMap<string, KnownRule>

function rulesOf(set: RuleSet): Rules {
  const correlations = set.correlations.map(({ key, rule, placement }): [string, KnownRule] => [
    key,
    { id: rule.meta.id, principalAt: rule.base[0]?.groupFields.indexOf('warden.principal') ?? -1, placement },
  ])
  const behavior = set.behavior.map(({ key, rule }): [string, KnownRule] => [key, { id: rule.meta.id, principalAt: 0 }])
  return new Map([...correlations, ...behavior])
}

/** `c/<rule>/<group>` or `b/<rule>/<group>`, and perhaps a part of it. */
function groupIn(key: string): { readonly head: string; readonly rule: string; readonly group: string } | undefined {
  if (!key.startsWith('c/') && !key.startsWith('b/')) return undefined
  const end = key.indexOf(divider)
  const head = end < 0 ? key : key.slice(0, end)
  const slash = head.indexOf('/', 2)
  return { head, rule: head.slice(2, slash), group: head.slice(slash + 1) }
}

const common: Pick<Rekey, 'join' | 'finish'> = {
  join(key, values) {
    // What is told to all partitions, some may have heard more of than others.
    if (key !== 'clock') return joinIds(key, values) ?? newest(values)
    const clocks = values as readonly { readonly watermarkMs: number | null; readonly appendedMs: number }[]
    return {
      watermarkMs: least(clocks.map(({ watermarkMs }) => watermarkMs)),
      appendedMs: Math.max(...clocks.map(({ appendedMs }) => appendedMs)),
    }
  },
  finish: numberAnew,
}

export function detectRekey(set: RuleSet): Rekey {
  const rules = rulesOf(set)
  return {
    ...common,
    deal(key, value, entries, from): readonly Dealt[] {
      const group = groupIn(key)
      if (group !== undefined) {
        const { values } = (entries.get(group.head) ?? {}) as Partial<BehaviorHead>
        const principal = values?.[rules.get(group.rule)?.principalAt ?? -1]
        // Of a rule that is not in force any more: forgotten at the next start.
        return [{ home: principal === undefined ? 'here' : { logKey: principal }, key, value }]
      }
      if (key.startsWith('seen/')) return [{ home: { logKey: key.slice('seen/'.length) }, key, value }]
      return dealIds(key, value, from) ?? [{ home: 'everywhere', key, value }]
    },
  }
}

export function groupsRekey(set: RuleSet): Rekey {
  const rules = rulesOf(set)
  return {
    ...common,
    deal(key, value, entries, from): readonly Dealt[] {
      const group = groupIn(key)
      if (group !== undefined) return [{ home: homeOf(rules.get(group.rule), group, entries), key, value }]
      if (key.startsWith('held/')) {
        const { observed } = value as { readonly observed: Observed }
        const placement = rules.get(observed.key)?.placement
        const logKey =
          placement === undefined ? observedKey(observed) : logKeyOf(placement, observed.scope, observed.group)
        return [{ home: { logKey }, key: toNumber(key, from), value }]
      }
      return [{ home: 'everywhere', key, value }]
    },
  }
}

/** Of a rule that is not in force any more a group stays: it is forgotten at the next start. */
function homeOf(rule: KnownRule | undefined, group: { head: string; group: string }, entries: Entries): Home {
  if (rule === undefined) return 'here'
  const { scope, values } = (entries.get(group.head) ?? {}) as { scope?: string; values?: readonly string[] }
  const placed = rule.placement !== undefined && scope !== undefined && values !== undefined
  return { logKey: placed ? logKeyOf(rule.placement, scope, values) : `${rule.id} ${group.group}` }
}
