/**
 * What can go wrong with SQLite, told in the words of the ports.
 */
import { BusUnavailableError, IndexUnavailableError, WardenError } from '../../core/errors.ts'

/** A file of the data folder is damaged. Never retried; a person must act, and the hint says how. */
export class DataCorruptedError extends WardenError {
  override readonly code = 'DATA_CORRUPTED'
  override readonly retryable = false
}

/** The worker's account of a failure: errors lose their class between threads. */
export interface WorkerFailure {
  readonly kind: 'full' | 'corrupted' | 'passing' | 'version' | 'refused'
  readonly message: string
}

/** The request can never be answered, e.g. a cursor that no page gave. Thrown in workers. */
export class RequestRefusedError extends WardenError {
  override readonly code = 'REQUEST_REFUSED'
  override readonly retryable = false
}

/** The file was written by a newer version. Thrown in workers. */
export class FileVersionError extends WardenError {
  override readonly code = 'FILE_VERSION'
  override readonly retryable = false
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const full = 13
const corrupt = 11
const notADatabase = 26

/** Classifies what was thrown in a worker. */
export function workerFailure(error: unknown): WorkerFailure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof RequestRefusedError) return { kind: 'refused', message }
  if (error instanceof FileVersionError) return { kind: 'version', message }
  if (error instanceof DataCorruptedError) return { kind: 'corrupted', message }
  const code = (error as { errcode?: unknown }).errcode
  const primary = typeof code === 'number' ? code & 0xff : 0
  if (primary === full) return { kind: 'full', message }
  if (primary === corrupt || primary === notADatabase) return { kind: 'corrupted', message }
  return { kind: 'passing', message }
}

/** Turns a worker's failure into the port's error. */
export function portError(failure: WorkerFailure, what: 'bus' | 'index', file: string): WardenError {
  switch (failure.kind) {
    case 'corrupted':
      return new DataCorruptedError(`The ${what}'s file ${file} is damaged: ${failure.message}.`, {
        hint:
          what === 'index'
            ? `Stop, move ${file}* away and start: the index is built again from what the bus still has.`
            : `Stop, move ${file}* away and put back a backup, or salvage it with "sqlite3 ${file} .recover"; starting without it begins an empty log.`,
      })
    case 'version':
    case 'refused':
      return new RequestRefusedError(failure.message)
    case 'full': {
      const message = `There is no room left for the ${what}'s file ${file}.`
      const hint = 'Free space on the disk that holds the data folder; writing goes on by itself then.'
      return what === 'bus' ? new BusUnavailableError(message, { hint }) : new IndexUnavailableError(message, { hint })
    }
    case 'passing': {
      const message = `The ${what}'s file ${file} can't be used now: ${failure.message}.`
      return what === 'bus' ? new BusUnavailableError(message) : new IndexUnavailableError(message)
    }
  }
}
