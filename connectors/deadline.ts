/**
 * Lets a call go when its signal aborts, for clients that know nothing of signals, and reads Retry-After.
 */
import { ConnectorUnavailableError } from '../core/ports/connector.ts'

/** Longest wait that another system may ask of us, ms. */
export const retryAfterMsMax = 15 * 60_000

/** Settles as `work` does, or rejects when the signal aborts: then `onAbort` shall break off what is under way. */
export async function untilAborted<T>(
  signal: AbortSignal,
  what: string,
  work: Promise<T>,
  onAbort: () => void,
): Promise<T> {
  const gaveUp = (): Error => new ConnectorUnavailableError(`${what} did not answer in time.`)
  let stop: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    const abort = (): void => {
      onAbort()
      reject(gaveUp())
    }
    if (signal.aborted) abort()
    else {
      signal.addEventListener('abort', abort, { once: true })
      stop = () => {
        signal.removeEventListener('abort', abort)
      }
    }
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    stop?.()
    // The loser of the race may still reject.
    work.catch(() => undefined)
  }
}

/** Retry-After (RFC 9110, 10.2.3): seconds or an HTTP date; ms from now, bounded. */
export function retryAfterMsOf(value: string | null | undefined, nowMs: number): number | undefined {
  if (value === null || value === undefined || value.trim() === '') return undefined
  const seconds = /^[0-9]{1,9}$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - nowMs
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(0, seconds), retryAfterMsMax)
}
