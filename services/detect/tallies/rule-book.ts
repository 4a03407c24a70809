/**
 * What each rule has done: matched, suppressed, found, cost; by the task that it did it in. For `modelwarden rules status` and
 * for metrics.
 *
 * A task carries on from what its former owner has told of the partition. Promises: metrics carry at most `labelsMax` rules by
 * name, those that come first; all others together are `other`. Counting never touches what comes out.
 */
import type { RuleCounts, RuleTally } from '../../../core/rule-tally.ts'
import type { RuleMeta } from '../../../engine/sigma/types.ts'
import type { Telemetry } from '../../../runtime/telemetry.ts'
import type { RuleSet } from '../rule-set/rule-set.ts'

const labelsMax = 300
/** Rules counted of a task. More come only with sets that are put in force one after the other. */
const rulesMax = 10_000

export interface RuleInForce {
  readonly id: string
  readonly title: string
  readonly level: string
  readonly kind: 'sigma' | 'correlation' | 'behavior'
  /** Whether its groups are kept behind the shuffle: then both steps have to have seen an event. */
  readonly grouped: boolean
}

export interface RuleStatus extends RuleInForce {
  readonly matched: number
  readonly suppressed: number
  readonly signals: number
  /** Microseconds an event, sampled; null: not sampled yet. */
  readonly costUs: number | null
}

/** What rules have done in one task. */
export class TaskCounts {
  readonly since: string
  readonly rules = new Map<string, RuleCounts>()
  readonly #book: RuleBook

  constructor(book: RuleBook, since: string, before: Readonly<Record<string, RuleCounts>>) {
    this.#book = book
    this.since = since
    for (const [rule, counts] of Object.entries(before)) Object.assign(this.#of(rule), counts)
  }

  matched(rule: string): void {
    this.#of(rule).matched++
    this.#book.countMatch(rule)
  }

  suppressed(rule: string): void {
    this.#of(rule).suppressed++
    this.#book.countSuppressed(rule)
  }

  signal(rule: string): void {
    this.#of(rule).signals++
  }

  cost(rule: string, ms: number): void {
    const counts = this.#of(rule)
    counts.costMs += ms
    counts.samples++
    this.#book.observeCost(rule, ms)
  }

  #of(rule: string): RuleCounts {
    const known = this.rules.get(rule)
    if (known !== undefined) return known
    const made = noCounts()
    if (this.rules.size < rulesMax) this.rules.set(rule, made)
    return made
  }
}

export function noCounts(): RuleCounts {
  return { matched: 0, suppressed: 0, signals: 0, costMs: 0, samples: 0 }
}

export class RuleBook {
  readonly #telemetry: Telemetry
  readonly #tasks = new Map<string, TaskCounts>()
  readonly #untold = new Map<string, number>()
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

  /** A task begins. `before`: what was last told of its partition. `now`: since when it counts where nothing was. */
  begin(stage: string, partition: number, before: RuleTally | undefined, now: string): TaskCounts {
    const counts = new TaskCounts(this, before?.since ?? now, before?.rules ?? {})
    this.#tasks.set(`${stage}/${partition}`, counts)
    return counts
  }

  counts(stage: string, partition: number): TaskCounts | undefined {
    return this.#tasks.get(`${stage}/${partition}`)
  }

  countMatch(rule: string): void {
    this.#untold.set(rule, (this.#untold.get(rule) ?? 0) + 1)
  }

  countSuppressed(rule: string): void {
    this.#telemetry.count('detect_rule_suppressed', { rule: this.#label(rule) })
  }

  observeCost(rule: string, ms: number): void {
    this.#telemetry.observe('detect_rule_duration_seconds', { rule: this.#label(rule) }, ms / 1_000)
  }

  /** Matches since the last time, in one go: there may be many in a second. */
  tellMatches(): void {
    for (const [rule, more] of this.#untold) {
      this.#telemetry.count('detect_rule_matched', { rule: this.#label(rule) }, more)
    }
    this.#untold.clear()
  }

  #label(rule: string): string {
    if (this.#labels.has(rule)) return rule
    if (this.#labels.size >= labelsMax) return 'other'
    this.#labels.add(rule)
    return rule
  }

  rules(): readonly RuleInForce[] {
    const { sigma = [], correlations = [], behavior = [] } = this.#set ?? {}
    const selections = new Set(behavior.map(({ rule }) => rule.selectId))
    return [
      ...sigma.filter(({ meta }) => !selections.has(meta.id)).map(({ meta }) => inForce(meta, 'sigma', false)),
      ...correlations.map(({ rule, local }) => inForce(rule.meta, 'correlation', !local)),
      ...behavior.map(({ rule }) => inForce(rule.meta, 'behavior', rule.plan.grouped !== undefined)),
    ]
  }
}

function inForce({ id, title, level }: RuleMeta, kind: RuleInForce['kind'], grouped: boolean): RuleInForce {
  return { id, title, level, kind, grouped }
}
