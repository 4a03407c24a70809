/**
 * Matches events that did not come through the pipeline: what `modelwarden rules match` and `explain` do.
 *
 * Pure but for the matchers' caches. The very engine of production, with one difference: an event need not say what log source
 * it is of. A rule is passed over only where its log source and the event's (`warden.logsource`, or what the caller says)
 * name different things; what an event does not say is anybody's.
 */
import { createMatcher, logSourceOf } from '../../engine/sigma/matcher.ts'
import type { EventTree, LogSource, Matcher, SigmaRule } from '../../engine/sigma/types.ts'

/** Distinct log sources for which matchers are kept. */
const matchersMax = 64

export class EventMatching {
  readonly #rules: readonly SigmaRule[]
  readonly #given: LogSource
  readonly #matchers = new Map<string, Matcher>()
  #last: { readonly key: string; readonly matcher: Matcher } | undefined

  /** `given`: the log source of events that don't name one themselves. */
  constructor(rules: readonly SigmaRule[], given: LogSource = {}) {
    this.#rules = rules
    this.#given = given
  }

  /** Calls back for every rule that matches, in the rules' order. */
  match(event: EventTree, onMatch: (rule: SigmaRule) => void): void {
    const said = logSourceOf(event)
    const product = said.product ?? this.#given.product
    const service = said.service ?? this.#given.service
    const category = said.category ?? this.#given.category
    const key = `${product ?? ''}\u0000${service ?? ''}\u0000${category ?? ''}`
    if (this.#last?.key !== key) {
      this.#last = { key, matcher: this.#matchers.get(key) ?? this.#make(key, { product, service, category }) }
    }
    this.#last.matcher.match(event, onMatch)
  }

  #make(key: string, said: Partial<Record<keyof LogSource, string | undefined>>): Matcher {
    const fitting = this.#rules.filter(({ meta }) => agrees(meta.logsource, said))
    const matcher = createMatcher(fitting.map(forAnyLogSource))
    if (this.#matchers.size >= matchersMax) this.#matchers.clear()
    this.#matchers.set(key, matcher)
    return matcher
  }
}

function agrees(rule: LogSource, said: Partial<Record<keyof LogSource, string | undefined>>): boolean {
  return (['product', 'service', 'category'] as const).every(
    (key) => rule[key] === undefined || said[key] === undefined || rule[key].toLowerCase() === said[key].toLowerCase(),
  )
}

/** The rule as one that is tried on events of all log sources. */
export function forAnyLogSource(rule: SigmaRule): SigmaRule {
  return { ...rule, meta: { ...rule.meta, logsource: {} } }
}
