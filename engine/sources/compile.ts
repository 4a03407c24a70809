/**
 * Compiles source files: YAML to sources that can be run, or to all their mistakes.
 *
 * Pure. `*.cases.yml` are cases, not sources; a file with `tables` holds tables that all sources of the set may use.
 */
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import { limits } from '../../core/limits.ts'
import { parseYaml, schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { compileBuilder, type FieldMapping } from './builder.ts'
import { Complaints } from './complaints.ts'
import { compileCondition, type Condition } from './condition.ts'
import { conversions, sealedCredential } from './convert.ts'
import { durationMs, SourceDefinition, TablesDefinition } from './definition.ts'
import { compileExpression, type Expression, type Scope } from './expression.ts'
import { compileKeep } from './keep.ts'
import { compileGetter, isObject, parsePath } from './path.ts'
import { isSealed, nothingSensitive, sensitivePlan, type SensitivePlan } from './redact.ts'
import { Source } from './source.ts'
import { compileTable, type Table } from './table.ts'
import { findTarget, isEventRoot } from './targets.ts'

export interface CompiledSources {
  readonly sources: ReadonlyMap<string, Source>
  /** Empty: all files compiled. With any, the set must not be put in force. */
  readonly mistakes: readonly Mistake[]
}

const mappingsMax = 300

export function isCasesFile(path: string): boolean {
  return path.endsWith('.cases.yml')
}

export function compileSources(files: readonly ContentFile[]): CompiledSources {
  const mistakes: Mistake[] = []
  const parsedFiles = files.filter((file) => /\.ya?ml$/.test(file.path) && !isCasesFile(file.path)).map(parseYaml)
  for (const parsed of parsedFiles) mistakes.push(...parsed.mistakes)
  const readable = parsedFiles.filter((parsed) => parsed.mistakes.length === 0)
  const tables = compileTables(readable.filter(holdsTables), mistakes)
  const sources = new Map<string, Source>()
  const definitions = readable.filter((parsed) => !holdsTables(parsed))
  const names = new Set(definitions.map((parsed) => (isObject(parsed.value) ? parsed.value['name'] : undefined)))
  for (const parsed of definitions) {
    const source = compileSource(parsed, { tables, names }, mistakes)
    if (source === undefined) continue
    if (sources.has(source.name)) {
      const message = `There is another source "${source.name}".`
      mistakes.push({ code: 'SOURCE_INVALID', message, place: parsed.place(['name']) })
    }
    sources.set(source.name, source)
  }
  return { sources, mistakes }
}

/** What a file may refer to in the others of its set. */
interface Shared {
  readonly tables: ReadonlyMap<string, Table>
  readonly names: ReadonlySet<unknown>
}

function holdsTables(parsed: ParsedYaml): boolean {
  return isObject(parsed.value) && Object.hasOwn(parsed.value, 'tables')
}

function compileTables(files: readonly ParsedYaml[], mistakes: Mistake[]): ReadonlyMap<string, Table> {
  const tables = new Map<string, Table>()
  for (const parsed of files) {
    const read = TablesDefinition.safeParse(parsed.value)
    if (!read.success) {
      mistakes.push(...schemaMistakes(parsed, read.error, 'SOURCE_INVALID'))
      continue
    }
    const complaints = new Complaints(parsed)
    for (const [name, node] of Object.entries(read.data.tables)) {
      if (tables.has(name)) complaints.atKey(['tables', name], `There is another table "${name}".`)
      const table = compileTable(node, ['tables', name], complaints)
      if (table !== undefined) tables.set(name, table)
    }
    mistakes.push(...complaints.mistakes)
  }
  return tables
}

function compileSource(parsed: ParsedYaml, shared: Shared, mistakes: Mistake[]): Source | undefined {
  const read = SourceDefinition.safeParse(parsed.value)
  const complaints = new Complaints(parsed)
  const scope: Scope = { complaints, tables: shared.tables }
  if (!read.success) {
    mistakes.push(...schemaMistakes(parsed, read.error, 'SOURCE_INVALID'))
    // What is wrong further in is worth knowing in the same go.
    for (const section of ['map', 'derive'] as const) {
      const fields = isObject(parsed.value) ? parsed.value[section] : undefined
      if (isObject(fields)) compileMappings(fields, section, { synthetic: true, sensitive: nothingSensitive }, scope)
    }
    mistakes.push(...complaints.mistakes)
    return undefined
  }
  const source = build(read.data, shared, scope)
  mistakes.push(...complaints.mistakes)
  return complaints.mistakes.length === 0 ? source : undefined
}

function build(definition: SourceDefinition, shared: Shared, scope: Scope): Source {
  const { complaints } = scope
  const { name, time, identity } = definition
  if (isEventRoot(name.split('.')[0]!)) {
    complaints.at(['name'], `"${name}" begins like an event field.`, 'What is kept of a record stands under the name.')
  }
  const timeNode = typeof time === 'object' && !Array.isArray(time) ? time.from : time
  const timePath = timeNode === time ? ['time'] : ['time', 'from']
  const records = definition.records === undefined ? undefined : parsePath(definition.records)
  if (definition.records !== undefined && records === undefined) complaints.at(['records'], 'A path is meant.')
  const options: MappingOptions = {
    synthetic: definition.synthetic === true,
    sensitive: compileSensitive(definition, complaints),
  }
  return new Source({
    name,
    title: definition.title,
    topic: definition.topic,
    logsource: definition.logsource,
    match: optionalCondition(definition.match, 'match', complaints),
    ignore: optionalCondition(definition.ignore, 'ignore', complaints),
    delegates: compileDelegates(definition, shared, complaints),
    records: records === undefined ? undefined : compileGetter(records),
    recordsKey: records?.length === 1 ? String(records[0]) : undefined,
    time: compileChoices(timeNode, timePath, scope),
    timeFormat: typeof time === 'object' && !Array.isArray(time) ? time.format : 'iso',
    latenessMs: definition.lateness === undefined ? limits.latenessMs : durationMs(definition.lateness),
    tellsTime: definition.tellsTime ?? definition.synthetic !== true,
    silenceMs: definition.silence === undefined ? undefined : durationMs(definition.silence),
    tenant: compileChoices(definition.tenant, ['tenant'], scope),
    principal: compileChoices(definition.principal, ['principal'], scope),
    identity: typeof identity === 'string' ? identity : compileChoices(identity.field, ['identity', 'field'], scope),
    map: compileBuilder(compileMappings(definition.map, 'map', options, scope)),
    derive: compileDerived(definition.derive ?? {}, options, scope),
    keep: definition.keep === undefined ? undefined : compileKeep(definition.keep, name, ['keep'], complaints),
    sensitive: options.sensitive,
  })
}

function optionalCondition(node: unknown, key: string, complaints: Complaints): Condition | undefined {
  return node === undefined ? undefined : compileCondition(node, [key], complaints)
}

function compileDelegates(
  definition: SourceDefinition,
  shared: Shared,
  complaints: Complaints,
): readonly { readonly when: Condition; readonly to: string }[] {
  return (definition.delegate ?? []).map(({ when, to }, index) => {
    if (!shared.names.has(to)) complaints.at(['delegate', index, 'to'], `There is no source "${to}".`)
    return { when: compileCondition(when, ['delegate', index, 'when'], complaints), to }
  })
}

/** A list stands for `{from: list}`: the first that has a value. */
function compileChoices(node: unknown, path: readonly string[], scope: Scope): Expression {
  return compileExpression(Array.isArray(node) ? { from: node } : node, path, scope)
}

interface MappingOptions {
  readonly synthetic: boolean
  readonly sensitive: SensitivePlan
}

function compileMappings(
  map: Readonly<Record<string, unknown>>,
  section: 'map' | 'derive',
  options: MappingOptions,
  scope: Scope,
): readonly FieldMapping[] {
  const mappings: FieldMapping[] = []
  const names = Object.keys(map)
  if (names.length > mappingsMax) scope.complaints.at([section], `There are more than ${mappingsMax} mappings.`)
  for (const name of names) {
    const path = [section, name]
    const target = findTarget(name)
    if (typeof target === 'string') {
      scope.complaints.atKey(path, target)
      continue
    }
    if (name === 'warden.synthetic' && !options.synthetic) {
      scope.complaints.atKey(path, 'Only a source with `synthetic: true` may mark its events synthetic.')
    }
    const inside = names.find((other) => other.startsWith(`${name}.`))
    if (inside !== undefined)
      scope.complaints.atKey([section, inside], `"${name}" is a value, so "${inside}" can't be.`)
    const node = map[name]
    const steps = typeof node === 'string' ? parsePath(node) : undefined
    const sealed = section === 'map' && steps !== undefined && isSealed(options.sensitive, steps)
    const typed =
      sealed && target.convert === conversions['credential'] ? { ...target, convert: sealedCredential } : target
    mappings.push({ name, target: typed, expression: compileChoices(node, path, scope), steps })
  }
  return mappings
}

/** Each in turn, so that a later one can read an earlier one's field. */
function compileDerived(
  map: Readonly<Record<string, unknown>>,
  options: MappingOptions,
  scope: Scope,
): ReturnType<typeof compileBuilder> {
  const steps = compileMappings(map, 'derive', options, scope).map((one) => compileBuilder([one]))
  return (event, context, into) => {
    for (const step of steps) step(event, context, into)
  }
}

function compileSensitive(definition: SourceDefinition, complaints: Complaints): SensitivePlan {
  const fields = (definition.sensitive ?? []).map((field) =>
    typeof field === 'string' ? ({ field, as: 'credential' } as const) : field,
  )
  const plan = sensitivePlan(fields)
  if (typeof plan !== 'number') return plan
  complaints.at(['sensitive', plan], `"${fields[plan]!.field}" is no path.`)
  return nothingSensitive
}
