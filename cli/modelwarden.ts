/**
 * `modelwarden`: the program. Its commands stand in cli/commands, one file each.
 *
 * Promises: results on standard output, all else on standard error; exit codes as docs/cli.md lists them.
 */
import { Command, CommanderError } from 'commander'
import { tuneGarbageCollector } from '../runtime/garbage-collector.ts'
import { version } from './home.ts'
import { exitCodes } from './exit.ts'

tuneGarbageCollector()

const program = new Command('modelwarden')
  .description('Watches over machine-learning models as intellectual property.')
  .version(version)
  .showHelpAfterError('Add --help to see how it is used.')
  .exitOverride()
  .configureHelp({ sortSubcommands: false, showGlobalOptions: true })

/** In the order in which --help lists them. A command that is named is loaded alone: none waits for what others need. */
const commands = {
  up: async () => (await import('./commands/up.ts')).addUpCommand,
  run: async () => (await import('./commands/run.ts')).addRunCommand,
  replay: async () => (await import('./commands/replay.ts')).addReplayCommand,
  evaluate: async () => (await import('./commands/evaluate.ts')).addEvaluateCommand,
  status: async () => (await import('./commands/status.ts')).addStatusCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  incidents: async () => (await import('./commands/incidents.ts')).addIncidentsCommand,
  search: async () => (await import('./commands/search.ts')).addSearchCommand,
  timeline: async () => (await import('./commands/timeline.ts')).addTimelineCommand,
  leaks: async () => (await import('./commands/leaks.ts')).addLeaksCommand,
  usage: async () => (await import('./commands/usage.ts')).addUsageCommand,
  approve: async () => (await import('./commands/approve.ts')).addApproveCommand,
  'global-stop': async () => (await import('./commands/global-stop.ts')).addGlobalStopCommand,
  'dead-letters': async () => (await import('./commands/dead-letters.ts')).addDeadLettersCommand,
  content: async () => (await import('./commands/content.ts')).addContentCommand,
  rules: async () => (await import('./commands/rules.ts')).addRulesCommand,
  backtest: async () => (await import('./commands/rules.ts')).addBacktest,
  assets: async () => (await import('./commands/assets.ts')).addAssetsCommand,
  canary: async () => (await import('./commands/canary.ts')).addCanaryCommand,
  config: async () => (await import('./commands/config.ts')).addConfigCommand,
  repartition: async () => (await import('./commands/repartition.ts')).addRepartitionCommand,
  topics: async () => (await import('./commands/topics.ts')).addTopicsCommand,
} as const

const named = process.argv[2] ?? ''
const wanted = Object.hasOwn(commands, named) ? [commands[named as keyof typeof commands]] : Object.values(commands)
for (const load of wanted) (await load())(program)

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
  else process.exitCode = (await import('./output.ts')).reportError(error)
}
