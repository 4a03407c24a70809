/**
 * What each rule has done in this process: matched, suppressed, found, cost. For `modelwarden rules status` and for metrics.
 *
 * Counts are this process's own, since it started. Promises: metrics carry at most `labelsMax` rules by name, those that come
 * first; all others together are `other`. Counting never touches what comes out.
 */
import type { Telemetry } from '../../runtime/telemetry.ts'
import type { RuleMeta } from '../../engine/sigma/types.ts'
import type { RuleSet } from './rule-set.ts'

const labelsMax = 300
/** Rules counted. More come only with sets that are put in force one after the other. */
const rulesMax = 20_000

export interface RuleCounts {
  matched: number
  suppressed: number
  signals: number
  /** Sampled: sum of milliseconds, and of how many events. */
  costMs: number
  samples: number
}

export interface RuleStatus extends Omit<RuleCounts, 'costMs' | 'samples'> {
  readonly id: string
  readonly title: string
  readonly level: string
  readonly kind: 'sigma' | 'correlation' | 'behavior'
  /** Whether its groups are kept behind the shuffle: then both steps have to have seen an event. */
  readonly grouped: boolean
  /** Microseconds an event, sampled; null: not sampled yet. */
  readonly costUs: number | null
}

export class RuleBook {
  readonly #telemetry: Telemetry
  readonly #counts = new Map<string, RuleCounts>()
  readonly #labels = new Set<string>()
  #set: RuleSet | undefined
  digest: string | undefined

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  inForce(digest: string, set: RuleSet): void {
    this.digest = digest
    this.#set = set
  }

  matched(rule: string): void {
    this.#of(rule).matched++
  }

  suppressed(rule: string): void {
    this.#of(rule).suppressed++
    this.#telemetry.count('detect_rule_suppressed', { rule: this.#label(rule) })
  }

  signal(rule: string): void {
    this.#of(rule).signals++
  }

  cost(rule: string, ms: number): void {
    const counts = this.#of(rule)
    counts.costMs += ms
    counts.samples++
    this.#telemetry.observe('detect_rule_duration_seconds', { rule: this.#label(rule) }, ms / 1_000)
  }

  /** Matches since the last time, in one go: there may be many in a second. */
  tellMatches(): void {
    for (const [rule, { matched }] of this.#counts) {
      const more = matched - (this.#told.get(rule) ?? 0)
      if (more === 0) continue
      this.#told.set(rule, matched)
      this.#telemetry.count('detect_rule_matched', { rule: this.#label(rule) }, more)
    }
  }

  readonly #told = new Map<string, number>()

  #of(rule: string): RuleCounts {
    const known = this.#counts.get(rule)
    if (known !== undefined) return known
    const made: RuleCounts = { matched: 0, suppressed: 0, signals: 0, costMs: 0, samples: 0 }
    if (this.#counts.size < rulesMax) this.#counts.set(rule, made)
    return made
  }

  #label(rule: string): string {
    if (this.#labels.has(rule)) return rule
    if (this.#labels.size >= labelsMax) return 'other'
    this.#labels.add(rule)
    return rule
  }

  rules(): readonly RuleStatus[] {
    const { sigma = [], correlations = [], behavior = [] } = this.#set ?? {}
    const selections = new Set(behavior.map(({ rule }) => rule.selectId))
    return [
      ...sigma.filter(({ meta }) => !selections.has(meta.id)).map(({ meta }) => this.#status(meta, 'sigma', false)),
      ...correlations.map(({ rule, local }) => this.#status(rule.meta, 'correlation', !local)),
      ...behavior.map(({ rule }) => this.#status(rule.meta, 'behavior', rule.plan.grouped !== undefined)),
    ]
  }

  #status({ id, title, level }: RuleMeta, kind: RuleStatus['kind'], grouped: boolean): RuleStatus {
    const { matched, suppressed, signals, costMs, samples } = this.#counts.get(id) ?? {
      ...{ matched: 0, suppressed: 0, signals: 0, costMs: 0, samples: 0 },
    }
    const costUs = samples === 0 ? null : Number(((costMs * 1_000) / samples).toFixed(2))
    return { id, title, level, kind, grouped, matched, suppressed, signals, costUs }
  }
}
