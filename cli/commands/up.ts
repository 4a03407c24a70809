/** `modelwarden up`: every service in one process; with `--demo`, and a day for them to work on. */
import type { Command } from 'commander'
import { serviceNames } from '../service-names.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'

export function addUpCommand(program: Command): void {
  globalOptions(program.command('up'))
    .description('run everything in this process; needs no server unless bus.kind is kafka')
    .option('--demo', 'with an empty data folder of its own and a believable day to work on')
    .addHelpText(
      'after',
      `
Without --config, the demo looks at no configuration file: it reaches nobody outside.

Examples:
  modelwarden up
  modelwarden up --config modelwarden.yml
  modelwarden up --demo`,
    )
    .action(async (options: GlobalOptions & { demo?: true }) => {
      if (options.demo === true) {
        const { upDemo } = await import('../demo/up.ts')
        await upDemo(options)
      } else {
        const { runServices } = await import('../run.ts')
        await runServices(loadSettings(options), serviceNames, true)
      }
    })
}
