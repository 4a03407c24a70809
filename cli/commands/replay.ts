/** `modelwarden replay`: files through the whole pipeline, in a data folder of their own. */
import type { Command } from 'commander'
import type { ReplayOptions } from '../replay.ts'
import { globalOptions } from '../options.ts'

export function addReplayCommand(program: Command): void {
  globalOptions(program.command('replay'))
    .description('run files through the embedded pipeline until everything in them is worked off')
    .argument('<file...>', 'JSON, arrays, {"Records": […]}, one record a line; compressed with gzip or zstd or not')
    .requiredOption('-s, --source <name>', 'the source that the files are of, e.g. aws.cloudtrail')
    .option('--json', 'print the summary as JSON, on the last line')
    .addHelpText(
      'after',
      `
Nothing outside is touched: playbooks only describe what they would do, and messages are kept in the data folder's outbox.
Time stands still: what counts is the time in the records. The same file again changes nothing. The counts of events, dead
letters, signals, incidents and actions are those of the whole data folder (default: .modelwarden/replay).

Examples:
  modelwarden replay --data /tmp/case-17 --source aws.cloudtrail 2026-11-*.json.gz
  modelwarden replay --data /tmp/case-17 --source gateway calls.ndjson --json | tail -1 | jq .incidents
  modelwarden up --data /tmp/case-17        # then look around`,
    )
    .action(async (files: string[], options: ReplayOptions) => {
      const { replay } = await import('../replay.ts')
      await replay(files, options)
    })
}
