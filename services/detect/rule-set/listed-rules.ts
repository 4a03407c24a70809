/**
 * Compiles Sigma files together with the operators' lists that they name, and finds the rules that rest because a list is
 * empty.
 *
 * Pure. Stands below rule-set.ts, which adds behavior rules and correlations, and alone under `modelwarden rules match`, which
 * has no use for these and need not load them.
 */
import type { ContentFile } from '../../../core/content.ts'
import type { Mistake } from '../../../core/errors.ts'
import { holdsBehaviorRule } from '../../../engine/behavior/envelope.ts'
import { compileSigma } from '../../../engine/sigma/compile.ts'
import type { CompiledSigma, Condition, RuleMeta } from '../../../engine/sigma/types.ts'
import { emptyListsIn, readLists, type OperatorList, type ReadLists } from './lists.ts'

export interface ListedRules {
  readonly compiled: CompiledSigma
  /** False: the rule rests. */
  readonly active: (rule: { readonly meta: RuleMeta }) => boolean
  readonly notices: readonly Mistake[]
}

/** `files`: those of `lists.others` that hold Sigma, behavior rules' selections included. */
export function compileWithLists(files: readonly ContentFile[], lists: ReadLists): ListedRules {
  const compiled = compileSigma(lists.pipeline === undefined ? files : [...files, lists.pipeline])
  const resting = restingFiles(lists.others, lists.lists)
  return { compiled, active: ({ meta }) => !resting.files.has(meta.place.file), notices: resting.notices }
}

/** What matching an event against a rule, and telling the match, takes. JSON. */
export interface EventRule {
  readonly condition: Condition
  readonly meta: Pick<RuleMeta, 'id' | 'title' | 'level' | 'logsource'>
}

export interface EventRules {
  readonly rules: readonly EventRule[]
  readonly mistakes: readonly Mistake[]
}

/** The rules that make a signal of a single event; behavior rules and correlations are passed over. */
export function compileEventRules(files: readonly ContentFile[]): EventRules {
  const lists = readLists(files)
  const sigma = lists.others.filter(({ text }) => !holdsBehaviorRule(text))
  const { compiled, active } = compileWithLists(sigma, lists)
  const rules = compiled.rules
    .filter((rule) => rule.standalone && active(rule))
    .map(({ condition, meta: { id, title, level, logsource } }) => ({
      condition,
      meta: { id, title, level, logsource },
    }))
  return { rules, mistakes: [...lists.mistakes, ...compiled.mistakes] }
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
