/** `modelwarden rules explain`: why a rule matches an event, or why not. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { ContentFile } from '../../core/content.ts'
import { formatMistake, type Mistake } from '../../core/errors.ts'
import { nearest } from '../../core/near-miss.ts'
import { neutralText } from '../../runtime/terminal-text.ts'
import { explainRule, findRules } from '../../services/detect/authoring/explain-rule.ts'
import { compileRules, type CompiledRules } from '../../services/detect/rule-set/rule-set.ts'
import { CliError, exitCodes } from '../exit.ts'
import { note, print, printJson } from '../output.ts'
import type { GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'
import { inputEvent } from './event-input.ts'
import { loadPipelines, loadRules, type LoadedRules } from './load.ts'

export interface ExplainOptions extends GlobalOptions {
  readonly rules?: readonly string[]
  readonly pipeline?: readonly string[]
  readonly json?: true
}

export async function explainEvent(rule: string, eventAt: string, options: ExplainOptions): Promise<void> {
  const { compiled, ids } = await rulesNamed(rule, options)
  const event = await inputEvent(eventAt, options)
  const explained = ids.flatMap((id) => explainRule(compiled.set, id, event) ?? [])
  if (options.json) printJson(explained.length === 1 ? explained[0] : explained)
  else for (const { text } of explained) print(neutralText(text))
}

export interface NamedRules {
  readonly compiled: CompiledRules
  readonly loaded: LoadedRules
  readonly ids: readonly string[]
}

/** Finds a rule by id, name, title or file; among `--rules`, or those of the installation. */
export async function rulesNamed(wanted: string, options: ExplainOptions): Promise<NamedRules> {
  const isFile = /\.ya?ml$/.test(wanted) && existsSync(wanted)
  const paths = isFile ? [...(options.rules ?? []), wanted] : (options.rules ?? [])
  const loaded = await loadRules(loadSettings(options), paths)
  const files = [...loaded.files, ...(await loadPipelines(options.pipeline ?? [])).files]
  const compiled = compileRules(files)
  const file = paths.length > 1 ? `${paths.length - 1}/${basename(wanted)}` : basename(wanted)
  const ids = findRules(compiled.set, isFile ? file : wanted)
  if (ids.length > 0) return { compiled, loaded, ids }
  refuseResting(isFile ? file : wanted, files, compiled.notices)
  for (const mistake of compiled.mistakes.slice(0, 10)) note(formatMistake(mistake))
  const metas = [...compiled.set.sigma, ...compiled.set.correlations.map((plan) => plan.rule)].map(({ meta }) => meta)
  const near = nearest(
    wanted,
    metas.flatMap(({ id, name, title }) => (name === undefined ? [id, title] : [id, name, title])),
  )
  throw new CliError(exitCodes.usage, 'RULE_UNKNOWN', `There is no rule ${JSON.stringify(wanted)} in force here.`, {
    hint: near === undefined ? 'Name it by its id, its name, its title or its file.' : `Did you mean "${near}"?`,
  })
}

/** A rule that is there, and rests until a list has values, is not unknown. */
function refuseResting(wanted: string, files: readonly ContentFile[], notices: readonly Mistake[]): void {
  const { set } = compileRules(files, 'taken in')
  const ids = new Set(findRules(set, wanted))
  const rules = [...set.sigma, ...set.correlations.map(({ rule }) => rule)].filter(({ meta }) => ids.has(meta.id))
  const resting = notices.find(
    ({ code, place }) => code === 'RULE_RESTS' && rules.some(({ meta }) => meta.place.file === place?.file),
  )
  if (resting === undefined) return
  throw new CliError(exitCodes.usage, 'RULE_RESTS', `${wanted}: ${resting.message}`, {
    ...(resting.hint === undefined ? {} : { hint: resting.hint }),
  })
}
