/** `modelwarden usage`: what was used of models, as an invoice needs it. */
import { Option, type Command } from 'commander'
import { counted } from '../../core/counted.ts'
import { neutralLine } from '../../runtime/terminal-text.ts'
import type { UsageSums, UsageTotals } from '../../services/console/usage-sums.ts'
import { usageGroups, usageIntervals, type UsageGroup, type UsageInterval } from '../../services/console/usage-sums.ts'
import { connect } from '../client.ts'
import { CliError, exitCodes } from '../exit.ts'
import { clientOptions, type ClientOptions } from '../options.ts'
import { note, print, printJson } from '../output.ts'
import { csvLine } from '../records.ts'
import { printTable, type Cell } from '../table.ts'
import { spanOf } from '../time-span.ts'

interface UsageOptions extends ClientOptions {
  readonly tenant?: string
  readonly license?: string
  readonly model?: string
  readonly credential?: string
  readonly principal?: string
  readonly from?: string
  readonly to?: string
  readonly by: UsageInterval
  readonly per: string
  readonly csv?: true
}

export function addUsageCommand(program: Command): void {
  clientOptions(program.command('usage'))
    .description('what was used of models: calls, tokens and bytes by tenant, license and model, exact, for invoices')
    .option('--tenant <id>', 'of this tenant')
    .option('--license <id>', 'on this license')
    .option('--model <id>', 'of this model')
    .option('--credential <id>', 'by this credential')
    .option('--principal <id>', 'by this principal')
    .option('--from <time>', 'from here on, where a period begins: 2026-03-01')
    .option('--to <time>', 'up to here, not included')
    .addOption(new Option('--by <period>', 'hour, day or month, in UTC').choices(usageIntervals).default('month'))
    .option('--per <list>', `what lines are told apart by: ${usageGroups.join(', ')}`, 'tenant,license,model')
    .addOption(new Option('--csv', 'print CSV that no spreadsheet runs').conflicts('json'))
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden usage --tenant acme --from 2026-03-01 --to 2026-04-01\n' +
        '  modelwarden usage --license acme-api --by day --csv > march.csv\n' +
        '  modelwarden usage --by hour --from 2026-03-05 --to 2026-03-06 --per tenant,credential,model --json | jq .total',
    )
    .action(async (options: UsageOptions) => {
      const { tenant, license, model, credential, principal, by } = options
      const per = groupsOf(options.per)
      const totals = await connect(options).get<UsageTotals>('/v1/totals/usage', {
        ...{ tenant, license, model, credential, principal, by },
        per: per.length === 0 ? undefined : per.join(','),
        ...spanOf(options, Date.now()),
      })
      if (options.json) printJson(totals)
      else if (options.csv) printCsv(totals)
      else printTotals(totals)
      for (const warning of warningsOf(totals.total)) note(warning)
    })
}

function groupsOf(text: string): readonly UsageGroup[] {
  const groups = text.split(',').map((name) => name.trim())
  const known = (name: string): name is UsageGroup => (usageGroups as readonly string[]).includes(name)
  if (groups.every(known)) return groups
  throw new CliError(exitCodes.usage, 'GROUPS_INVALID', `--per is a list of: ${usageGroups.join(', ')}.`)
}

/** One column: what it is called in a table and in CSV, and what stands in it. */
type Column = readonly [title: string, name: string, value: (line: UsageSums) => number]

const all = (line: UsageSums, name: 'inputTokens' | 'outputTokens' | 'bytes' | 'callsWithoutTokens'): number =>
  line.success[name] + line.failure[name] + line.unknown[name]

const columns: readonly Column[] = [
  ['CALLS', 'calls_success', (line) => line.success.calls],
  ['FAILED', 'calls_failure', (line) => line.failure.calls],
  ['OUTCOME UNKNOWN', 'calls_unknown', (line) => line.unknown.calls],
  ['INPUT TOKENS', 'input_tokens', (line) => all(line, 'inputTokens')],
  ['OUTPUT TOKENS', 'output_tokens', (line) => all(line, 'outputTokens')],
  ['BYTES', 'bytes', (line) => all(line, 'bytes')],
  ['WITHOUT TOKENS', 'calls_without_tokens', (line) => all(line, 'callsWithoutTokens')],
  ['CORRECTED BY', 'calls_in_corrections', (line) => line.corrections.calls],
]

const shownAt: Readonly<Record<UsageInterval, number>> = { hour: 13, day: 10, month: 7 }

function printTotals({ by, per, items, total }: UsageTotals): void {
  if (items.length === 0) {
    print('Nothing was used.')
    return
  }
  // A column of zeros takes no room.
  const shown = columns.filter(([title, , value]) => title === 'CALLS' || value(total) > 0)
  const cells = (line: UsageSums): Cell[] => shown.map(([, , value]) => value(line))
  printTable(
    [by.toUpperCase(), 'STATE', ...per.map((group) => group.toUpperCase()), ...shown.map(([title]) => title)],
    [
      ...items.map((line) => [
        line.start.slice(0, shownAt[by]),
        line.state,
        ...per.map((group) => neutralLine(line[group] ?? '-', 60)),
        ...cells(line),
      ]),
      ['total', total.state, ...per.map(() => ''), ...cells(total)],
    ],
  )
}

function printCsv({ by, per, items }: UsageTotals): void {
  const flags = ['coarse', 'incomplete', 'overflown', 'unchecked'] as const
  print(csvLine([by, 'state', ...per, ...columns.map(([, name]) => name), ...flags]))
  for (const line of items) {
    const groups = per.map((group) => line[group] ?? '')
    const figures = columns.map(([, , value]) => String(value(line)))
    print(csvLine([line.start, line.state, ...groups, ...figures, ...flags.map((flag) => String(line[flag]))]))
  }
}

/** What keeps a sum from being fit for an invoice as it is. */
function warningsOf({ state, coarse, incomplete, overflown, unchecked }: UsageSums): readonly string[] {
  return [
    ...(state === 'open' ? ['Some of it may still grow: periods that are not settled.'] : []),
    ...(coarse > 0
      ? [
          `${counted(coarse, 'record is', 'records are')} by tenant alone, as the meter was full: raise meter.metersMax.`,
        ]
      : []),
    ...(incomplete > 0
      ? [`${counted(incomplete, 'record covers', 'records cover')} a part of the period alone; see docs/licensing.md.`]
      : []),
    ...(overflown > 0 ? ['Some sums are too large to be told exactly: they are at least what is shown.'] : []),
    ...(unchecked > 0
      ? [
          `${counted(unchecked, 'event')} came too late, or after too many others, to tell whether their source had sent them before.`,
        ]
      : []),
  ]
}
