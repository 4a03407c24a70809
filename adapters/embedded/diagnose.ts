/**
 * How the files of the embedded pair are, for `modelwarden doctor`.
 *
 * Looks at the files and not through the adapters, because a live instance holds those. Promises: changes nothing; bounded
 * in time whatever the size of a file.
 */
import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Diagnosis } from '../../core/diagnosis.ts'

const run = promisify(execFile)
const lookMsMax = 8_000
const worker = fileURLToPath(new URL('./integrity-worker.ts', import.meta.url))

/** `half`: whose database. */
export async function diagnoseEmbedded(folder: string, half: 'bus' | 'index'): Promise<readonly Diagnosis[]> {
  const file = join(folder, `${half}.db`)
  if (!existsSync(file)) {
    return [{ name: 'file', state: 'ok', says: `${file} is not there yet: it is made when an instance starts.` }]
  }
  const bytes = [file, `${file}-wal`].reduce((sum, each) => sum + (existsSync(each) ? statSync(each).size : 0), 0)
  const size = `${(bytes / 1_048_576).toFixed(1)} MiB`
  return [{ name: 'size', state: 'ok', says: `${file} has ${size}.` }, await integrity(file, size)]
}

async function integrity(file: string, size: string): Promise<Diagnosis> {
  const name = 'integrity'
  const mend = 'Stop the instance and restore the data folder from a backup (docs/operations.md).'
  try {
    const { stdout } = await run(process.execPath, ['--no-warnings', worker, file], {
      timeout: lookMsMax,
      killSignal: 'SIGKILL',
    })
    const { version, problems } = JSON.parse(stdout) as { version: number; problems: readonly string[] }
    if (problems.length === 0) return { name, state: 'ok', says: `${file} is whole (format ${version}).` }
    return { name, state: 'fail', says: `${file} is damaged: ${problems.join('; ').slice(0, 300)}.`, do: mend }
  } catch (error) {
    if ((error as { killed?: boolean }).killed === true) {
      const says = `${file} (${size}) could not be looked through within ${lookMsMax / 1_000} s.`
      return { name, state: 'warn', says, do: 'Look through a copy of it with: sqlite3 COPY "PRAGMA quick_check".' }
    }
    const why = /Error: (.{1,200})/.exec((error as { stderr?: string }).stderr ?? '')?.[1] ?? 'it does not open'
    return { name, state: 'fail', says: `${file} can't be read: ${why}.`, do: mend }
  }
}
