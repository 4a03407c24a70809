/**
 * Compiles a rules set: Sigma rules and correlations, behavior rules, operators' lists, into what the two steps of detect
 * run.
 *
 * Pure. Promises: never throws for what a file says; all mistakes of all files are listed; the same files in any order give
 * the same set. Also what `modelwarden rules check` and the case runner use.
 */
import type { ContentFile } from '../../../core/content.ts'
import type { Mistake } from '../../../core/errors.ts'
import { derivedId } from '../../../core/ids.ts'
import { readBehaviorRules } from '../../../engine/behavior/compile.ts'
import type { BehaviorRule } from '../../../engine/behavior/types.ts'
import { decidesAtOnce } from '../../../engine/sigma/aggregates.ts'
import type { RuleMeta, SigmaCorrelation, SigmaException, SigmaRule } from '../../../engine/sigma/types.ts'
import { readLists } from './lists.ts'
import { compileWithLists } from './listed-rules.ts'
import { aloneAt, sharedPlacements, type Placement } from './placement.ts'

export interface RuleSet {
  /** All rules that look at single events, those that only feed others included. */
  readonly sigma: readonly SigmaRule[]
  readonly correlations: readonly CorrelationPlan[]
  readonly behavior: readonly BehaviorPlanned[]
  readonly exceptions: readonly SigmaException[]
}

export interface CorrelationPlan {
  readonly rule: SigmaCorrelation
  /** Names this version of the rule in state keys: another version starts afresh. */
  readonly key: string
  /** Its groups are parts of one principal's events: state is kept where the event is. */
  readonly local: boolean
  /** How it is spread over the tasks of the second step. */
  readonly placement: Placement
  /** 0: it stands on rules alone; else one more than the highest of what it stands on. */
  readonly height: number
  /**
   * How far event time has to pass before all that happened in it is known: findings of correlations that are decided when
   * their window is over come that much later than what they are about.
   */
  readonly delayMs: number
}

export interface BehaviorPlanned {
  readonly rule: BehaviorRule
  readonly key: string
}

export interface CompiledRules {
  readonly set: RuleSet
  readonly mistakes: readonly Mistake[]
  /** What a person should know though nothing is wrong, such as rules that rest. */
  readonly notices: readonly Mistake[]
}

/** `resting`: what of rules that rest because a list is empty; to look them over they are wanted all the same. */
export function compileRules(
  files: readonly ContentFile[],
  resting: 'left out' | 'taken in' = 'left out',
): CompiledRules {
  const lists = readLists(files.filter(({ path }) => !path.endsWith('.cases.yml')))
  const behavior = readBehaviorRules(lists.others)
  const listed = compileWithLists([...behavior.others, ...behavior.drafts.map(({ select }) => select)], lists)
  const { compiled, notices } = listed
  const active: typeof listed.active = resting === 'taken in' ? () => true : listed.active

  const draftOf = new Map(behavior.drafts.map((draft) => [draft.file, draft]))
  const mistakes = [
    ...lists.mistakes,
    ...behavior.mistakes,
    ...compiled.mistakes.map((mistake) => draftOf.get(mistake.place?.file ?? '')?.replace(mistake) ?? mistake),
  ]
  const sigma: SigmaRule[] = []
  const planned: BehaviorPlanned[] = []
  for (const rule of compiled.rules.filter(active)) {
    const draft = draftOf.get(rule.meta.place.file)
    if (draft === undefined) sigma.push(rule)
    else {
      const finished = draft.finish(rule)
      sigma.push({ ...rule, standalone: false })
      planned.push({ rule: finished, key: ruleKey(finished.meta) })
    }
  }
  const correlations = planCorrelations(compiled.correlations.filter(active), new Set(sigma.map(({ meta }) => meta.id)))
  return {
    set: { sigma, correlations, behavior: planned, exceptions: compiled.exceptions },
    mistakes,
    notices,
  }
}

function ruleKey(meta: RuleMeta, ...also: readonly string[]): string {
  return derivedId('rule', meta.id, meta.digest, ...also).slice(0, 16)
}

/** Correlations whose bases are there, those that stand on others after them. */
function planCorrelations(rules: readonly SigmaCorrelation[], sigmaIds: ReadonlySet<string>): CorrelationPlan[] {
  const ordered = new Map<string, Draft>()
  for (let waiting = [...rules]; waiting.length > 0;) {
    const ready = waiting.filter(({ base }) =>
      base.every(({ kind, id }) => (kind === 'rule' ? sigmaIds.has(id) : ordered.has(id))),
    )
    if (ready.length === 0) break
    for (const rule of ready) ordered.set(rule.meta.id, draftOf(rule, ordered))
    waiting = waiting.filter((rule) => !ready.includes(rule))
  }
  const drafts = [...ordered.values()]
  const shared = sharedPlacements(drafts.flatMap(({ rule, local }) => (local ? [] : [rule])))
  return drafts.map((draft) => {
    const { rule } = draft
    const placement = shared.get(rule.meta.id)
    // What it has counted lies where it was placed: placed elsewhere it starts afresh.
    const key = placement === undefined ? ruleKey(rule.meta) : ruleKey(rule.meta, JSON.stringify(placement))
    return { ...draft, key, placement: placement ?? aloneAt(rule) }
  })
}

type Draft = Pick<CorrelationPlan, 'rule' | 'local' | 'height' | 'delayMs'>

function draftOf(rule: SigmaCorrelation, ordered: ReadonlyMap<string, Draft>): Draft {
  const below = rule.base.flatMap(({ id }) => ordered.get(id) ?? [])
  return {
    rule,
    local: isLocal(rule, ordered),
    height: Math.max(0, ...below.map(({ height }) => height + 1)),
    delayMs: Math.max(0, ...below.map((each) => each.delayMs + (decidesAtOnce(each.rule) ? 0 : each.rule.timespanMs))),
  }
}

function isLocal(rule: SigmaCorrelation, ordered: ReadonlyMap<string, Draft>): boolean {
  return rule.base.every(
    ({ kind, id, groupFields }) =>
      groupFields.includes('warden.principal') && (kind === 'rule' || ordered.get(id)?.local === true),
  )
}
