/**
 * What findings of a correlation's group come to: signals, and observations for the correlations that stand on it.
 *
 * Pure but for the group, which remembers what it has handed on.
 */
import type { Exposure, Signal } from '../../../core/signal.ts'
import type { CorrelationFinding, SigmaCorrelation } from '../../../engine/sigma/types.ts'
import { allQueries, between, type GroupContext } from './group-context.ts'
import type { KeptGroup } from './kept-group.ts'
import { handedOn, namedGroup, remember, type ToObserve } from './onward.ts'
import type { CorrelationPlan } from '../rule-set/rule-set.ts'
import { signalOfCorrelation, type Seen } from '../signals.ts'

/** What came of it. */
export interface Found {
  readonly signals: readonly Signal[]
  /** Findings as observations for the correlations that stand on this one, and whose groups are held elsewhere. */
  readonly onward: readonly ToObserve[]
}

export const nothing: Found = { signals: [], onward: [] }

/** A correlation in force, and who is told of its findings. */
export interface Teller {
  readonly plan: CorrelationPlan
  /** Correlations that stand on this one, and as which of their bases. */
  readonly above: readonly { readonly plan: CorrelationPlan; readonly base: number }[]
  /** Each of its findings is told once, when its window is over. */
  readonly decidesLate: boolean
}

export function tell(
  { plan: { rule, delayMs }, above, decidesLate }: Teller,
  group: KeptGroup,
  findings: readonly CorrelationFinding[],
  watermarkMs: number,
  seen: Seen,
): Found {
  if (findings.length === 0) return nothing
  const signals: Signal[] = []
  const onward: ToObserve[] = []
  for (const finding of findings) {
    if (rule.standalone) signals.push(signalOf(rule, group, finding, seen))
    for (const { plan, base } of above) onward.push(...handedOn(rule, group, finding, plan, base))
    if (above.length > 0 && !decidesLate) remember(group.told, finding, watermarkMs - delayMs)
  }
  return { signals, onward }
}

function signalOf(rule: SigmaCorrelation, group: KeptGroup, finding: CorrelationFinding, seen: Seen): Signal {
  const { entities, exposure } = between(group.context, finding.anchorMs, finding.lastHeldMs)
  const values = namedGroup(rule, group)
  const whole = wholeExposure(exposure, finding, group.context)
  return signalOfCorrelation(rule, finding, { scope: group.scope, group: values, entities, exposure: whole }, seen)
}

/** Where every event that is remembered is a query, so are those of the finding that are not remembered any more. */
function wholeExposure(
  exposure: Exposure | undefined,
  finding: CorrelationFinding,
  context: GroupContext,
): Exposure | undefined {
  const queries = exposure?.queries
  if (queries === undefined || queries >= finding.count || !allQueries(context)) return exposure
  return { ...exposure, queries: finding.count }
}
