/** `modelwarden up`: every service in one process. */
import type { Command } from 'commander'
import { compose } from '../compose.ts'
import { serviceNames } from '../services.ts'
import { globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'
import { runUntilStopped } from './run.ts'

export function addUpCommand(program: Command): void {
  globalOptions(program.command('up'))
    .description('run everything in this process; needs no server unless bus.kind is kafka')
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden up\n  modelwarden up --config modelwarden.yml\n  modelwarden up --demo',
    )
    .action(async (options: GlobalOptions) => {
      const instance = await compose({
        loaded: loadSettings(options),
        env: process.env,
        services: serviceNames,
        publishes: true,
        listens: true,
      })
      await runUntilStopped(instance, serviceNames)
    })
}
