/** Runs services in this process until a signal comes. */
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { exitOnBugs, onStopRequest, type StopRequest } from '../runtime/shutdown.ts'
import { compose, type Instance } from './compose.ts'
import { exitCodes } from './exit.ts'
import type { ServiceName } from './service-names.ts'

export async function runServices(
  loaded: LoadedConfig,
  services: readonly ServiceName[],
  publishes: boolean,
): Promise<void> {
  const instance = await compose({ loaded, env: process.env, services, publishes, listens: true })
  await runUntilStopped(instance, services)
}

async function runUntilStopped(instance: Instance, services: readonly ServiceName[]): Promise<void> {
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
