/**
 * Finds correlations that nothing reaches: a base that never matches, or whose events carry no value to group by; and such as
 * can't be spread over partitions.
 *
 * Pure; used by rule-check.ts. Correlations are looked at in the order of their plans, bases first.
 */
import { canBeReached } from '../../../engine/sigma/correlation-reach.ts'
import type { SigmaCorrelation, SigmaRule } from '../../../engine/sigma/types.ts'
import { spell, type FieldSupply } from './rule-check-fields.ts'
import type { RuleFinding, WrittenRule } from './rule-finding.ts'
import type { CorrelationPlan } from '../rule-set/rule-set.ts'

export class CorrelationCheck {
  readonly #rules: ReadonlyMap<string, SigmaRule>
  /** Ids of rules and correlations that find nothing. */
  readonly #silent: Set<string>
  readonly #supply: FieldSupply

  constructor(rules: readonly SigmaRule[], never: ReadonlySet<string>, supply: FieldSupply) {
    this.#rules = new Map(rules.map((rule) => [rule.meta.id, rule]))
    this.#silent = new Set(never)
    this.#supply = supply
  }

  check(correlation: SigmaCorrelation, written: WrittenRule): RuleFinding[] {
    const findings = this.#ungrouped(correlation, written)
    const without = new Set(findings.map(({ base }) => base))
    const silent = correlation.base.map(({ id }, index) => this.#silent.has(id) || without.has(index))
    if (canBeReached(correlation, (base) => !silent[base]!)) return findings.map(({ finding }) => finding)
    this.#silent.add(correlation.meta.id)
    const names = correlation.base.filter((_, index) => silent[index]).map(({ id }) => this.#nameOf(id))
    return [
      ...findings.map(({ finding }) => finding),
      {
        severity: 'warning',
        code: 'CORRELATION_UNREACHABLE',
        message: `This correlation can never hold: ${names.join(', ')} find${names.length === 1 ? 's' : ''} nothing for it.`,
        place: written.place(['correlation', 'rules']),
        rule: correlation.meta.id,
      },
    ]
  }

  #nameOf(id: string): string {
    return `"${(this.#rules.get(id)?.meta.name ?? id).slice(0, 100)}"`
  }

  /** Bases whose events have none of a field that the correlation groups by or counts. */
  #ungrouped(correlation: SigmaCorrelation, written: WrittenRule): { base: number; finding: RuleFinding }[] {
    if (!this.#supply.known) return []
    return correlation.base.flatMap(({ id, kind, groupFields, valueFields }, base) => {
      const rule = this.#rules.get(id)
      if (kind !== 'rule' || rule === undefined) return []
      const feeding = this.#supply.feeding(rule.meta.logsource)
      const missing = [...groupFields, ...valueFields].find(
        (field) => feeding.length > 0 && this.#supply.filling(field, feeding).length === 0,
      )
      if (missing === undefined) return []
      const near = this.#supply.nearest(missing)
      const key = groupFields.includes(missing) ? ['correlation', 'group-by'] : ['correlation', 'condition', 'field']
      const finding: RuleFinding = {
        severity: 'warning',
        code: 'CORRELATION_FIELD_UNFED',
        message:
          `Events of ${this.#nameOf(id)} (log source ${spell(rule.meta.logsource)}) never have ` +
          `"${missing.slice(0, 200)}": none of them counts.`,
        place: written.place(key),
        ...(near === undefined || near === missing ? {} : { hint: `Did you mean "${near}"?` }),
        rule: correlation.meta.id,
      }
      return [{ base, finding }]
    })
  }
}

/** Correlations that stand on one another and have nothing to be spread by: a warning for each such chain, at its uppermost. */
export function checkSpread(
  plans: readonly CorrelationPlan[],
  written: (rule: SigmaCorrelation) => WrittenRule,
): RuleFinding[] {
  const chains = Map.groupBy(
    plans.filter(({ local }) => !local),
    ({ placement }) => placement.name,
  )
  return [...chains.values()].flatMap((chain): readonly RuleFinding[] => {
    if (chain.length < 2 || chain[0]!.placement.columns.length > 0) return []
    const top = chain.reduce((highest, each) => (each.height > highest.height ? each : highest)).rule
    const titles = chain.map(({ rule }) => `"${rule.meta.title.slice(0, 100)}"`).join(', ')
    return [
      {
        severity: 'warning',
        code: 'CORRELATION_NOT_SPREAD',
        message: `${titles} stand on one another and group by no field in common: one partition keeps all that they count of a tenant.`,
        place: written(top).place(['correlation', 'group-by']),
        hint: 'Give all of them a field of group-by in common, such as warden.principal.',
        rule: top.meta.id,
      },
    ]
  })
}
