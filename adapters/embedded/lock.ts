/**
 * One process to a data folder.
 *
 * The lock is SQLite's exclusive lock on the empty database `lock.db`: the operating system holds it for the process and
 * drops it with the process, kill -9 included, so there is no stale lock to judge. `lock.json` beside it only says who
 * holds it, for the message that the second one gets. (The two are apart because closing any descriptor of a file drops
 * a process's POSIX locks on it.) The folder must be on a local disk: network file systems don't keep such locks.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DataFolderLockedError } from '../../core/errors.ts'

export interface FolderLock {
  release(): void
}

/** Takes the folder, making it if need be. Throws DataFolderLockedError that names the holder. */
export function lockFolder(folder: string, nowMs: number): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const note = join(folder, 'lock.json')
  const db = new DatabaseSync(join(folder, 'lock.db'))
  try {
    db.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    throw lockedError(folder, note, error)
  }
  writeFileSync(note, JSON.stringify({ pid: process.pid, host: hostname(), since: new Date(nowMs).toISOString() }))
  return {
    release() {
      rmSync(note, { force: true })
      db.close()
    },
  }
}

function lockedError(folder: string, note: string, cause: unknown): Error {
  const busy = 5
  if (((cause as { errcode?: number }).errcode ?? 0) % 256 !== busy) return cause as Error
  let holder = 'another process'
  try {
    const { pid, host, since } = JSON.parse(readFileSync(note, 'utf8')) as Record<string, unknown>
    holder = `process ${String(pid)} on ${String(host)} (since ${String(since)})`
  } catch {
    // It holds the lock and has not said yet who it is.
  }
  return new DataFolderLockedError(`The data folder ${folder} belongs to ${holder}.`, {
    cause,
    hint: 'Stop that process, give this one a folder of its own, or run the services over Kafka.',
  })
}
