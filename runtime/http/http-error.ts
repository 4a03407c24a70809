/** What a route throws to answer with an error: the host turns it into `{"error":{"code","message","hint"}}`. */
import { WardenError, type WardenErrorOptions } from '../../core/errors.ts'

/** The request can't be answered as asked; `status` 400 to 599, `code` stable, `message` for the caller to read. */
export class HttpError extends WardenError {
  override readonly code: string
  override readonly retryable: boolean
  readonly status: number
  /** Sent as Retry-After. */
  readonly retryAfterMs: number | undefined
  /** Where in a query's text the mistake is, from 1. */
  readonly column: number | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    options: WardenErrorOptions & { readonly retryAfterMs?: number; readonly column?: number } = {},
  ) {
    super(message, options)
    this.status = status
    this.code = code
    this.retryable = status === 429 || status === 503
    this.retryAfterMs = options.retryAfterMs
    this.column = options.column
  }
}
