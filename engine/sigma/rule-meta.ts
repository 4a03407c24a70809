/**
 * Reads what all rules say of themselves: id, title, level, tags, our own `modelwarden:` attribute.
 *
 * Shared by Sigma rules, correlations, filters and (in the same envelope) behavior rules. Unknown keys beside these are left
 * alone: Sigma allows custom fields; inside `modelwarden:` they are mistakes.
 */
import { z } from 'zod'
import { derivedId } from '../../core/ids.ts'
import { entityTypes, Level, Threat, type Technique } from '../../core/signal.ts'
import { schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import type { Mistakes } from './mistakes.ts'
import type { LogSource, RuleMeta, WardenAttributes } from './types.ts'

/** One text or several; what has no default and changes nothing is read in half the time, and there are thousands of heads. */
const Texts = z.union([z.string(), z.array(z.string())]).nullish()

function listOf(texts: z.infer<typeof Texts>): readonly string[] {
  return typeof texts === 'string' ? [texts] : (texts ?? [])
}

const EntityTypeName = z.enum(entityTypes)

const Warden = z.strictObject({
  shadow: z.boolean().default(false),
  join_on: z.array(EntityTypeName).default([]),
  risk: z.number().min(0).max(100).optional(),
  /** type -> one event field, or several. */
  entities: z.partialRecord(EntityTypeName, z.union([z.string(), z.array(z.string())])).default({}),
  scope: z.enum(['tenant', 'operator']).default('tenant'),
  threat: Threat.optional(),
})

const Head = z.object({
  title: z.string().min(1).max(256),
  id: z.string().min(1).max(256).optional(),
  name: z.string().min(1).max(256).optional(),
  status: z.enum(['stable', 'test', 'experimental', 'deprecated', 'unsupported']).optional(),
  level: Level.optional(),
  description: z.string().max(65_535).optional(),
  tags: z.array(z.string()).optional(),
  falsepositives: Texts,
  fields: Texts,
  taxonomy: z.string().max(256).optional(),
  modelwarden: Warden.optional(),
})

/** A rule's head as read: everything of RuleMeta that does not depend on how the rest compiles. */
export type RuleHead = Omit<RuleMeta, 'logsource' | 'digest'> & { readonly taxonomy: string }

/** `index`: which document of the file. Returns undefined where there are mistakes. */
export function readRuleHead(
  parsed: ParsedYaml,
  index: number,
  mistakes: Mistakes,
  kind?: 'filter',
): RuleHead | undefined {
  // What `modelwarden:` says of a filter is read by exceptions.ts.
  const value = kind === 'filter' ? withoutAttributes(parsed.value) : parsed.value
  const head = plainHead(value) ?? readHead(parsed, value, mistakes)
  if (head === undefined) return undefined
  const tags = head.tags ?? []
  const id = head.id ?? head.name ?? derivedId('sigma-rule', parsed.file, index, head.title)
  return {
    id,
    ...(head.name === undefined ? {} : { name: head.name }),
    title: head.title,
    status: head.status ?? 'experimental',
    level: head.level ?? 'medium',
    ...(head.description === undefined ? {} : { description: head.description.trim() }),
    tags,
    techniques: techniquesOf(tags),
    falsepositives: listOf(head.falsepositives),
    fields: listOf(head.fields),
    taxonomy: head.taxonomy ?? 'sigma',
    warden: head.modelwarden === undefined ? plainAttributes : wardenAttributes(head.modelwarden),
    place: parsed.place([]),
  }
}

type HeadRead = z.infer<typeof Head>

function readHead(parsed: ParsedYaml, value: unknown, mistakes: Mistakes): HeadRead | undefined {
  const read = Head.safeParse(value)
  if (read.success) return read.data
  mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_META_INVALID'))
  return undefined
}

const statuses: ReadonlySet<unknown> = new Set([undefined, ...Head.shape.status.unwrap().options])
const levels: ReadonlySet<unknown> = new Set([undefined, ...Level.options])

/**
 * A head as thousands of rules have it, which the schema would take as it stands: looked over by hand, for that is done in a
 * fraction of the time. Undefined: the schema decides.
 */
function plainHead(value: unknown): HeadRead | undefined {
  const head = value as Readonly<Record<keyof HeadRead, unknown>>
  const name = (text: unknown): boolean => typeof text === 'string' && text.length > 0 && text.length <= 256
  const texts = (list: unknown): boolean => Array.isArray(list) && list.every((each) => typeof each === 'string')
  const some = (given: unknown): boolean => given === undefined || texts(given)
  const plain =
    name(head.title) &&
    (head.id === undefined || name(head.id)) &&
    (head.name === undefined || name(head.name)) &&
    statuses.has(head.status) &&
    levels.has(head.level) &&
    (head.description === undefined || (typeof head.description === 'string' && head.description.length <= 65_535)) &&
    some(head.tags) &&
    some(head.falsepositives) &&
    some(head.fields) &&
    head.taxonomy === undefined &&
    head.modelwarden === undefined
  return plain ? (value as HeadRead) : undefined
}

function withoutAttributes(value: unknown): unknown {
  const { modelwarden: _, ...rest } = value as Record<string, unknown>
  return rest
}

const plainAttributes: WardenAttributes = { shadow: false, joinOn: [], entities: [], scope: 'tenant' }

function wardenAttributes(read: z.infer<typeof Warden>): WardenAttributes {
  return {
    shadow: read.shadow,
    joinOn: read.join_on,
    ...(read.risk === undefined ? {} : { risk: read.risk }),
    entities: entityTypes.flatMap((type) => {
      const fields = read.entities[type]
      return (typeof fields === 'string' ? [fields] : (fields ?? [])).map((field) => ({ type, field }))
    }),
    scope: read.scope,
    ...(read.threat === undefined ? {} : { threat: read.threat }),
  }
}

const attackTag = /^attack\.(t\d{4}(?:\.\d{3})?)$/i
const atlasTag = /^atlas\.(aml\.t\d{4}(?:\.\d{3})?)$/i

/** The techniques that tags name: `attack.t1078.004`, `atlas.aml.t0024.002`. */
export function techniquesOf(tags: readonly string[]): readonly Technique[] {
  return tags.flatMap((tag): Technique[] => {
    const attack = attackTag.exec(tag)?.[1]
    if (attack !== undefined) return [{ framework: 'attack', id: attack.toUpperCase() }]
    const atlas = atlasTag.exec(tag)?.[1]
    return atlas === undefined ? [] : [{ framework: 'atlas', id: atlas.toUpperCase() }]
  })
}

const LogSourceBlock = z.object({
  product: z.string().min(1).optional(),
  service: z.string().min(1).optional(),
  category: z.string().min(1).optional(),
})

/** Reads `logsource:`; other keys than the three that route are for people. */
export function readLogSource(parsed: ParsedYaml, mistakes: Mistakes): LogSource | undefined {
  const value = (parsed.value as { logsource?: unknown }).logsource
  if (value === undefined || value === null) {
    mistakes.add('SIGMA_LOGSOURCE_INVALID', 'The rule has no logsource.', parsed.place([]))
    return undefined
  }
  const plain = plainLogSource(value)
  if (plain !== undefined) return plain
  const read = LogSourceBlock.safeParse(value)
  if (!read.success) {
    mistakes.addAll(schemaMistakes(parsed, read.error, 'SIGMA_LOGSOURCE_INVALID', ['logsource']))
    return undefined
  }
  return logSource(read.data.product, read.data.service, read.data.category)
}

/** As the schema would read it; undefined: the schema decides. */
function plainLogSource(value: unknown): LogSource | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { product, service, category } = value as Readonly<Record<string, unknown>>
  const isPlain = (part: unknown): part is string | undefined =>
    part === undefined || (typeof part === 'string' && part !== '')
  return isPlain(product) && isPlain(service) && isPlain(category) ? logSource(product, service, category) : undefined
}

/** A log source without keys that are undefined. */
export function logSource(product?: string, service?: string, category?: string): LogSource {
  return {
    ...(product === undefined ? {} : { product }),
    ...(service === undefined ? {} : { service }),
    ...(category === undefined ? {} : { category }),
  }
}

/** Whether what `wanted` names is what `logsource` has. */
export function covers(wanted: Partial<Record<keyof LogSource, string | undefined>>, logsource: LogSource): boolean {
  const fits = (key: keyof LogSource): boolean =>
    wanted[key] === undefined || wanted[key].toLowerCase() === logsource[key]?.toLowerCase()
  return fits('product') && fits('service') && fits('category')
}
