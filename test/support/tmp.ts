/**
 * Folders for one test file.
 *
 * Promises: removed when the file's tests have ended (importing this registers the hook), or at the process's end.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folders = new Set<string>()

/** A new empty folder: `<the system's temporary folder>/modelwarden-<purpose>-XXXXXX`. */
export async function temporaryFolder(purpose = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `modelwarden-${purpose}-`))
  folders.add(folder)
  return folder
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 })
  folders.delete(folder)
}

afterAll(async () => {
  await Promise.all([...folders].map(remove))
})
process.once('exit', () => {
  for (const each of folders) rmSync(each, { recursive: true, force: true })
})
