/**
 * The words of the Sigma engine: what a compiled rule, a correlation, an observation and a finding are.
 *
 * Stands beside every module of engine/sigma and is all that the detect service needs to know of their data. Compiled rules
 * are plain data; the matcher (matcher.ts) and the operators (correlation-operator.ts) turn them into something that runs.
 */
import type { FilePlace, Mistake } from '../../core/errors.ts'
import type { EvidenceRef, Level, Signal, Technique, Threat } from '../../core/signal.ts'

/** An event as the engine sees it: nested JSON. Nothing about it is trusted but that it is JSON. */
export type EventTree = Readonly<Record<string, unknown>>

export interface LogSource {
  readonly product?: string
  readonly service?: string
  readonly category?: string
}

export type EntityType = Signal['entities'][number]['type']

/** Our custom attribute `modelwarden:`, under Sigma's allowance for custom fields. */
export interface WardenAttributes {
  /** It finds, and nothing acts. */
  readonly shadow: boolean
  /** Entity types that incidents may join by, besides principal, credential and session. */
  readonly joinOn: readonly EntityType[]
  /** 0 to 100; undefined: from the level. */
  readonly risk?: number
  /** Entities to name besides those every event names: type -> event field. */
  readonly entities: readonly { readonly type: EntityType; readonly field: string }[]
  /** Correlations: `tenant` (default) never counts events of two tenants together; `operator` does. */
  readonly scope: 'tenant' | 'operator'
  /** What its findings are about. */
  readonly threat?: Threat
}

export type RuleStatus = 'stable' | 'test' | 'experimental' | 'deprecated' | 'unsupported'

export interface RuleMeta {
  /** The rule's `id`; where it has none its `name`, where it has neither one derived from file and title. */
  readonly id: string
  readonly name?: string
  readonly title: string
  readonly status: RuleStatus
  readonly level: Level
  readonly description?: string
  readonly tags: readonly string[]
  /** From tags `attack.t1234.001` and `atlas.aml.t0024.002`. */
  readonly techniques: readonly Technique[]
  readonly falsepositives: readonly string[]
  /** Event fields that an analyst wants to see, after mapping. */
  readonly fields: readonly string[]
  readonly logsource: LogSource
  readonly warden: WardenAttributes
  /** Over the rule as compiled, mappings included: 64 hex digits. Changes only when what it finds or says changes. */
  readonly digest: string
  readonly place: FilePlace
}

/** One piece of a string value: text as it stands, any text, one character, or any of the dashes that Windows takes. */
export type PatternPart = string | { readonly wild: 'any' | 'one' | 'dash' }

export type Comparison = 'lt' | 'lte' | 'gt' | 'gte' | 'eq' | 'neq'
export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year'

/** What one value of a detection asks of a field. */
export type Test =
  | { readonly kind: 'pattern'; readonly parts: readonly PatternPart[]; readonly cased: boolean }
  | { readonly kind: 'regex'; readonly source: string; readonly flags: string }
  | { readonly kind: 'cidr'; readonly block: string }
  | { readonly kind: 'compare'; readonly op: Comparison; readonly to: number; readonly part?: TimePart }
  | { readonly kind: 'null' }
  | { readonly kind: 'exists'; readonly present: boolean }
  | {
      readonly kind: 'fieldref'
      readonly field: string
      readonly at: 'whole' | 'start' | 'end' | 'within'
      readonly cased: boolean
    }
  | { readonly kind: 'oneOf'; readonly tests: readonly Test[] }

/** A rule's condition as a tree. `selection` only carries a name, for explanations. */
export type Condition =
  | { readonly kind: 'and'; readonly of: readonly Condition[] }
  | { readonly kind: 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'selection'; readonly name: string; readonly of: Condition }
  | DetectionItem

export interface DetectionItem {
  readonly kind: 'item'
  /** A dotted path; undefined: keywords, sought in all text of the event. */
  readonly field: string | undefined
  /** How several tests are linked. */
  readonly link: 'any' | 'all'
  readonly tests: readonly Test[]
}

export interface SigmaRule {
  readonly kind: 'rule'
  readonly meta: RuleMeta
  readonly condition: Condition
  /** False: only correlations use it; it makes no signal of its own. */
  readonly standalone: boolean
}

export const correlationTypes = [
  'event_count',
  'value_count',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
  'temporal',
  'temporal_ordered',
  'temporal_extended',
  'temporal_ordered_extended',
] as const
export type CorrelationType = (typeof correlationTypes)[number]

/** A condition over base rules; `base` counts `SigmaCorrelation.base`. */
export type BaseExpression =
  | { readonly kind: 'base'; readonly base: number }
  | { readonly kind: 'not'; readonly of: BaseExpression }
  | { readonly kind: 'and' | 'or'; readonly of: readonly BaseExpression[] }

/** What a correlation reads from an event that one of its base rules matched. */
export interface CorrelationBase {
  readonly kind: 'rule' | 'correlation'
  /** `meta.id` of the rule or correlation. */
  readonly id: string
  /** One event field for each of `SigmaCorrelation.groupBy`, in that order. */
  readonly groupFields: readonly string[]
  /** The fields whose values are counted or summed; empty for event_count and temporal. */
  readonly valueFields: readonly string[]
}

