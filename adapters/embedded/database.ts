/**
 * Opens an SQLite file the way both workers need it.
 */
import { DatabaseSync } from 'node:sqlite'
import { FileVersionError } from './errors.ts'

export interface OpenFile {
  readonly file: string
  /** `OFF` only for folders that don't outlive the process. */
  readonly synchronous: 'OFF' | 'NORMAL' | 'FULL'
  readonly fileBytesMax: number | undefined
  /** Bytes of the write-ahead log that are moved into the file at once: more are rarer, and a longer wait for one commit. */
  readonly checkpointBytes: number
}

const pageBytes = 4_096

/**
 * Opens the file in write-ahead mode and makes its tables where it is new. `version` is of the tables' shape.
 * NORMAL: a commit is in the operating system's hands (kill -9 takes nothing). FULL: it is on the disk.
 */
export function openDatabase(options: OpenFile, version: number, tables: string): DatabaseSync {
  const db = new DatabaseSync(options.file, { timeout: 5_000 })
  try {
    db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous};
      PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${Math.ceil(options.checkpointBytes / pageBytes)};
      PRAGMA journal_size_limit = 67108864`)
    if (options.fileBytesMax !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.max(16, Math.floor(options.fileBytesMax / pageBytes))}`)
    }
    const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (found > version) {
      throw new FileVersionError(
        `${options.file} has format ${found}; this version of Modelwarden reads up to ${version}.`,
      )
    }
    // Nothing is written where all is there: a full disk can be opened and read.
    if (found < version) transaction(db, () => db.exec(`${tables}; PRAGMA user_version = ${version}`))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** All of `work` or nothing. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // A full disk has rolled back already.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Lets waiting requests in between two slices of long work. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
