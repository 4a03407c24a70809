/**
 * Lists that operators edit (`lists/*.yml` in the rules set): own accounts, where the weights lie, who releases them.
 *
 * Rules name them as Sigma placeholders (`field|expand: '%own_accounts%'`). Pure. Promises: a list that is empty refuses no
 * rule: where the list says so its rules rest until it is filled, else it just matches nothing; both are told as notices.
 */
import { z } from 'zod'
import type { ContentFile } from '../../../core/content.ts'
import type { Mistake } from '../../../core/errors.ts'
import { limits } from '../../../core/limits.ts'
import { parseYaml, schemaMistakes } from '../../../core/yaml.ts'

const valuesMax = 5_000

const ListFile = z.strictObject({
  title: z.string().min(1).max(256),
  description: z.string().max(4_000).optional(),
  /** `rest`: rules that use the list rest until it has values. `match-nothing`: they run, and it matches nothing. */
  empty: z.enum(['rest', 'match-nothing']),
  values: z.array(z.union([z.string().min(1).max(512), z.number()]).transform(String)).max(valuesMax),
})

export interface OperatorList {
  readonly name: string
  readonly values: readonly string[]
  readonly empty: 'rest' | 'match-nothing'
}

export interface ReadLists {
  readonly lists: readonly OperatorList[]
  /** The lists as the processing pipeline that resolves placeholders; none where there are no lists. */
  readonly pipeline: ContentFile | undefined
  readonly others: readonly ContentFile[]
  readonly mistakes: readonly Mistake[]
}

const listPath = /(?:^|\/)lists\/([A-Za-z0-9_-]{1,64})\.ya?ml$/
/** Stands for an empty list. No event can have it: it is longer than a field may be. */
const nobody = '-'.repeat(limits.fieldCharsMax + 1)

export function readLists(files: readonly ContentFile[]): ReadLists {
  const lists: OperatorList[] = []
  const others: ContentFile[] = []
  const mistakes: Mistake[] = []
  for (const file of files) {
    const name = listPath.exec(file.path)?.[1]
    if (name === undefined) {
      others.push(file)
      continue
    }
    const parsed = parseYaml(file)
    mistakes.push(...parsed.mistakes)
    if (parsed.value === undefined) continue
    const read = ListFile.safeParse(parsed.value)
    if (read.success) lists.push({ name, values: read.data.values, empty: read.data.empty })
    else mistakes.push(...schemaMistakes(parsed, read.error, 'LIST_INVALID'))
  }
  return { lists, pipeline: pipelineOf(lists), others, mistakes }
}

function pipelineOf(lists: readonly OperatorList[]): ContentFile | undefined {
  if (lists.length === 0) return undefined
  const vars = Object.fromEntries(lists.map(({ name, values }) => [name, values.length === 0 ? [nobody] : values]))
  const include = lists.map(({ name }) => name)
  const pipeline = {
    name: 'lists',
    priority: 1_000,
    vars,
    transformations: [{ id: 'lists', type: 'value_placeholders', include }],
  }
  return { path: 'pipelines/~lists.yml', text: JSON.stringify(pipeline) }
}

/** The empty lists that a rule file names. */
export function emptyListsIn(text: string, lists: readonly OperatorList[]): OperatorList[] {
  return lists.filter(({ name, values }) => values.length === 0 && text.includes(`%${name}%`))
}
