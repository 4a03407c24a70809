/** `modelwarden doctor`: what is wrong with an installation, what that means, what to do. */
import type { Command } from 'commander'
import { counted } from '../../core/counted.ts'
import { CliError, exitCodes } from '../exit.ts'
import { clientOptions, type ClientOptions } from '../options.ts'

/** How long connections that a server left hanging may keep the process from ending. */
const leftOverMsMax = 500

export function addDoctorCommand(program: Command): void {
  clientOptions(program.command('doctor'))
    .description('look at all that the configuration names, and say what to mend; exit code 1 where something fails')
    .addHelpText(
      'after',
      '\nIt changes nothing, and takes at most some seconds. With --json: {ok, checks: [{area, name, state, says, do}]}.\n\n' +
        'Examples:\n  modelwarden doctor\n  modelwarden doctor --config /etc/modelwarden/modelwarden.yml\n' +
        '  modelwarden doctor --json | jq \'.checks[] | select(.state != "ok")\'',
    )
    .action(async (options: ClientOptions) => {
      const { examine } = await import('../doctor/examine.ts')
      const { printReport } = await import('../doctor/print.ts')
      const report = await examine(options)
      printReport(report, options.json ?? false)
      setTimeout(() => process.exit(), leftOverMsMax).unref()
      const failed = report.checks.filter(({ state }) => state === 'fail').length
      if (failed > 0) throw new CliError(exitCodes.failure, 'UNWELL', `${counted(failed, 'check')} failed; see above.`)
    })
}
