/** `modelwarden rules check`: every finding of a look over the rules, for people, programs and code hosts (SARIF). */
import { writeFileSync } from 'node:fs'
import { counted } from '../../core/counted.ts'
import { formatPlace } from '../../core/errors.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { checkRules } from '../../services/detect/authoring/rule-check.ts'
import type { RuleFinding, Severity } from '../../services/detect/authoring/rule-finding.ts'
import { CliError, exitCodes } from '../exit.ts'
import type { GlobalOptions } from '../options.ts'
import { print, printJson, styled } from '../output.ts'
import { loadSettings } from '../settings.ts'
import { loadRules, loadSources } from './load.ts'
import { sarifOf } from './sarif.ts'

interface CheckOptions extends GlobalOptions {
  readonly json?: true
  readonly strict?: true
  readonly sarif?: string
}

const styles = { error: 'red', warning: 'yellow', note: 'gray' } as const

export async function checkThese(paths: readonly string[], options: CheckOptions): Promise<void> {
  const loaded = loadSettings(options)
  const { files, mistakes, shown } = await loadRules(loaded, paths)
  const { findings: found, compiled } = checkRules(files, await loadSources(loaded), Date.now())
  const findings: RuleFinding[] = [
    ...mistakes.map(({ code, message, place, hint }): RuleFinding => {
      const at = place ?? { file: '', line: 1, column: 1 }
      return { severity: 'error', code, message, place: at, ...(hint === undefined ? {} : { hint }) }
    }),
    ...found.map((finding) => ({ ...finding, place: shown(finding.place) })),
  ]
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length
  const [errors, warnings] = [count('error'), count('warning')]
  const { sigma, correlations, behavior } = compiled.set
  const rules = sigma.length - behavior.length + correlations.length + behavior.length
  if (options.sarif !== undefined) writeFileSync(options.sarif, `${JSON.stringify(sarifOf(findings), null, 2)}\n`)
  if (options.json) {
    printJson({ files: files.length, rules, errors, warnings, findings: findings.map(flat) })
  } else {
    for (const finding of findings) printFinding(finding)
    print(
      `${counted(files.length, 'file')}, ${counted(rules, 'rule')}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`,
    )
  }
  if (errors > 0 || (options.strict && warnings > 0)) {
    throw new CliError(
      exitCodes.usage,
      'RULES_INVALID',
      `The rules have ${counted(errors, 'error')} and ${counted(warnings, 'warning')}.`,
    )
  }
}

function flat({ place, ...rest }: RuleFinding): object {
  return { ...rest, file: place.file, line: place.line, column: place.column }
}

function printFinding({ severity, code, message, place, hint }: RuleFinding): void {
  const more = hint === undefined ? '' : ` (${hint})`
  print(
    `${neutralLine(formatPlace(place))}: ${styled(styles[severity], severity)}: ${code}: ${neutralLine(message + more, 1_000)}`,
  )
}
