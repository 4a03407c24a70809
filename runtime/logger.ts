/**
 * The log of a process, on pino: JSON lines, or readable ones on a terminal.
 *
 * Promises: secrets are taken out where the line is built (redact.ts); control characters of hostile values never reach a
 * terminal; writing is synchronous, so that the last words before an exit are not lost.
 */
import { styleText } from 'node:util'
import { pino, type DestinationStream, type Logger } from 'pino'
import type { Log, LogFields } from './log.ts'
import { Redactor } from './redact.ts'
import { neutralText } from './terminal-text.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** `auto`: text where the stream is a terminal. */
  readonly format: 'auto' | 'json' | 'text'
  readonly redactor?: Redactor
  /** Default: standard error. */
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean }
  /** Fields of every line, e.g. the version. */
  readonly base?: LogFields
}

export function createLog(options: LogOptions): Log {
  const stream = options.stream ?? process.stderr
  const text = options.format === 'text' || (options.format === 'auto' && stream.isTTY === true)
  const destination: DestinationStream = {
    write: (line) => void stream.write(text ? readable(line, stream.isTTY === true) : line),
  }
  const logger = pino(
    {
      level: options.level,
      base: options.base ?? null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return wrap(logger, options.redactor ?? new Redactor())
}

function wrap(logger: Logger, redactor: Redactor): Log {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      if (!logger.isLevelEnabled(level)) return
      logger[level](fields === undefined ? {} : withoutReserved(redactor.fields(fields)), redactor.text(message))
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => wrap(logger.child(withoutReserved(redactor.fields(fields))), redactor),
  }
}

/** A field may not take the place of the line's own. */
function withoutReserved(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name of ['level', 'time', 'message']) {
    if (!(name in fields)) continue
    fields[`${name}_`] = fields[name]
    Reflect.deleteProperty(fields, name)
  }
  return fields
}

const colors = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const

/** One JSON line as a person reads it: time, level, who, sentence, fields. */
function readable(line: string, terminal: boolean): string {
  const { level, time, message, service, ...fields } = JSON.parse(line) as Record<string, unknown>
  const color = colors[level as keyof typeof colors]
  const stream = terminal ? process.stderr : undefined
  const style = (format: Parameters<typeof styleText>[0], value: string): string =>
    stream === undefined ? value : styleText(format, value, { stream })
  const who = typeof service === 'string' ? `${service}: ` : ''
  const rest = Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  const tail = rest === '' ? '' : ` ${style('gray', neutralText(rest))}`
  return `${String(time).slice(11, 23)} ${style(color, String(level).padEnd(5))} ${neutralText(who + String(message))}${tail}\n`
}
