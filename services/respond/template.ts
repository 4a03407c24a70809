/**
 * Templates: `{{path}}` in the strings of a playbook's arguments. No expressions, no code.
 *
 * Pure. A string that is nothing but one template takes the value with its type (a list stays a list); inside other text,
 * lists are joined by commas. What is filled in is never looked at again, so content can't bring templates of its own.
 * `{{notice}}` stands for the whole notice (notice.ts).
 */
import type { YamlPath } from '../../core/yaml.ts'
import { lookUp, type PathValue, type Scope } from './paths.ts'
import { playbookLimits } from './playbook.ts'

const template = /\{\{([^{}]{0,200})\}\}/g
const whole = /^\{\{([^{}]{0,200})\}\}$/

export interface TemplateUse {
  readonly path: string
  /** Where in the arguments it stands. */
  readonly at: YamlPath
  readonly whole: boolean
}

/** Every template in a value, and every brace pair that looks like one and isn't. */
export function templatesIn(value: unknown, at: YamlPath = []): readonly TemplateUse[] {
  if (typeof value === 'string') {
    const uses = [...value.matchAll(template)].map((match) => ({
      path: (match[1] ?? '').trim(),
      at,
      whole: whole.test(value),
    }))
    const rest = value.replace(template, '')
    return rest.includes('{{') || rest.includes('}}') ? [...uses, { path: rest.slice(0, 40), at, whole: false }] : uses
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => templatesIn(item, [...at, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => templatesIn(item, [...at, key]))
}

/** The value with its templates filled in. */
export function fill(value: unknown, scope: Scope, notice: () => unknown): unknown {
  if (typeof value === 'string') return fillText(value, scope, notice)
  if (Array.isArray(value)) return value.map((item) => fill(item, scope, notice))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, scope, notice)]))
}

function fillText(text: string, scope: Scope, notice: () => unknown): unknown {
  const only = whole.exec(text)?.[1]?.trim()
  if (only === 'notice') return notice()
  if (only !== undefined) {
    const value = lookUp(scope, only)
    return typeof value === 'string' ? value.slice(0, playbookLimits.renderedCharsMax) : value
  }
  return text
    .replace(template, (_match, path: string) => spell(lookUp(scope, path.trim())))
    .slice(0, playbookLimits.renderedCharsMax)
}

function spell(value: PathValue): string {
  return typeof value === 'object' ? value.join(', ') : String(value)
}
