/** A call to a connector that always comes back, and what its failure means for the next one. */
import { describeError, WardenError } from '../../core/errors.ts'
import { maskSecrets } from '../../core/mask.ts'
import { ConnectorUnavailableError, type ConnectorContext } from '../../core/ports/connector.ts'

/**
 * Calls out, and comes back after `timeoutMs` even where the connector does not heed its signal.
 *
 * @param stop aborts when nothing outside may be done any more
 * @throws ConnectorUnavailableError where no answer came; else what `work` throws
 */
export async function callOut<T>(
  work: (context: ConnectorContext) => Promise<T>,
  call: Omit<ConnectorContext, 'signal'>,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<T> {
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stop])
  let abort: (() => void) | undefined
  const over = new Promise<never>((_resolve, reject) => {
    abort = () => {
      reject(new ConnectorUnavailableError(`No answer within ${timeoutMs} ms.`))
    }
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    signal.throwIfAborted()
    return await Promise.race([Promise.resolve().then(() => work({ ...call, signal })), over])
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort)
  }
}

export function isRetryable(error: unknown): boolean {
  return error instanceof WardenError ? error.retryable : false
}

/** A failure that the connector did not foresee may have come after the deed. */
export function mayBeDone(error: unknown): boolean {
  return error instanceof ConnectorUnavailableError ? error.maybeDone : true
}

export function codeOf(error: unknown): string {
  return error instanceof WardenError ? error.code : 'CONNECTOR_BROKE'
}

/** For people: without secrets, at most 300 characters. */
export function spell(error: unknown): string {
  return maskSecrets(describeError(error)).slice(0, 300)
}
