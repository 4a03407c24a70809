/**
 * What commands write: text and JSON on standard output (tables: table.ts), progress and complaints on standard error.
 *
 * Promises: text that came from events is neutralized before a terminal sees it; colors only where the stream is a
 * terminal and NO_COLOR is not set.
 */
import { styleText } from 'node:util'
import { ContentInvalidError, ConfigInvalidError, describeError, formatMistake, WardenError } from '../core/errors.ts'
import { neutralText } from '../runtime/terminal-text.ts'
import { CliError, exitCodes, type ExitCode } from './exit.ts'

export type Style = Parameters<typeof styleText>[0]

/** Styled for standard output; hostile characters made visible. */
export function styled(style: Style, text: string): string {
  return styleText(style, neutralText(text), { stream: process.stdout })
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** One JSON document on one line: the form that other programs read. */
export function printJson(value: unknown): void {
  // JSON escapes C0 controls; C1 and bidirectional ones are escaped here, so that showing it is safe too.
  process.stdout.write(`${neutralText(JSON.stringify(value))}\n`)
}

/** A line for the person at the terminal, beside the command's result. */
export function note(text: string): void {
  process.stderr.write(`${neutralText(text)}\n`)
}

/** Says what went wrong and what to do next; the exit code that belongs to it. */
export function reportError(error: unknown): ExitCode {
  const name = styleText('red', 'modelwarden:', { stream: process.stderr })
  if (error instanceof ConfigInvalidError || error instanceof ContentInvalidError) {
    const what = error instanceof ConfigInvalidError ? 'The configuration' : 'The content'
    process.stderr.write(`${name} ${what} has ${error.mistakes.length === 1 ? 'a mistake' : 'mistakes'}:\n`)
    for (const mistake of error.mistakes) note(`  ${formatMistake(mistake)}`)
    return exitCodes.usage
  }
  process.stderr.write(`${name} ${neutralText(describeError(error))}\n`)
  if (error instanceof WardenError && error.hint !== undefined) note(`  ${error.hint}`)
  if (!(error instanceof WardenError) && error instanceof Error && error.stack !== undefined) note(error.stack)
  return error instanceof CliError ? error.exitCode : exitCodes.failure
}
