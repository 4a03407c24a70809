/** `modelwarden rules test`: the cases beside rules, on the engine that runs in production; also as a JUnit report. */
import { writeFileSync } from 'node:fs'
import { counted } from '../../core/counted.ts'
import { ContentInvalidError, formatPlace } from '../../core/errors.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import { runRuleCases, type RuleCaseResult } from '../../services/detect/authoring/rule-cases.ts'
import { CliError, exitCodes } from '../exit.ts'
import type { GlobalOptions } from '../options.ts'
import { print, printJson, styled } from '../output.ts'
import { loadSettings } from '../settings.ts'
import { junitOf } from './junit.ts'
import { loadRules, loadSources } from './load.ts'

interface TestOptions extends GlobalOptions {
  readonly json?: true
  readonly junit?: string
}

export async function testThese(paths: readonly string[], options: TestOptions): Promise<void> {
  const loaded = loadSettings(options)
  const startedMs = performance.now()
  const { files, cases, mistakes: reading, shown } = await loadRules(loaded, paths)
  const run = runRuleCases([...files, ...cases], await loadSources(loaded))
  const results = run.results.map((result) => ({ ...result, place: shown(result.place) }))
  const mistakes = [...reading, ...run.mistakes].map((one) =>
    one.place === undefined ? one : { ...one, place: shown(one.place) },
  )
  const untested = run.untested.map((file) => shown({ file, line: 1, column: 1 }).file)
  const failed = results.filter(({ differences }) => differences.length > 0)
  const seconds = (performance.now() - startedMs) / 1_000
  if (options.junit !== undefined) writeFileSync(options.junit, junitOf(results, mistakes, seconds))
  if (options.json) {
    const cases = results.map(({ rule, name, place, differences }) => ({ rule, name, ...place, differences }))
    printJson({ passed: results.length - failed.length, failed: failed.length, cases, mistakes, untested })
  } else printRun(results, failed, untested)
  if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
  if (failed.length > 0) {
    throw new CliError(
      exitCodes.failure,
      'CASES_FAILED',
      `${failed.length} of ${counted(results.length, 'case')} failed.`,
    )
  }
}

function printRun(
  results: readonly RuleCaseResult[],
  failed: readonly RuleCaseResult[],
  untested: readonly string[],
): void {
  for (const { place, rule, name, differences } of failed) {
    print(`${styled('red', 'failed')}  ${neutralLine(`${formatPlace(place)}: ${rule}: ${name}`)}`)
    for (const difference of differences) print(`          ${neutralLine(difference, 2_000)}`)
  }
  for (const file of untested) print(`${styled('yellow', 'no cases')}  ${neutralLine(file)}`)
  print(`${counted(results.length, 'case')}, ${failed.length} failed.`)
}
