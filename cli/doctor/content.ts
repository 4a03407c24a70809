/** The content folders: whether they compile, what rests because a list is empty, what would act and only describes. */
import { counted } from '../../core/counted.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Diagnosis } from '../../core/diagnosis.ts'
import { formatMistake } from '../../core/errors.ts'
import { describedConnectors } from '../../connectors/create.ts'
import { checkContent, contentSets, type CheckedContent } from '../../runtime/content/content-publisher.ts'
import { emptyListsIn, readLists } from '../../services/detect/rule-set/lists.ts'
import { Catalog } from '../../services/respond/catalog.ts'
import { compilePlaybooks } from '../../services/respond/compile.ts'
import { contentChecks } from '../content.ts'
import { contentFolders } from '../content-folders.ts'
import type { Patient } from './patient.ts'

/** Names in one sentence. */
const namedMax = 8

export async function lookAtContent({ loaded }: Patient): Promise<readonly Diagnosis[]> {
  const folders = contentFolders(loaded.config, loaded.folder)
  const checks = contentChecks()
  const found: Diagnosis[] = []
  for (const set of contentSets) {
    const checked = await checkContent(set, folders, checks)
    found.push(judgeSet(checked))
    if (set === 'rules') found.push(...judgeLists(checked.files))
    if (set === 'playbooks') found.push(...judgePlaybooks(checked.files, loaded.config.respond.enable))
  }
  return found
}

function judgeSet({ set, files, mistakes }: CheckedContent): Diagnosis {
  const [first] = mistakes
  if (first === undefined) return { name: set, state: 'ok', says: `${counted(files.length, 'file')}, no mistakes.` }
  return {
    name: set,
    state: 'fail',
    says: `${counted(mistakes.length, 'mistake')}, the first: ${formatMistake(first)}`,
    do: 'Mend what modelwarden content check lists; until then the version before stays in force.',
  }
}

/** One check for each list that is empty and that a rule uses. */
export function judgeLists(files: readonly ContentFile[]): readonly Diagnosis[] {
  const { lists, others } = readLists(files)
  const users = new Map<string, string[]>()
  for (const { path, text } of others) {
    if (path.endsWith('.cases.yml')) continue
    const rule = path.replace(/\.ya?ml$/, '')
    for (const { name } of emptyListsIn(text, lists)) users.set(name, [...(users.get(name) ?? []), rule])
  }
  return lists.flatMap(({ name, empty }): Diagnosis[] => {
    const rules = users.get(name)
    if (rules === undefined) return []
    const which = named(rules)
    const check = `list ${name}`
    if (empty === 'match-nothing')
      return [{ name: check, state: 'ok', says: `The list is empty and matches nothing in: ${which}.` }]
    const says = `The list is empty, so ${rules.length === 1 ? 'a rule rests' : `${rules.length} rules rest`}: ${which}.`
    return [{ name: check, state: 'warn', says, do: `Put your values into lists/${name}.yml of your rules (docs/rules.md).` }] // prettier-ignore
  })
}

/** `enabled`: the setting respond.enable. */
export function judgePlaybooks(files: readonly ContentFile[], enabled: readonly string[]): readonly Diagnosis[] {
  const { playbooks } = compilePlaybooks(files, new Catalog(describedConnectors()))
  const destructive = playbooks.filter((each) => each.destructive).map(({ id }) => id)
  const dry = destructive.filter((id) => !enabled.includes(id))
  const unknown = enabled.filter((id) => !playbooks.some((each) => each.id === id))
  const found: Diagnosis[] = []
  if (unknown.length > 0) {
    const says = `respond.enable names playbooks that there are none of: ${named(unknown)}.`
    found.push({ name: 'enabled', state: 'warn', says, do: 'Name them as they are called: modelwarden content check.' })
  }
  if (dry.length > 0) {
    const says = `${dry.length} destructive playbooks are in dry run and only describe what they would do: ${named(dry)}.`
    found.push({ name: 'dry run', state: 'warn', says, do: 'Watch what they describe, then name those that may act in respond.enable (docs/playbooks.md).' }) // prettier-ignore
  } else {
    found.push({ name: 'dry run', state: 'ok', says: `${destructive.length} destructive playbooks, all may act.` })
  }
  return found
}

function named(names: readonly string[]): string {
  const more = names.length - namedMax
  return more <= 0 ? names.join(', ') : `${names.slice(0, namedMax).join(', ')} and ${more} more`
}
