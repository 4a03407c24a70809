/**
 * Compiles a rules set: Sigma rules and correlations, behavior rules, operators' lists, into what the two steps of detect
 * run.
 *
 * Pure. Promises: never throws for what a file says; all mistakes of all files are listed; the same files in any order give
 * the same set. Also what `modelwarden rules check` and the case runner use.
 */
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import { derivedId } from '../../core/ids.ts'
import { readBehaviorRules } from '../../engine/behavior/compile.ts'
import type { BehaviorRule } from '../../engine/behavior/types.ts'
import { compileSigma } from '../../engine/sigma/compile.ts'
import type { RuleMeta, SigmaCorrelation, SigmaException, SigmaRule } from '../../engine/sigma/types.ts'
import { emptyListsIn, readLists, type OperatorList } from './lists.ts'

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

export function compileRules(files: readonly ContentFile[]): CompiledRules {
  const lists = readLists(files)
  const behavior = readBehaviorRules(lists.others.filter(({ path }) => !path.endsWith('.cases.yml')))
  const sources = [...behavior.others, ...behavior.drafts.map(({ select }) => select)]
  const compiled = compileSigma(lists.pipeline === undefined ? sources : [...sources, lists.pipeline])
  const resting = restingFiles(lists.others, lists.lists)
  const active = (rule: { readonly meta: RuleMeta }): boolean => !resting.files.has(rule.meta.place.file)

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
    notices: resting.notices,
  }
}

function ruleKey(meta: RuleMeta): string {
  return derivedId('rule', meta.id, meta.digest).slice(0, 16)
}

/** Correlations whose bases are there, those that stand on others after them. */
function planCorrelations(rules: readonly SigmaCorrelation[], sigmaIds: ReadonlySet<string>): CorrelationPlan[] {
  const planned = new Map<string, CorrelationPlan>()
  for (let waiting = [...rules]; waiting.length > 0;) {
    const ready = waiting.filter(({ base }) =>
      base.every(({ kind, id }) => (kind === 'rule' ? sigmaIds.has(id) : planned.has(id))),
    )
    if (ready.length === 0) break
    for (const rule of ready)
      planned.set(rule.meta.id, { rule, key: ruleKey(rule.meta), local: isLocal(rule, planned) })
    waiting = waiting.filter((rule) => !ready.includes(rule))
  }
  return [...planned.values()]
}

function isLocal(rule: SigmaCorrelation, planned: ReadonlyMap<string, CorrelationPlan>): boolean {
  return rule.base.every(
    ({ kind, id, groupFields }) =>
      groupFields.includes('warden.principal') && (kind === 'rule' || planned.get(id)?.local === true),
  )
}

function restingFiles(
  files: readonly ContentFile[],
  lists: readonly OperatorList[],
): { readonly files: ReadonlySet<string>; readonly notices: readonly Mistake[] } {
  const resting = new Set<string>()
  const notices: Mistake[] = []
  for (const { path, text } of files) {
    if (path.endsWith('.cases.yml')) continue
    for (const { name, empty } of emptyListsIn(text, lists)) {
      const place = { file: path, line: 1, column: 1 }
      const hint = `Put your values into lists/${name}.yml.`
      if (empty === 'rest') {
        resting.add(path)
        notices.push({ code: 'RULE_RESTS', message: `The rule rests: the list ${name} is empty.`, place, hint })
      } else {
        notices.push({ code: 'LIST_EMPTY', message: `The list ${name} is empty and matches nothing.`, place, hint })
      }
    }
  }
  return { files: resting, notices }
}
