/**
 * Matches events against all single-event rules at once.
 *
 * Pure but for its caches. Stands in the detect service, one a task. The cost of an event follows the rules that may match it:
 * first its log source picks an index of rules (made once a log source), then the index picks candidates, then these are
 * evaluated over shared field reads.
 */
import { FieldReader } from './fields.ts'
import { covers } from './pipelines.ts'
import { RuleIndex } from './rule-index.ts'
import type { EventTree, LogSource, Matcher, SigmaRule } from './types.ts'

/** Distinct log sources remembered; events past normalize have few. */
const logSourcesMax = 1_024

export interface MatcherStats {
  /** Candidates that the last event had. */
  readonly candidates: number
}

export function createMatcher(rules: readonly SigmaRule[]): Matcher & MatcherStats {
  return new IndexedMatcher(rules)
}

class IndexedMatcher implements Matcher, MatcherStats {
  readonly rules: readonly SigmaRule[]
  readonly #reader = new FieldReader()
  readonly #indexes = new Map<string, RuleIndex>()
  /** Log sources with the same rules share an index. */
  readonly #byRules = new Map<string, RuleIndex>()
  #last: RuleIndex | undefined

  constructor(rules: readonly SigmaRule[]) {
    this.rules = rules
  }

  get candidates(): number {
    return this.#last?.candidates ?? 0
  }

  match(event: EventTree, onMatch: (rule: SigmaRule) => void): void {
    const index = this.#indexFor(event)
    this.#last = index
    this.#reader.read(event)
    index.match(onMatch)
  }

  #indexFor(event: EventTree): RuleIndex {
    const { product, service, category } = logSourceOf(event)
    const key = `${product ?? ''}\u0000${service ?? ''}\u0000${category ?? ''}`
    return this.#indexes.get(key) ?? this.#makeIndex(key, { product, service, category })
  }

  #makeIndex(key: string, source: ReadLogSource): RuleIndex {
    const logsource = { ...source } as LogSource
    const numbers: number[] = []
    for (const [number, rule] of this.rules.entries()) if (covers(rule.meta.logsource, logsource)) numbers.push(number)
    const same = numbers.join(',')
    const index =
      this.#byRules.get(same) ??
      new RuleIndex(
        numbers.map((number) => this.rules[number]!),
        this.#reader,
      )
    if (this.#indexes.size >= logSourcesMax) this.#indexes.clear()
    this.#indexes.set(key, index)
    this.#byRules.set(same, index)
    return index
  }
}

interface ReadLogSource {
  readonly product: string | undefined
  readonly service: string | undefined
  readonly category: string | undefined
}

const noLogSource: ReadLogSource = { product: undefined, service: undefined, category: undefined }

/** What an event says of its log source; anything else than texts counts as not said. */
export function logSourceOf(event: EventTree): ReadLogSource {
  const warden = event['warden']
  if (typeof warden !== 'object' || warden === null) return noLogSource
  const source = (warden as { logsource?: unknown }).logsource
  if (typeof source !== 'object' || source === null) return noLogSource
  const { product, service, category } = source as { product?: unknown; service?: unknown; category?: unknown }
  return {
    product: typeof product === 'string' ? product : undefined,
    service: typeof service === 'string' ? service : undefined,
    category: typeof category === 'string' ? category : undefined,
  }
}
