/** How the program ends; docs/cli.md lists the same codes. */
import { WardenError, type WardenErrorOptions } from '../core/errors.ts'

export const exitCodes = {
  ok: 0,
  /** It was tried and did not succeed. */
  failure: 1,
  /** The command line, the configuration or the content is not right. */
  usage: 2,
  /** No live instance answers. */
  unreachable: 3,
  /** The instance answers, and this caller may not. */
  forbidden: 4,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A command can't go on; the message is for the person, the hint says what to do next. */
export class CliError extends WardenError {
  override readonly code: string
  override readonly retryable = false
  readonly exitCode: ExitCode
  /** Where in a query's text the mistake is, from 1. */
  readonly column: number | undefined
  constructor(
    exitCode: ExitCode,
    code: string,
    message: string,
    options: WardenErrorOptions & { readonly column?: number } = {},
  ) {
    super(message, options)
    this.exitCode = exitCode
    this.code = code
    this.column = options.column
  }
}