export interface SigmaCorrelation {
  readonly kind: 'correlation'
  readonly meta: RuleMeta
  readonly type: CorrelationType
  /** In the order of the rule file (temporal_ordered obeys it). */
  readonly base: readonly CorrelationBase[]
  /** Names of fields or aliases; what a finding's group is spelled with. */
  readonly groupBy: readonly string[]
  readonly timespanMs: number
  /** All must hold. */
  readonly condition: readonly { readonly op: Comparison; readonly value: number }[]
  /** For value_percentile: 0 to 100. */
  readonly percentile?: number
  /** For the extended temporal types, whose `condition` is then that it holds (1): what must be there, and what must not. */
  readonly expression?: BaseExpression
  /** The expression as it is written. */
  readonly written?: string
  /** False: only other correlations use it. */
  readonly standalone: boolean
}

/** A filter with author and reason: it suppresses matches, which are counted, and ends. */
export interface SigmaException {
  readonly id: string
  readonly title: string
  readonly author: string
  readonly reason: string
  /** Event time, ms; null: it has no end. */
  readonly expiresMs: number | null
  /** Rules and correlations by id, each with the condition that events must satisfy to be told. */
  readonly of: readonly { readonly rule: string; readonly condition: Condition }[]
  readonly place: FilePlace
}

export interface CompiledSigma {
  readonly rules: readonly SigmaRule[]
  readonly correlations: readonly SigmaCorrelation[]
  readonly exceptions: readonly SigmaException[]
  /** In the order of files and lines. Rules with mistakes are left out of the above. */
  readonly mistakes: readonly Mistake[]
}

/** What of an event a correlation needs: small enough to be shuffled. JSON. */
export interface Observation {
  /** The event's id (or the finding's, when a correlation is the base). Duplicates are told by it. */
  readonly eventId: string
  readonly timestampMs: number
  /** Index into `SigmaCorrelation.base`. */
  readonly base: number
  /** value_count: the values; value_sum, _avg, _percentile, _median: the numbers as text; else empty. */
  readonly values: readonly string[]
  /** Undefined: a finding whose events are not remembered with it. */
  readonly evidence?: EvidenceRef
  /** The base was a finding that has been withdrawn: takes the observation of the same `eventId` back. */
  readonly retracted?: boolean
  /** The base was a finding that says `incomplete`; `since`: it was observed before, and did not say so yet. */
  readonly incomplete?: true | 'since'
}

/** One version of one finding of a correlation within one group. */
export interface CorrelationFinding {
  /** Event time of the first event of the first window in which the condition holds. Unique within a group. */
  readonly anchorMs: number
  /** 1, then one more for each revision. */
  readonly version: number
  readonly status: 'open' | 'retracted'
  /** Anchors of findings that this one replaces. */
  readonly supersedes: readonly number[]
  /** Event time at which the condition first held (in event-time order), and last. */
  readonly firstHeldMs: number
  readonly lastHeldMs: number
  /** Events from the anchor to `lastHeldMs`. */
  readonly count: number
  /** The greatest value of what is compared (count, distinct values, sum, rules seen) in any one window. */
  readonly peak: number
  /** The watermark has passed: it will not change any more. */
  readonly final: boolean
  /** More events than the group, or one that it stands on, may keep: see docs/decisions/010-sigma-windows.md. */
  readonly incomplete: boolean
  /** In event-time order, at most `limits.signalEvidenceMax`; spread over the burst when there are more. */
  readonly evidence: readonly EvidenceRef[]
}

/** A group's state: opaque JSON, to be kept under the group's key. What grows with every event in it is the list `entries`. */
export type GroupState = object

export interface OperatorStep {
  /** Undefined: nothing left to remember; delete it. Otherwise the same object, changed in place, or a new one. */
  readonly state: GroupState | undefined
  readonly findings: readonly CorrelationFinding[]
  /** Where the state has a list `entries`: the first place of it that has changed. Absent: any may have. */
  readonly changedFrom?: number
  /** Places before that one that have changed as well. */
  readonly thinned?: readonly number[]
  /** The observation changed nothing: why. */
  readonly dropped?: 'duplicate' | 'late' | 'overflow' | 'no-value'
}

/** The state machine of one correlation; one state a group. Pure: time arrives in observations and watermarks. */
export interface CorrelationOperator {
  readonly correlation: SigmaCorrelation
  /** Of the shape of GroupState. */
  readonly stateVersion: number
  /** `watermarkMs`: no event before it is to come; -Infinity where none is known yet. */
  apply(state: GroupState | undefined, observation: Observation, watermarkMs: number): OperatorStep
  /** The watermark has moved. Cheap to call when `dueMs(state)` is not reached, but not needed then. */
  advance(state: GroupState, watermarkMs: number): OperatorStep
  /** The least watermark at which `advance` has something to say or to forget. */
  dueMs(state: GroupState): number
  /** No finding that is still to be told reaches back behind it. */
  neededFromMs(state: GroupState): number
}

/** What of a rule a matcher needs. */
export interface MatchedRule {
  readonly condition: Condition
  readonly meta: { readonly logsource: LogSource }
}

export interface Matcher<Rule extends MatchedRule = SigmaRule> {
  readonly rules: readonly Rule[]
  /** Calls back for every rule that matches, in the rules' order. Not reentrant. */
  match(event: EventTree, onMatch: (rule: Rule) => void): void
}
