/**
 * Which event fields the sources can fill: what a rule may ask for.
 *
 * Pure. Sources with mistakes count with what can be read of them: whoever checks rules hears of mistakes in sources elsewhere.
 */
import type { ContentFile } from '../../core/content.ts'
import { parseYaml } from '../../core/yaml.ts'
import { isCasesFile } from './compile.ts'
import { SourceDefinition } from './definition.ts'

export interface FilledFields {
  readonly source: string
  readonly logsource: SourceDefinition['logsource']
  /** Dotted names. */
  readonly fields: ReadonlySet<string>
  /** The record's own fields stand in the event, under the source's name. */
  readonly keepsRecord: boolean
}

/** What every event has, whatever its source says. */
const always = (
  '@timestamp event.id event.kind event.dataset event.created event.hash organization.id warden.principal ' +
  'warden.logsource.product warden.logsource.service warden.logsource.category warden.position.topic ' +
  'warden.position.partition warden.position.offset warden.position.index warden.mapping'
).split(' ')

export function filledFields(files: readonly ContentFile[]): readonly FilledFields[] {
  return files.flatMap((file) => {
    if (isCasesFile(file.path)) return []
    const read = SourceDefinition.safeParse(parseYaml(file).value)
    if (!read.success) return []
    const { name, logsource, map, derive = {}, keep } = read.data
    const fields = new Set([...always, ...Object.keys(map), ...Object.keys(derive)])
    return [{ source: name, logsource, fields, keepsRecord: keep !== undefined }]
  })
}

/** Whether a source can fill a field, a part of it, or something inside of it. */
export function fills(filled: FilledFields, field: string): boolean {
  if (filled.fields.has(field)) return true
  if (filled.keepsRecord && (field === filled.source || field.startsWith(`${filled.source}.`))) return true
  for (const name of filled.fields) {
    if (name.startsWith(`${field}.`) || field.startsWith(`${name}.`)) return true
  }
  return false
}
