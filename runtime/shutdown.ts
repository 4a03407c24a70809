/**
 * How a process ends: on SIGTERM or SIGINT it stops gracefully, on a second one at once, and after a bug it says so first.
 */
import { WardenError } from '../core/errors.ts'
import type { Log } from './log.ts'

/** A signal asked for a stop before the work was done. Thrown by what waits, once it has been told to stop. */
export class StopRequestedError extends WardenError {
  override readonly code = 'STOP_REQUESTED'
  override readonly retryable = false
  constructor(signal: string) {
    super(`Stopped by ${signal} before it was done.`)
  }
}

export interface StopRequest {
  /** Aborts when a graceful stop is asked for; the reason is a StopRequestedError. */
  readonly signal: AbortSignal
  /** Forgets the process's signals again, for a caller that goes on living. */
  dispose(): void
}

const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Listens for the signals that end a process. */
export function onStopRequest(log: Log): StopRequest {
  const controller = new AbortController()
  const handle = (signal: (typeof stopSignals)[number]): void => {
    if (controller.signal.aborted) {
      log.warn('A second signal: ending at once', { signal })
      process.exit(exitCodes[signal])
    }
    log.info('Stopping; a second signal ends at once', { signal })
    controller.abort(new StopRequestedError(signal))
  }
  for (const signal of stopSignals) process.on(signal, handle)
  return {
    signal: controller.signal,
    dispose: () => {
      for (const signal of stopSignals) process.off(signal, handle)
    },
  }
}

/** A bug that nobody caught leaves a process in an unknown state: it is logged, and the process ends with 1. */
export function exitOnBugs(log: Log): void {
  const end = (what: string) => (error: unknown) => {
    log.error(what, { error })
    process.exit(1)
  }
  process.on('unhandledRejection', end('A promise was rejected and nobody looked: ending'))
  process.on('uncaughtException', end('An error was not caught: ending'))
}

/** Resolves with the work, or after the grace with `false`: then the caller ends without it. */
export async function withinGrace(work: Promise<unknown>, graceMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), graceMs)
  try {
    return await Promise.race([work.then(() => true), promise])
  } finally {
    clearTimeout(timer)
  }
}
