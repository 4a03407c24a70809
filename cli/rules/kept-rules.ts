/**
 * Compiled rules, kept from one run of `rules match` to the next: thousands of them take longer to compile than many a file
 * of events takes to match.
 *
 * Promises: what is kept is data, never code; its name is a digest over every rule, pipeline and list, their paths, and the
 * source of what compiles them: a change to any of these compiles anew. It stands in the user's own home, as the system and
 * not the environment names it, for the user alone. At most `keptMax` sets are kept, the longest unused go first. What can't
 * be read or written is done without.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { ContentFile } from '../../core/content.ts'
import type { EventRules } from '../../services/detect/rule-set/listed-rules.ts'
import { home } from '../home.ts'

/** Fewer rules compile in no time. */
const filesMin = 200
const keptMax = 8

/** The rules of these files. `keep`: take them from an earlier run, or leave them to a later one. `folder`: where. */
export async function eventRules(
  files: readonly ContentFile[],
  keep: boolean,
  folder = keptFolder(),
): Promise<EventRules> {
  if (!keep || folder === undefined || files.length < filesMin) return compiled(files)
  const path = join(folder, `${digestOf(files)}.json`)
  return read(path) ?? write(path, await compiled(files), folder)
}

async function compiled(files: readonly ContentFile[]): Promise<EventRules> {
  const { compileEventRules } = await import('../../services/detect/rule-set/listed-rules.ts')
  return compileEventRules(files)
}

function keptFolder(): string | undefined {
  try {
    return join(userInfo().homedir, '.cache', 'modelwarden', 'rules')
  } catch {
    return undefined
  }
}

function digestOf(files: readonly ContentFile[]): string {
  const hash = createHash('sha256')
    .update(readFileSync(join(home, 'package.json')))
    .update(process.version)
  for (const { path, text } of files) hash.update(`${path}\n${text.length}\n${text}`)
  for (const part of ['core', 'engine/sigma', 'services/detect']) {
    for (const name of readdirSync(join(home, part)).sort()) {
      if (name.endsWith('.ts') && !name.endsWith('.test.ts')) hash.update(readFileSync(join(home, part, name)))
    }
  }
  return hash.digest('hex')
}

function read(path: string): EventRules | undefined {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as EventRules
    utimesSync(path, new Date(), new Date())
    return kept
  } catch {
    return undefined
  }
}

function write(path: string, rules: EventRules, folder: string): EventRules {
  const unfinished = `${path}.${process.pid}`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(unfinished, JSON.stringify(rules), { mode: 0o600, flag: 'wx' })
    renameSync(unfinished, path)
    const kept = readdirSync(folder).map((name) => ({ name, usedMs: statSync(join(folder, name)).mtimeMs }))
    for (const { name } of kept.sort((a, b) => b.usedMs - a.usedMs).slice(keptMax)) rmSync(join(folder, name))
  } catch {
    discard(unfinished)
  }
  return rules
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Where nothing can be written there is nothing to take away.
  }
}
