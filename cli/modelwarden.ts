/**
 * `modelwarden`: the program. Its commands stand in cli/commands, one file each.
 *
 * Promises: results on standard output, all else on standard error; exit codes as docs/cli.md lists them.
 */
import { Command, CommanderError } from 'commander'
import { addApproveCommand } from './commands/approve.ts'
import { addAssetsCommand } from './commands/assets.ts'
import { addCanaryCommand } from './commands/canary.ts'
import { addConfigCommand } from './commands/config.ts'
import { addContentCommand } from './commands/content.ts'
import { addDeadLettersCommand } from './commands/dead-letters.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEvaluateCommand } from './commands/evaluate.ts'
import { addGlobalStopCommand } from './commands/global-stop.ts'
import { addIncidentsCommand } from './commands/incidents.ts'
import { addReplayCommand } from './commands/replay.ts'
import { addBacktest, addRulesCommand } from './commands/rules.ts'
import { addRunCommand } from './commands/run.ts'
import { addSearchCommand } from './commands/search.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTimelineCommand } from './commands/timeline.ts'
import { addTopicsCommand } from './commands/topics.ts'
import { addUpCommand } from './commands/up.ts'
import { version } from './home.ts'
import { exitCodes } from './exit.ts'
import { reportError } from './output.ts'

const program = new Command('modelwarden')
  .description('Watches over machine-learning models as intellectual property.')
  .version(version)
  .showHelpAfterError('Add --help to see how it is used.')
  .exitOverride()
  .configureHelp({ sortSubcommands: false, showGlobalOptions: true })

const commands = [
  addUpCommand,
  addRunCommand,
  addReplayCommand,
  addEvaluateCommand,
  addStatusCommand,
  addDoctorCommand,
  addIncidentsCommand,
  addSearchCommand,
  addTimelineCommand,
  addApproveCommand,
  addGlobalStopCommand,
  addDeadLettersCommand,
  addContentCommand,
  addRulesCommand,
  addBacktest,
  addAssetsCommand,
  addCanaryCommand,
  addConfigCommand,
  addTopicsCommand,
]
for (const add of commands) add(program)

// What it writes (bus, index, outbox, keys) is for the user that runs it alone, whatever the folder allows.
process.umask(0o077)

// A pipe that closes early (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
})

try {
  await program.parseAsync()
} catch (error) {
  // Commander has said what is wrong with the command line already; asking for help is no mistake.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  else process.exitCode = reportError(error)
}
