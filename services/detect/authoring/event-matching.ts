/**
 * Matches events that did not come through the pipeline: what `modelwarden rules match` and `explain` do.
 *
 * The very engine of production, with one difference: an event need not say what log source it is of. A rule is passed over
 * only where its log source and the event's name different things; what an event does not say is anybody's.
 */
import { createMatcher } from '../../../engine/sigma/matcher.ts'
import type { LogSource, MatchedRule, Matcher, SigmaRule } from '../../../engine/sigma/types.ts'

/** `given`: the log source of all events, as far as the caller knows it. */
export function matcherOfFiles<Rule extends MatchedRule>(rules: readonly Rule[], given: LogSource = {}): Matcher<Rule> {
  return createMatcher(
    rules.filter(({ meta }) => agrees(meta.logsource, given)),
    'open',
  )
}

function agrees(rule: LogSource, given: LogSource): boolean {
  return (['product', 'service', 'category'] as const).every(
    (key) =>
      rule[key] === undefined || given[key] === undefined || rule[key].toLowerCase() === given[key].toLowerCase(),
  )
}

/** The rule as one that is tried on events of all log sources. */
export function forAnyLogSource(rule: SigmaRule): SigmaRule {
  return { ...rule, meta: { ...rule.meta, logsource: {} } }
}
