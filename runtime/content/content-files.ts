/**
 * Reads a folder of rules, playbooks or sources into content files.
 *
 * Promises: nothing outside the folder is read, whatever links stand in it; hidden files, and the `*.cases.yml` that test
 * the content, are no content; what is too large, too deep, too many or not UTF-8 is a mistake with its file, and all
 * mistakes are reported.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Dirent } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { setImmediate as breath } from 'node:timers/promises'
import type { ContentFile } from '../../core/content.ts'
import { describeError, type Mistake } from '../../core/errors.ts'
import { decodeUtf8 } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'

export interface LoadedFolders {
  /** In path order; of equal paths, the one of the last folder. */
  readonly files: readonly ContentFile[]
  /** Where on this machine each path was read. */
  readonly origins: ReadonlyMap<string, string>
  readonly mistakes: readonly Mistake[]
}

const folderDepthMax = 16
/** Files read in one go, a few milliseconds; then others have their turn. */
const filesAtOnce = 100
const contentName = /\.ya?ml$/i
const casesName = /\.cases\.ya?ml$/i

/** Which of a folder's files to read. */
export type FileKind = 'content' | 'cases'

/** Reads these folders, later ones over earlier ones. Never throws for what stands in them. */
export async function loadFolders(folders: readonly string[], kind: FileKind = 'content'): Promise<LoadedFolders> {
  const byPath = new Map<string, ContentFile>()
  const origins = new Map<string, string>()
  const mistakes: Mistake[] = []
  for (const folder of folders) {
    const root = await realFolder(folder, mistakes)
    if (root === undefined) continue
    for (const [index, found] of (await listFiles(root, folder, kind, mistakes)).entries()) {
      if (index % filesAtOnce === filesAtOnce - 1) await breath()
      const text = readContent(found, mistakes)
      if (text === undefined) continue
      byPath.set(found.path, { path: found.path, text })
      origins.set(found.path, found.shown)
    }
  }
  if (byPath.size > limits.contentFilesMax) {
    const message = `There are ${byPath.size} files; ${limits.contentFilesMax} are allowed.`
    mistakes.push({ code: 'CONTENT_FILES_TOO_MANY', message })
  }
  const files = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return { files, origins, mistakes }
}

/** Changes whenever a file of the folders comes, goes or is written to; costs no reading. */
export async function foldersSignature(folders: readonly string[]): Promise<string> {
  const parts: string[] = []
  for (const folder of folders) {
    const root = await realFolder(folder, [])
    if (root === undefined) continue
    for (const { real } of await listFiles(root, folder, 'content', [])) {
      try {
        const { size, mtimeMs, ino } = await lstat(real)
        parts.push(`${real}:${size}:${mtimeMs}:${ino}`)
      } catch {
        // Gone since: the next look sees the folder without it.
      }
    }
  }
  return parts.sort().join('\n')
}

interface FoundFile {
  /** Relative to its folder, with `/`. */
  readonly path: string
  readonly real: string
  /** As people should see it: below the folder as it was named. */
  readonly shown: string
}

async function realFolder(folder: string, mistakes: Mistake[]): Promise<string | undefined> {
  try {
    return await realpath(folder)
  } catch (error) {
    const hint = 'Make the folder, or take it out of the configuration.'
    const message = `The folder ${folder} can't be read: ${describeError(error)}.`
    mistakes.push({ code: 'CONTENT_FOLDER_UNREADABLE', message, hint })
    return undefined
  }
}

async function listFiles(root: string, folder: string, kind: FileKind, mistakes: Mistake[]): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  let level = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > folderDepthMax) {
      const message = `Folders are nested more than ${folderDepthMax} deep below ${folder}.`
      mistakes.push({ code: 'CONTENT_FOLDER_TOO_DEEP', message })
      break
    }
    const next: string[] = []
    for (const at of level) {
      for (const entry of await entriesOf(at, mistakes)) {
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
        const full = join(at, entry.name)
        if (entry.isDirectory()) next.push(full)
        else if (!isWanted(entry.name, kind)) continue
        else if (entry.isFile()) found.push(foundFile(root, folder, full, full))
        else if (entry.isSymbolicLink()) await addLink(root, folder, full, found, mistakes)
      }
    }
    level = next
    // What is past this is reported by the caller, and not read.
    if (found.length > limits.contentFilesMax) break
  }
  return found
}

async function entriesOf(folder: string, mistakes: Mistake[]): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    // Gone between two looks is no mistake; the next look sees it right.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      mistakes.push({ code: 'CONTENT_FOLDER_UNREADABLE', message: `${folder}: ${describeError(error)}.` })
    }
    return []
  }
}

function isWanted(name: string, kind: FileKind): boolean {
  return contentName.test(name) && casesName.test(name) === (kind === 'cases')
}

function foundFile(root: string, folder: string, full: string, real: string): FoundFile {
  const path = relative(root, full)
  return { path: sep === '/' ? path : path.split(sep).join('/'), real, shown: join(folder, path) }
}

async function addLink(
  root: string,
  folder: string,
  full: string,
  found: FoundFile[],
  mistakes: Mistake[],
): Promise<void> {
  const file = foundFile(root, folder, full, full)
  try {
    const real = await realpath(full)
    if (real.startsWith(root + sep)) found.push({ ...file, real })
    else {
      const message = 'The file is a link that leads out of its folder.'
      mistakes.push({ code: 'CONTENT_LINK_OUTSIDE', message, place: { file: file.shown, line: 1, column: 1 } })
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    mistakes.push(unreadable(file.shown, error))
  }
}

/** Neither a link that has come in the meantime nor a pipe that nobody writes to: what is no file is passed over. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** At once: thousands of small files take a fraction of what handing each to another thread and back does. */
function readContent(found: FoundFile, mistakes: Mistake[]): string | undefined {
  const place = { file: found.shown, line: 1, column: 1 }
  try {
    const file = openSync(found.real, openFlags)
    try {
      const status = fstatSync(file)
      if (!status.isFile()) return undefined
      // One byte more than allowed: a file that grows while it is read is not taken whole.
      const buffer = Buffer.allocUnsafe(Math.min(status.size, limits.contentFileBytesMax) + 1)
      const bytesRead = readSync(file, buffer, 0, buffer.length, 0)
      if (bytesRead > limits.contentFileBytesMax) {
        const message = `The file has more than ${limits.contentFileBytesMax} bytes.`
        mistakes.push({ code: 'CONTENT_FILE_TOO_LARGE', message, place })
        return undefined
      }
      const text = decodeUtf8(buffer.subarray(0, bytesRead))
      if (text === undefined) {
        mistakes.push({ code: 'CONTENT_FILE_NOT_UTF8', message: 'The file is not valid UTF-8.', place })
      }
      return text
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') mistakes.push(unreadable(found.shown, error))
    return undefined
  }
}

function unreadable(file: string, error: unknown): Mistake {
  const place = { file, line: 1, column: 1 }
  return { code: 'CONTENT_FILE_UNREADABLE', message: `The file can't be read: ${describeError(error)}.`, place }
}
