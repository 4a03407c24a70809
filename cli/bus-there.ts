/** A process that starts while the broker restarts waits for it, rather than end and depend on who starts it again. */
import { setTimeout as pause } from 'node:timers/promises'
import { BusUnavailableError, describeError } from '../core/errors.ts'
import type { Log } from '../runtime/log.ts'

/** Longer than a broker takes to start again; then the process ends with the broker's last word. */
const awayMsMax = 120_000
const pauseMs = 1_000

export async function onceBusIsThere(task: () => Promise<void>, log: Log, withinMs = awayMsMax): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      await task()
      return
    } catch (error) {
      if (!(error instanceof BusUnavailableError) || performance.now() + pauseMs > deadline) throw error
      log.warn('The bus is away; trying again', { error: describeError(error) })
      await pause(pauseMs)
    }
  }
}
