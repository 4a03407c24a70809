/** The content folders of an installation, and the compilers that say what is wrong in them. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describedConnectors } from '../connectors/create.ts'
import { compileSources } from '../engine/sources/compile.ts'
import type { Config } from '../runtime/config.ts'
import type { ContentChecks, ContentFolders } from '../runtime/content-publisher.ts'
import { compileRules } from '../services/detect/rule-set.ts'
import { Catalog } from '../services/respond/catalog.ts'
import { compilePlaybooks } from '../services/respond/compile.ts'

/** Modelwarden's own folder: the content that comes with it stands there. */
export const home = dirname(dirname(fileURLToPath(import.meta.url)))

/** The shipped folder first, then the user's: theirs win. */
export function contentFolders(config: Config, configFolder: string): ContentFolders {
  const foldersOf = (set: 'sources' | 'rules' | 'playbooks'): string[] => {
    const own = config.content[set].map((folder) => resolve(configFolder, folder))
    const shipped = join(home, set)
    return config.content.shipped && existsSync(shipped) ? [shipped, ...own] : own
  }
  return { sources: foldersOf('sources'), rules: foldersOf('rules'), playbooks: foldersOf('playbooks') }
}

/** The compilers of what the sets are for; playbooks are checked against every connector that there is. */
export function contentChecks(): ContentChecks {
  const catalog = new Catalog(describedConnectors())
  return {
    sources: (files) => compileSources(files).mistakes,
    rules: (files) => compileRules(files).mistakes,
    playbooks: (files) => compilePlaybooks(files, catalog).mistakes,
  }
}
