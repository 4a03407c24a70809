/** `modelwarden repartition`: more partitions for the logs, and the state of every stage where its keys go then. */
import type { Command } from 'commander'
import { CliError, exitCodes } from '../exit.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { note, print, printJson } from '../output.ts'
import { loadSettings } from '../settings.ts'
import { printTable } from '../table.ts'

type Options = GlobalOptions & { readonly apply?: true; readonly json?: true }

export function addRepartitionCommand(program: Command): void {
  globalOptions(program.command('repartition'))
    .description(
      'give the logs as many partitions as bus.partitions says, and move state by key; on Kafka, to more only',
    )
    .option('--apply', 'do it; without, it only says what would be done')
    .option('--json', 'print {topics, stages, running, obstacles, applied}')
    .addHelpText(
      'after',
      '\nStop normalize, let the other stages work their logs off, then stop every service but collect and authorize.\n' +
        'Cut off at any moment, the next run goes on; until then no stage starts. See docs/operations.md.\n\n' +
        'Examples:\n  modelwarden repartition --config admin.yml\n  modelwarden repartition --config admin.yml --apply',
    )
    .action(async (options: Options) => {
      const { repartitionAsConfigured } = await import('../repartition-run.ts')
      const report = await repartitionAsConfigured(loadSettings(options), options.apply ?? false)
      if (options.json) printJson(report)
      else {
        printTable(
          ['TOPIC', 'PARTITIONS', 'THEN'],
          report.topics.map(({ name, from, to }) => [name, from, to]),
        )
        print()
        printTable(
          ['STAGE', 'ENTRIES', 'WRITTEN', 'WAITING'],
          report.stages.map(({ name, entries, moved, waiting }) => [name, entries, moved, waiting]),
        )
        print()
        for (const obstacle of report.obstacles) note(obstacle)
        if (report.applied) print('Done. Start the services.')
        else if (report.obstacles.length === 0) print('Nothing was changed. Add --apply to do it.')
      }
      if (report.obstacles.length > 0)
        throw new CliError(exitCodes.failure, 'NOT_AT_REST', 'It can not be done yet; see above. Nothing was changed.')
    })
}
