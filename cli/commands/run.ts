/** `modelwarden run`: one or more services in this process. */
import { Argument, type Command } from 'commander'
import { exitOnBugs, onStopRequest, type StopRequest } from '../../runtime/shutdown.ts'
import { compose, type Instance } from '../compose.ts'
import { exitCodes } from '../exit.ts'
import { serviceNames, type ServiceName } from '../services.ts'
import { globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'

export function addRunCommand(program: Command): void {
  globalOptions(program.command('run'))
    .description('run one or more services in this process; any number of copies may run on Kafka')
    .addArgument(new Argument('<service...>', 'which services').choices(serviceNames))
    .addHelpText(
      'after',
      '\nExamples:\n  modelwarden run detect --config /etc/modelwarden/modelwarden.yml\n' +
        '  modelwarden run collect normalize\n' +
        '  MODELWARDEN_HTTP__LISTEN=127.0.0.1:8472 modelwarden run authorize',
    )
    .action(async (names: ServiceName[], options: GlobalOptions) => {
      const services = serviceNames.filter((name) => names.includes(name))
      const loaded = loadSettings(options)
      const instance = await compose({
        loaded,
        env: process.env,
        services,
        publishes: (services as readonly string[]).includes('schedule'),
        listens: true,
      })
      await runUntilStopped(instance, services)
    })
}

/** Runs until a signal comes. */
export async function runUntilStopped(instance: Instance, services: readonly ServiceName[]): Promise<void> {
  exitOnBugs(instance.log)
  const request = onStopRequest(instance.log)
  instance.log.info('Running', { services, url: instance.url, dataFolder: instance.dataFolder, pid: process.pid })
  await stopped(request.signal)
  await stopAndExit(instance, request)
}

/** Stops gracefully; where that takes too long, ends the process without it. */
export async function stopAndExit(instance: Instance, request: StopRequest): Promise<void> {
  const inTime = await instance.stop()
  request.dispose()
  if (inTime) {
    instance.log.info('Stopped')
    return
  }
  instance.log.error('The graceful stop took longer than runtime.shutdownGraceMs: ending without it')
  process.exit(exitCodes.failure)
}

/** Resolves when the signal aborts. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
