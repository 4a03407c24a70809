/** The reference of the configuration, written from its schema: docs/configuration-reference.md. */
import { configSchema, type ConfigNode } from '../runtime/config/config-keys.ts'

/** Markdown: a table of settings for each section. */
export function configReference(): string {
  const root = configSchema()
  const sections = Object.entries(root.properties ?? {}).map(([name, node]) => sectionText(name, node))
  return `${title}\n\n${sections.join('\n\n')}\n`
}

const title = `# Configuration reference

Every section and setting of \`modelwarden.yml\`, generated from the schema that the program checks it against
(\`modelwarden config schema\` prints that). docs/configuration.md says how to use them.`

function sectionText(name: string, node: ConfigNode): string {
  const rows = node.properties === undefined ? [row(name, node, false)] : rowsOf(name, node)
  const head = `## \`${name}\`\n\n${node.properties === undefined ? '' : `${node.description ?? ''}\n`}`
  if (rows.length === 0) return `${head}\nNo settings.`
  return `${head}\n| setting | value | default | what it does |\n|---|---|---|---|\n${rows.join('\n')}`
}

function rowsOf(path: string, node: ConfigNode): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const at = `${path}.${key}`
    const required = node.required?.includes(key) ?? false
    const [inner, suffix] = structure(child)
    return inner === undefined ? [row(at, child, required)] : [row(at, child, required), ...rowsOf(at + suffix, inner)]
  })
}

/** The settings inside a setting: of a section, of each item of a list, of each named entry. */
function structure(node: ConfigNode): readonly [ConfigNode | undefined, string] {
  if (node.properties !== undefined) return [node, '']
  if (node.items?.properties !== undefined) return [node.items, '[]']
  const named = node.additionalProperties
  if (typeof named === 'object' && named.properties !== undefined) return [named, '.<name>']
  return [undefined, '']
}

function row(path: string, node: ConfigNode, required: boolean): string {
  const fallback = node.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(node.default)}\``
  return `| \`${path}\` | ${cell(valueOf(node))} | ${cell(fallback)} | ${cell(node.description ?? '')} |`
}

function valueOf(node: ConfigNode): string {
  if (isSecret(node)) return '`{env: NAME}` or `{file: path}`'
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (node.items !== undefined)
    return `list of ${node.items.properties === undefined ? valueOf(node.items) : 'mappings'}`
  const variants = node.anyOf ?? node.oneOf
  if (variants !== undefined) return [...new Set(variants.map(valueOf))].join(' or ')
  if (node.properties !== undefined || node.additionalProperties !== undefined) return 'mapping'
  if (node.type !== 'integer' && node.type !== 'number') return node.type ?? 'any'
  return `${node.type === 'integer' ? 'whole number' : 'number'}${rangeOf(node)}`
}

function rangeOf(node: ConfigNode): string {
  const above = node.exclusiveMinimum
  const whole = above !== undefined && node.type === 'integer'
  const low = node.minimum ?? (whole ? above + 1 : above === undefined ? undefined : `above ${above}`)
  const high = node.maximum === undefined || node.maximum >= 2_147_483_647 ? undefined : node.maximum
  if (low === undefined && high === undefined) return ''
  if (high === undefined) return typeof low === 'number' ? `, ${low} or more` : `, ${low}`
  return low === undefined ? `, at most ${high}` : `, ${low} to ${high}`
}

function isSecret(node: ConfigNode): boolean {
  const keys = (node.anyOf ?? []).map((variant) => Object.keys(variant.properties ?? {}).join())
  return keys.length === 2 && keys.includes('env') && keys.includes('file')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
