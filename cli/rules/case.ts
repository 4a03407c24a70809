/** `modelwarden rules case`: a test case out of an event of production, secrets masked. */
import { stringify } from 'yaml'
import { neutralText } from '../../runtime/terminal-text.ts'
import { explainRule } from '../../services/detect/authoring/explain-rule.ts'
import { caseFields } from '../../services/detect/authoring/made-case.ts'
import { fieldsOf } from '../../services/detect/authoring/rule-check-fields.ts'
import { runRuleCases } from '../../services/detect/authoring/rule-cases.ts'
import { note, print, printJson } from '../output.ts'
import { loadSettings } from '../settings.ts'
import { inputEvent } from './event-input.ts'
import { rulesNamed, type ExplainOptions } from './explain.ts'
import { loadSources } from './load.ts'

export interface CaseOptions extends ExplainOptions {
  readonly rule?: string
  readonly name?: string
  readonly whole?: true
}

/** What a case must have beside what a rule reads: it says whose the event is. */
const always = ['user.name', 'organization.id', 'warden.principal', 'warden.logsource', 'event.action', 'event.dataset']

export async function makeCase(eventAt: string, options: CaseOptions): Promise<void> {
  const event = await inputEvent(eventAt, options)
  if (options.rule === undefined) {
    const events = [{ event: caseFields(event) }]
    show([{ name: options.name ?? 'as it happened', events, expect: 'match' }], options)
    return
  }
  const { compiled, loaded, ids } = await rulesNamed(options.rule, options)
  const id = ids[0]!
  const own = compiled.set.sigma.filter(({ meta }) => ids.includes(meta.id))
  const read =
    options.whole || own.length === 0 ? undefined : [...always, ...own.flatMap((rule) => fieldsOf(rule.condition))]
  const matches = explainRule(compiled.set, id, event)?.matches === true
  const expect = matches ? 'match' : 'no match'
  const cases = [
    { name: options.name ?? `as it happened: ${expect}`, events: [{ event: caseFields(event, read) }], expect },
  ]
  show(cases, options)
  const rule = own[0] ?? compiled.set.correlations.find((plan) => plan.rule.meta.id === id)?.rule
  const path = rule?.meta.place.file.replace(/\.ya?ml$/, '.cases.yml')
  if (path === undefined || own[0] === undefined || !own[0].standalone) return
  // Masking may have taken away what the rule looks for: said here, not found out later.
  const run = runRuleCases(
    [...loaded.files, { path, text: JSON.stringify({ cases }) }],
    await loadSources(loadSettings(options)),
  )
  for (const { differences } of run.results)
    for (const each of differences) note(`The case does not hold as it stands: ${each}`)
}

function show(cases: readonly unknown[], { json }: CaseOptions): void {
  if (json) printJson({ cases })
  else print(neutralText(stringify({ cases }, { lineWidth: 120 })).trimEnd())
}
