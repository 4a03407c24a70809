/** The content folders of an installation. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ContentSet } from '../core/control.ts'
import type { Config } from '../runtime/config/config.ts'
import type { ContentFolders } from '../runtime/content/content-publisher.ts'
import { home } from './home.ts'

/** The shipped folder first, then the user's: theirs win. */
export function contentFolders(config: Config, configFolder: string): ContentFolders {
  const foldersOf = (set: ContentSet): string[] => {
    const own = config.content[set].map((folder) => resolve(configFolder, folder))
    const shipped = join(home, set)
    return config.content.shipped && existsSync(shipped) ? [shipped, ...own] : own
  }
  return {
    sources: foldersOf('sources'),
    rules: foldersOf('rules'),
    playbooks: foldersOf('playbooks'),
    inventory: foldersOf('inventory'),
  }
}
