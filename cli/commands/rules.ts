/** `modelwarden rules`: rules checked, tested, tried on events and explained. */
import type { Command } from 'commander'
import type { CheckOptions } from '../rules/check.ts'
import type { ExplainOptions } from '../rules/explain.ts'
import type { MatchOptions } from '../rules/match.ts'
import type { TestOptions } from '../rules/test.ts'
import { globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'

export function addRulesCommand(program: Command): void {
  const rules = program.command('rules').description('check, test, explain rules; try them on events')
  addCheck(rules)
  addTest(rules)
  addExplain(rules)
  addMatch(rules)
}

const pathsHelp = 'folders or files of rules (default: those of the installation)'

function addCheck(rules: Command): void {
  globalOptions(rules.command('check'))
    .description('report mistakes, and rules that can find nothing, each with file, line and column')
    .argument('[paths...]', pathsHelp)
    .option('--json', 'print {files, rules, errors, warnings, findings} as JSON')
    .option('--strict', 'warnings fail the check too')
    .option('--sarif <file>', 'write the findings as SARIF 2.1.0 too')
    .addHelpText(
      'after',
      `
Errors keep a rule from being put in force (exit code 2). Warnings are rules that run and find nothing, or less than they
seem to: conditions that no event satisfies, fields and log sources that no source fills, correlations that nothing reaches,
techniques that there are not.

Examples:
  modelwarden rules check
  modelwarden rules check my-rules/ --json | jq '.findings[] | select(.severity == "error")'
  modelwarden rules check my-rules/new-rule.yml --strict --sarif findings.sarif`,
    )
    .action(async (paths: string[], options: GlobalOptions & CheckOptions) => {
      const { checkThese } = await import('../rules/check.ts')
      await checkThese(loadSettings(options), paths, options)
    })
}

function addTest(rules: Command): void {
  globalOptions(rules.command('test'))
    .description('run the cases beside rules (*.cases.yml) on the engine that runs in production')
    .argument('[paths...]', pathsHelp)
    .option('--json', 'print {passed, failed, cases, mistakes, untested} as JSON')
    .option('--junit <file>', 'write the results as JUnit XML too')
    .addHelpText(
      'after',
      `
Exit code 1: a case failed; 2: a rule or a case file has mistakes.

Examples:
  modelwarden rules test
  modelwarden rules test my-rules/storage --junit rules.xml`,
    )
    .action(async (paths: string[], options: GlobalOptions & TestOptions) => {
      const { testThese } = await import('../rules/test.ts')
      await testThese(loadSettings(options), paths, options)
    })
}

const rulesOption = ['-r, --rules <path...>', 'folders or files of rules (default: those of the installation)'] as const
const pipelineOption = [
  '-p, --pipeline <file...>',
  'processing pipelines that map field names and log sources',
] as const
const eventHelp = 'an event’s id, a file, file:number (from 0), or - for standard input'

function addExplain(rules: Command): void {
  globalOptions(rules.command('explain'))
    .description(
      'say why a rule matches an event or does not: each selection, each field, what was wanted and what was there',
    )
    .argument('<rule>', 'a rule’s id, name, title or file')
    .argument('<event>', eventHelp)
    .option(...rulesOption)
    .option(...pipelineOption)
    .option('--url <url>', 'where the instance is that has the event')
    .option('--json', 'print the explanation as JSON')
    .addHelpText(
      'after',
      `
What stands in the event is shown shortened, without control characters, and with secrets masked.

Examples:
  modelwarden rules explain "Weights copied to a location that is not ours" 3f0c…
  modelwarden rules explain my-rules/new-rule.yml events.ndjson:17 --json`,
    )
    .action(async (rule: string, event: string, options: ExplainOptions) => {
      const { explainEvent } = await import('../rules/explain.ts')
      await explainEvent(rule, event, options)
    })
}

function addMatch(rules: Command): void {
  rules
    .command('match')
    .description('run rules over a file of events, and print one line a match')
    .requiredOption('-r, --rules <path...>', 'folders or files of rules: these and no others')
    .requiredOption(
      '-e, --events <file>',
      'events: one JSON object a line, or an array; gzip, zstd or not; - for standard input',
    )
    .option(...pipelineOption)
    .option('--logsource <parts>', 'of events that name none in warden.logsource, e.g. product=windows,service=sysmon')
    .option('--json', 'print each match as {"event": <number from 0>, "rule": "<id>"}')
    .option(
      '--stats',
      'print {rules, refused, loadMs, events, broken, matches, seconds, eventsPerSecond} on standard error',
    )
    .option('--strict', 'rules with mistakes end the run; else they are named and left out')
    .addHelpText(
      'after',
      `
Events are nested JSON or flat (fields with dots in their names, or plain names). Of a file with one object a line, the event's
number is its line, from 0. Rules of all log sources are tried where an event does not say which it is of. Rules that only
correlations use make no match of their own; for correlations over recorded events see: modelwarden backtest --help

Examples:
  modelwarden rules match --rules my-rules --events day.ndjson.gz --json --stats
  modelwarden rules match -r sigma/rules -p windows.yml -e events.json`,
    )
    .action(async (options: MatchOptions) => {
      const { matchEvents } = await import('../rules/match.ts')
      await matchEvents(options)
    })
}
