/** `modelwarden rules`: rules checked, tested, tried on events and explained. */
import type { Command } from 'commander'
import { clientOptions, globalOptions } from '../options.ts'
import { inModule } from '../in-module.ts'

export function addRulesCommand(program: Command): void {
  const rules = program.command('rules').description('check, test, explain rules; try them on events')
  addCheck(rules)
  addTest(rules)
  addExplain(rules)
  addMatch(rules)
  addCase(rules)
  addCoverage(rules)
  addBacktest(rules)
  addExcept(rules)
  addStatus(rules)
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
    .action(inModule(async () => (await import('../rules/check.ts')).checkThese))
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
    .action(inModule(async () => (await import('../rules/test.ts')).testThese))
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
    .action(inModule(async () => (await import('../rules/explain.ts')).explainEvent))
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
    .option('--no-cache', 'compile the rules anew, and keep nothing of them')
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
    .action(inModule(async () => (await import('../rules/match.ts')).matchEvents))
}

function addCase(rules: Command): void {
  globalOptions(rules.command('case'))
    .description('make a test case out of an event of production, secrets masked')
    .argument('<event>', eventHelp)
    .option('--rule <rule>', 'for this rule (id, name, title or file): only what it reads, and whether it matches')
    .option('--name <name>', 'what the case is called')
    .option('--whole', 'all fields of the event, whatever the rule reads')
    .option(...rulesOption)
    .option(...pipelineOption)
    .option('--url <url>', 'where the instance is that has the event')
    .option('--json', 'print the case as JSON')
    .addHelpText(
      'after',
      `
The case goes to standard output: put it into the file with the cases beside the rule. Names and addresses stay as they are;
look it over before it leaves the house.

Examples:
  modelwarden rules case 3f0c… --rule "Weights copied to a location that is not ours" --name "nightly backup"
  modelwarden rules case events.ndjson:17 --rule my-rules/new-rule.yml`,
    )
    .action(inModule(async () => (await import('../rules/case.ts')).makeCase))
}

function addCoverage(rules: Command): void {
  globalOptions(rules.command('coverage'))
    .description('which ATLAS and ATT&CK techniques the rules look for, and which no source feeds')
    .argument('[paths...]', pathsHelp)
    .option('--attack <file>', 'write the layer for the ATT&CK Navigator')
    .option('--atlas <file>', 'write the layer for the ATLAS Navigator')
    .option('--json', 'print {techniques, unfed, layers: {attack, atlas}} as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden rules coverage\n  modelwarden rules coverage --attack attack.json --atlas atlas.json',
    )
    .action(inModule(async () => (await import('../rules/coverage.ts')).showCoverage))
}

/** Stands by itself too: `modelwarden backtest`. */
export function addBacktest(parent: Command): void {
  globalOptions(parent.command('backtest'))
    .description('run rules over a past range of events: what would have fired, how often, how right, at what cost')
    .argument('[paths...]', pathsHelp)
    .option('-e, --events <file...>', 'events from files (one a line, or an array; gzip, zstd or not)')
    .option('--bus', 'events from the bus of the configuration, which no live embedded instance may hold')
    .option('--from <time>', 'events from then on')
    .option('--to <time>', 'events before then')
    .option('--verdicts <file>', 'closed incidents as JSON; those of the index come by themselves')
    .option('--url <url>', 'where the instance is whose index is asked (without --events and --bus)')
    .option('--json', 'print {events, from, to, signals, dropped, rules} as JSON')
    .addHelpText(
      'after',
      `
Nothing is put in force and nothing acts. A finding is judged by the closed incident that holds the same signal, or one about
the same entity in overlapping time; benign true positives count as wrong: nobody had to hear of them.

Examples:
  modelwarden backtest --from 2026-10-01 --to 2026-11-01
  modelwarden backtest my-rules/new-rule.yml --events october.ndjson.gz --json | jq '.rules[0]'
  modelwarden incidents list --status closed --json > closed.json && modelwarden backtest -e day.ndjson --verdicts closed.json`,
    )
    .action(inModule(async () => (await import('../rules/backtest.ts')).backtest))
}

function addExcept(rules: Command): void {
  clientOptions(rules.command('except'))
    .description('make an exception out of a finding: verified, with an end, an author and a reason')
    .argument('<signal>', 'the signal’s id')
    .requiredOption('--reason <text>', 'why this is fine')
    .option('--author <name>', 'who answers for it (default: who runs this)')
    .option('--expires <time>', 'until when: 30d, a date, or never; decided by the time of events', '90d')
    .option('--field <name...>', 'fields that must be as in the finding’s events (default: its group, and the action)')
    .option('--output <file>', 'where to write it (default: exceptions/ in the first of content.rules)')
    .option('--print', 'print it instead of writing it')
    .addHelpText(
      'after',
      `
It is refused where it would hide one of the rule's own positive cases, or not the events that it is made from. A live instance
puts it in force within two seconds; what it hides is counted: modelwarden rules status

Examples:
  modelwarden rules except 9c4e… --reason "nightly backup, CHG-1204" --expires 30d
  modelwarden rules except 9c4e… --reason "scanner" --field source.ip user_agent.original --print`,
    )
    .action(inModule(async () => (await import('../rules/except.ts')).exceptSignal))
}

function addStatus(rules: Command): void {
  clientOptions(rules.command('status'))
    .description('through which event time and offset each rule has been evaluated, what it matched, and what it costs')
    .addHelpText('after', '\nExamples:\n  modelwarden rules status\n  modelwarden rules status --json | jq .rules')
    .action(inModule(async () => (await import('../rules/status.ts')).showRuleStatus))
}
