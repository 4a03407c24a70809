/** The compilers that say what is wrong in content, and the cases that stand beside it. */
import type { ContentFile } from '../core/content.ts'
import type { ContentSet } from '../core/control.ts'
import type { FilePlace, Mistake } from '../core/errors.ts'
import { describedConnectors } from '../connectors/create.ts'
import { runSourceCases } from '../engine/sources/cases.ts'
import { readInventory } from '../engine/inventory/inventory.ts'
import { compileSources } from '../engine/sources/compile.ts'
import { loadFolders } from '../runtime/content/content-files.ts'
import { contentSets, type ContentChecks, type ContentFolders } from '../runtime/content/content-publisher.ts'
import { runRuleCases } from '../services/detect/authoring/rule-cases.ts'
import { compileRules } from '../services/detect/rule-set/rule-set.ts'
import { runPlaybookCases } from '../services/respond/cases.ts'
import { Catalog } from '../services/respond/catalog.ts'
import { compilePlaybooks } from '../services/respond/compile.ts'

export interface ContentCase {
  readonly set: ContentSet
  /** What the case is about: a source, a rule, a playbook. */
  readonly about: string
  readonly name: string
  readonly place: FilePlace
  /** What differs; empty: it holds. */
  readonly differences: readonly string[]
}

export interface ContentCases {
  readonly cases: readonly ContentCase[]
  readonly mistakes: readonly Mistake[]
}

/** Runs the cases that stand beside the content files of these folders. */
export async function runCases(folders: ContentFolders): Promise<ContentCases> {
  const cases: ContentCase[] = []
  const mistakes: Mistake[] = []
  let sources: readonly ContentFile[] = []
  for (const set of contentSets) {
    const content = await loadFolders(folders[set])
    const beside = await loadFolders(folders[set], 'cases')
    if (set === 'sources') sources = content.files
    const run = runners[set]([...content.files, ...beside.files], sources)
    const origins = new Map([...content.origins, ...beside.origins])
    const placed = <T extends { readonly place?: FilePlace | undefined }>(one: T): T =>
      one.place === undefined
        ? one
        : { ...one, place: { ...one.place, file: origins.get(one.place.file) ?? one.place.file } }
    cases.push(...run.cases.map((one) => placed({ ...one, set })))
    mistakes.push(...content.mistakes, ...beside.mistakes, ...run.mistakes.map(placed))
  }
  return { cases, mistakes }
}

/** `sources`: cases of rules may give raw records. */
type Runner = (
  files: readonly ContentFile[],
  sources: readonly ContentFile[],
) => {
  readonly cases: readonly Omit<ContentCase, 'set'>[]
  readonly mistakes: readonly Mistake[]
}

const runners: Readonly<Record<ContentSet, Runner>> = {
  sources: (files) => {
    const { results, mistakes } = runSourceCases(files)
    return { cases: results.map(({ source, ...one }) => ({ ...one, about: source })), mistakes }
  },
  rules: (files, sources) => {
    const { results, mistakes } = runRuleCases(files, sources)
    return { cases: results.map(({ rule, ...one }) => ({ ...one, about: rule })), mistakes }
  },
  playbooks: (files) => {
    const { results, mistakes } = runPlaybookCases(files, new Catalog(describedConnectors()))
    return {
      cases: results.map(({ file, name, differences }) => {
        const place = { file, line: 1, column: 1 }
        return { about: file.replace(/\.cases\.ya?ml$/, ''), name, place, differences }
      }),
      mistakes,
    }
  },
  inventory: (files) => ({ cases: [], mistakes: readInventory(files).mistakes }),
}

/** The compilers of what the sets are for; playbooks are checked against every connector that there is. */
export function contentChecks(): ContentChecks {
  const catalog = new Catalog(describedConnectors())
  return {
    sources: (files) => compileSources(files).mistakes,
    rules: (files) => compileRules(files).mistakes,
    playbooks: (files) => compilePlaybooks(files, catalog).mistakes,
    inventory: (files) => readInventory(files).mistakes,
  }
}
