/**
 * The error classes that every stage shares.
 *
 * Promises: each class has a stable `code` for machines, says whether trying again can help, keeps its `cause`,
 * and where the mistake stands in a file or a log, its `place`. Nobody decides by reading `message`.
 */

/** A position in a text file; lines and columns count from 1. */
export interface FilePlace {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A position in a log. */
export interface LogPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly index?: number
}

export interface WardenErrorOptions {
  readonly cause?: unknown
  readonly place?: FilePlace | LogPlace
  /** What the reader can do about it, as one sentence. */
  readonly hint?: string
}

/** The root of every error that Modelwarden raises on purpose. */
export abstract class WardenError extends Error {
  abstract readonly code: string
  abstract readonly retryable: boolean
  readonly place: FilePlace | LogPlace | undefined
  readonly hint: string | undefined

  constructor(message: string, options: WardenErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.place = options.place
    this.hint = options.hint
  }
}

/** One mistake in a content or configuration file. */
export interface Mistake {
  readonly code: string
  readonly message: string
  readonly place?: FilePlace
  readonly hint?: string
}

/** Formats a place as `file:line:column` or `topic/partition@offset`. */
export function formatPlace(place: FilePlace | LogPlace): string {
  if ('file' in place) return `${place.file}:${place.line}:${place.column}`
  return `${place.topic}/${place.partition}@${place.offset}${place.index === undefined ? '' : `.${place.index}`}`
}

/** Formats a mistake as one line, the way compilers do. */
export function formatMistake(mistake: Mistake): string {
  const at = mistake.place === undefined ? '' : `${formatPlace(mistake.place)}: `
  return `${at}${mistake.code}: ${mistake.message}${mistake.hint === undefined ? '' : ` (${mistake.hint})`}`
}

/** A set of content files (rules, sources, playbooks, configuration) has mistakes. All of them are listed. */
export class ContentInvalidError extends WardenError {
  override readonly code = 'CONTENT_INVALID'
  override readonly retryable = false
  readonly mistakes: readonly Mistake[]
  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'))
    this.mistakes = mistakes
  }
}

/** The configuration can't be used. The process does not start. */
export class ConfigInvalidError extends WardenError {
  override readonly code = 'CONFIG_INVALID'
  override readonly retryable = false
  readonly mistakes: readonly Mistake[]
  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'))
    this.mistakes = mistakes
  }
}

/** Another process owns this partition now: what this one still holds of it must be dropped. */
export class FencedError extends WardenError {
  override readonly code = 'FENCED'
  override readonly retryable = false
}

/** The bus can't be reached or answers with a passing fault. */
export class BusUnavailableError extends WardenError {
  override readonly code = 'BUS_UNAVAILABLE'
  override readonly retryable = true
}

/** The bus refuses the request for good: authorization, an unknown topic, a record over its limit. */
export class BusRefusedError extends WardenError {
  override readonly code = 'BUS_REFUSED'
  override readonly retryable = false
}

/** The search index can't be reached or is overloaded. */
export class IndexUnavailableError extends WardenError {
  override readonly code = 'INDEX_UNAVAILABLE'
  override readonly retryable = true
}

/** The search index refuses the request for good: a filter over its limits, a cursor that no page gave, an interval of 0. */
export class IndexRefusedError extends WardenError {
  override readonly code = 'INDEX_REFUSED'
  override readonly retryable = false
}

/** The data folder belongs to another live process. */
export class DataFolderLockedError extends WardenError {
  override readonly code = 'DATA_FOLDER_LOCKED'
  override readonly retryable = false
}

/** State was written by a newer version of a stage than this one can read. */
export class StateVersionError extends WardenError {
  override readonly code = 'STATE_VERSION'
  override readonly retryable = false
}

/** The partitions of a stage's log are being changed: its state must not be taken up before that has come to its end. */
export class RepartitionUnderWayError extends WardenError {
  override readonly code = 'REPARTITION_UNDER_WAY'
  override readonly retryable = true
}

/** Says in one line what went wrong, without a stack: for logs and for people. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message
  return String(error)
}
