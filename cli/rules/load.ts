/**
 * The rules that a command is about: folders and files that it names, or those of the installation.
 *
 * What is named on the command line stands for itself: of the installation it gets the operators' lists and the pipelines, so
 * that placeholders and field names mean the same as in production.
 */
import { existsSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { ContentFile } from '../../core/content.ts'
import type { FilePlace, Mistake } from '../../core/errors.ts'
import type { LoadedConfig } from '../../runtime/config/config-load.ts'
import { loadFolders, type FileKind } from '../../runtime/content/content-files.ts'
import { contentFolders } from '../content-folders.ts'
import { CliError, exitCodes } from '../exit.ts'

export interface LoadedRules {
  readonly files: readonly ContentFile[]
  /** The `*.cases.yml` beside them. */
  readonly cases: readonly ContentFile[]
  /** Of reading the files. */
  readonly mistakes: readonly Mistake[]
  /** A place as people should see it: the file as it was named. */
  readonly shown: (place: FilePlace) => FilePlace
}

const shared = /(?:^|\/)(?:lists|pipelines)\/[^/]+\.ya?ml$/

export async function loadRules(loaded: LoadedConfig, paths: readonly string[]): Promise<LoadedRules> {
  const reader = new RuleReader()
  for (const folder of contentFolders(loaded.config, loaded.folder).rules) {
    await reader.take(folder, '', paths.length === 0 ? () => true : (path) => shared.test(path))
  }
  // Two paths may hold files of one name: each keeps its own.
  for (const [index, path] of paths.entries()) await reader.takePath(path, paths.length > 1 ? `${index}/` : '')
  return reader.loaded()
}

/** These paths and nothing else, without the cases beside them. */
export async function loadRulesAlone(paths: readonly string[]): Promise<LoadedRules> {
  const reader = new RuleReader(['content'])
  for (const [index, path] of paths.entries()) await reader.takePath(path, paths.length > 1 ? `${index}/` : '')
  return reader.loaded()
}

/** The sources of the installation: what fills events, and reads the raw records of cases. */
export async function loadSources(loaded: LoadedConfig): Promise<readonly ContentFile[]> {
  return (await loadFolders(contentFolders(loaded.config, loaded.folder).sources)).files
}

/** Pipelines given by `--pipeline`: files, or folders of them. */
export async function loadPipelines(paths: readonly string[]): Promise<LoadedRules> {
  const reader = new RuleReader(['content'])
  for (const [index, path] of paths.entries()) await reader.takePath(path, `pipelines/${index}/`)
  return reader.loaded()
}

class RuleReader {
  readonly #kinds: readonly FileKind[]
  readonly #files = new Map<string, ContentFile>()
  readonly #cases = new Map<string, ContentFile>()
  readonly #origins = new Map<string, string>()
  readonly #mistakes: Mistake[] = []

  constructor(kinds: readonly FileKind[] = ['content', 'cases']) {
    this.#kinds = kinds
  }

  async takePath(path: string, under: string): Promise<void> {
    if (!existsSync(path)) throw new CliError(exitCodes.usage, 'PATH_UNREADABLE', `There is no file or folder ${path}.`)
    if (statSync(path).isDirectory()) await this.take(path, under, () => true)
    else await this.take(dirname(path), under, isOrBeside(basename(path)))
  }

  async take(folder: string, under: string, wanted: (path: string) => boolean): Promise<void> {
    for (const kind of this.#kinds) {
      const into = kind === 'content' ? this.#files : this.#cases
      const { files, origins, mistakes } = await loadFolders([folder], kind)
      for (const { path, text } of files) {
        if (!wanted(path)) continue
        into.set(under + path, { path: under + path, text })
        this.#origins.set(under + path, origins.get(path) ?? path)
      }
      if (kind === 'content') this.#mistakes.push(...mistakes)
    }
  }

  loaded(): LoadedRules {
    const origins = this.#origins
    return {
      files: [...this.#files.values()],
      cases: [...this.#cases.values()],
      mistakes: this.#mistakes,
      shown: (place) => ({ ...place, file: origins.get(place.file) ?? place.file }),
    }
  }
}

function isOrBeside(name: string): (path: string) => boolean {
  const stem = name.replace(/\.ya?ml$/, '')
  return (path) => path === name || path === `${stem}.cases.yml`
}
