/**
 * Looks through one database of the embedded pair; a process of its own, so that whoever asks can stop waiting.
 *
 * `node integrity-worker.ts FILE` prints {version, problems}. Reads only: beside a live owner through the owner's log,
 * else without touching anything.
 */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'

const problemsMax = 5
const file = process.argv[2]!
const url = pathToFileURL(file)
// Without a log there is nobody who writes, and nothing that only the log has.
if (!existsSync(`${file}-wal`)) url.searchParams.set('immutable', '1')
const db = new DatabaseSync(url, { readOnly: true, timeout: 1_000 })
const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
const found = db.prepare(`PRAGMA quick_check(${problemsMax})`).all() as { quick_check: string }[]
db.close()
const problems = found.map((row) => row.quick_check).filter((text) => text !== 'ok')
process.stdout.write(JSON.stringify({ version, problems }))
